//! Route 53 as a service opens it: by its settings, and by what the AWS SDK reads from the environment. The rules are tested
//! in `src/writers/route53/tests.rs`, with our own simulator; here also with moto's, which nobody here wrote, as far as it goes: it
//! never throttles, every change is INSYNC, and it accepts more than Route 53 does.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sim::faults::Fault;
use clap::Parser;
use dns_writer::{DelegationArgs, DnsWriter, TxtChange};
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
    in_a_process("writes_twice", &format!("http://{}", running.api_addr)).await;
    let calls = &running.sim.counters.all()["route53:ChangeResourceRecordSets"];
    assert_eq!((calls.calls, calls.results["OK"]), (2, 1));
}

/// Runs an ignored test of this program in a process whose environment has this address of Route 53.
async fn in_a_process(test: &str, route53: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .env_clear()
        .env("AWS_ENDPOINT_URL_ROUTE_53", route53)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The writer for a hosted zone, by the settings.
async fn writer(id: &str) -> Arc<dyn DnsWriter> {
    let line = [
        "test".to_owned(),
        format!("--delegation-zone={ZONE}"),
        "--dns-writer=route53".to_owned(),
        format!("--route53-zone-id={id}"),
    ];
    let delegation = Line::try_parse_from(line).unwrap().delegation.delegation().await;
    delegation.unwrap().unwrap().writer
}

/// A change of the values at a name below the zone.
fn change(label: &str, add: &[&str], remove: &[&str]) -> [TxtChange; 1] {
    let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    [TxtChange {
        name: format!("{label}.{ZONE}"),
        add: owned(add),
        remove: owned(remove),
    }]
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn writes_twice() {
    let writer = writer(&format!("/hostedzone/{ID}")).await;
    let change = change("a", &["one"], &[]);
    let problem = writer.apply(&change).await.unwrap_err();
    assert!(matches!(problem, DnsWriteProblem::Throttled { .. }), "{problem:?}");
    let written = writer.apply(&change).await.unwrap();
    assert!(!writer.is_everywhere(&written).await.unwrap());
    assert_eq!(writer.list().await.unwrap()[0].values, ["one"]);
}

#[tokio::test]
async fn motos_route_53_takes_what_the_writer_sends() {
    // It takes no port 0; nothing else here takes this one in between.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let installed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.local/aws-tools/bin/moto_server");
    let mut moto = Command::new(installed);
    moto.args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let _moto = moto
        .spawn()
        .unwrap_or_else(|error| panic!("{installed}: {error}; run tests/setup.sh"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "moto doesn't begin");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    in_a_process("writes_in_moto", &format!("http://{address}")).await;
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn writes_in_moto() {
    let route53 = aws_sdk_route53::Client::new(&aws::sdk_config().await.unwrap());
    let zone = route53.create_hosted_zone().name(ZONE).caller_reference("test");
    let id = zone.send().await.unwrap().hosted_zone.unwrap().id;
    let writer = writer(&id).await;
    let values = async || {
        let sets = writer.list().await.unwrap().into_iter();
        sets.flat_map(|set| set.values).collect::<BTreeSet<_>>()
    };
    let set = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<BTreeSet<_>>();
    // Two orders at one name; each change may be repeated.
    for (add, remove, left) in [
        (&["one"][..], &[][..], &["one"][..]),
        (&["two"], &[], &["one", "two"]),
        (&["one"], &[], &["one", "two"]),
        (&[], &["one"], &["two"]),
        (&[], &["one"], &["two"]),
        (&["three"], &["two"], &["three"]),
    ] {
        let written = writer.apply(&change("shared", add, remove)).await.unwrap();
        assert!(writer.is_everywhere(&written).await.unwrap());
        assert_eq!(values().await, set(left), "{add:?} {remove:?}");
    }
}
