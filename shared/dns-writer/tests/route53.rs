//! Route 53 as a service opens it: by its settings, and by what the AWS SDK reads from the environment. The rules are tested
//! in `src/writers/route53/tests.rs`.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::process::Stdio;

use aws_sim::faults::Fault;
use clap::Parser;
use dns_writer::{DelegationArgs, TxtChange};
use pipeline::reason::DnsWriteProblem;
use tokio::process::Command;

const ID: &str = "Z0123456789EXAMPLE";
const ZONE: &str = "acme.platform.example";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    delegation: DelegationArgs,
}

/// Runs [`writes_twice`] in a process with this environment, since the SDK reads it once.
#[tokio::test]
async fn the_settings_and_the_environment_are_all_that_it_needs_and_a_call_is_tried_once() {
    let settings = aws_sim::Settings {
        hosted_zones: vec![format!("{ID}:{ZONE}").parse().unwrap()],
        ..aws_sim::Settings::default()
    };
    let running = aws_sim::start(settings).await.unwrap();
    running.sim.faults.add(Fault {
        operation: "ChangeResourceRecordSets".to_owned(),
        code: Some("Throttling".to_owned()),
        status: 400,
        message: None,
        times: Some(1),
        percent: None,
        after_effect: false,
        delay_ms: 0,
        close: false,
    });
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_twice", "--ignored"])
        .env_clear()
        .env("AWS_ENDPOINT_URL_ROUTE_53", format!("http://{}", running.api_addr))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let calls = &running.sim.counters.all()["route53:ChangeResourceRecordSets"];
    assert_eq!((calls.calls, calls.results["OK"]), (2, 1));
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn writes_twice() {
    let line = [
        "test".to_owned(),
        format!("--delegation-zone={ZONE}"),
        "--dns-writer=route53".to_owned(),
        format!("--route53-zone-id=/hostedzone/{ID}"),
    ];
    let delegation = Line::try_parse_from(line).unwrap().delegation.delegation().await;
    let writer = delegation.unwrap().unwrap().writer;
    let change = [TxtChange {
        name: format!("a.{ZONE}"),
        add: vec!["one".to_owned()],
        ..TxtChange::default()
    }];
    let problem = writer.apply(&change).await.unwrap_err();
    assert!(matches!(problem, DnsWriteProblem::Throttled { .. }), "{problem:?}");
    let written = writer.apply(&change).await.unwrap();
    assert!(!writer.is_everywhere(&written).await.unwrap());
    assert_eq!(writer.list().await.unwrap()[0].values, ["one"]);
}
