//! The writer against the simulator, with the rights of docs/aws/certificate-issuer-policy.json and no others.

use std::time::Duration;

use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sim::Running;
use aws_sim::faults::Fault;
use aws_sim::route53::record_set::{RecordSet, normalized};
use futures_util::future::join_all;
use pipeline::reason::DnsWriteProblem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{SERVER, Writer};
use crate::writer::{DnsWriter as _, TxtChange, TxtSet, Written};

const ZONE: &str = "acme.platform.example";
const ID: &str = "Z0123456789EXAMPLE";
const POLICY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/aws/certificate-issuer-policy.json"
);
/// Long enough that no change arrives by itself during a test.
const NEVER: u64 = 3_600_000;

struct World {
    running: Running,
}

impl World {
    async fn start() -> Self {
        Self::of(ZONE, &format!("test:test:@{POLICY}")).await
    }

    async fn of(zone: &str, key: &str) -> Self {
        let settings = aws_sim::Settings {
            hosted_zones: vec![format!("{ID}:{zone}").parse().unwrap()],
            insync_ms: 0,
            access_keys: vec![key.parse().unwrap()],
            ..aws_sim::Settings::default()
        };
        let running = aws_sim::start(settings).await.unwrap();
        Self { running }
    }

    fn writer(&self) -> Writer {
        self.writer_of(ID, "test")
    }

    fn writer_of(&self, zone_id: &str, key: &str) -> Writer {
        writer(&format!("http://{}", self.running.api_addr), zone_id, key)
    }

    /// The values at a name, each with the set identifier of its record set.
    fn values(&self, name: &str) -> Vec<String> {
        let world = self.running.sim.world();
        let name = normalized(name);
        let sets = world.hosted_zones[ID].sets.values().filter(|set| set.name == name);
        sets.map(|set| {
            let identifier = set.identifier.as_deref().unwrap_or("simple");
            format!("{identifier}: {}", set.values.join(" "))
        })
        .collect()
    }

    /// What another program wrote there.
    fn put(&self, name: &str, identifier: Option<&str>, ttl: i64, values: &[&str]) {
        let set = RecordSet {
            name: normalized(name),
            kind: "TXT".to_owned(),
            identifier: identifier.map(str::to_owned),
            multivalue: identifier.is_some(),
            ttl,
            values: values.iter().map(|value| format!("\"{value}\"")).collect(),
        };
        let mut world = self.running.sim.world();
        let zone = world.hosted_zones.get_mut(ID).unwrap();
        zone.sets.insert(set.key(), set);
    }

    fn calls(&self, operation: &str) -> u64 {
        let counters = self.running.sim.counters.all();
        counters
            .get(&format!("route53:{operation}"))
            .map_or(0, |calls| calls.calls)
    }

    fn fault(&self, code: &str, status: u16) {
        self.running.sim.faults.add(Fault {
            operation: "route53:*".to_owned(),
            code: Some(code.to_owned()),
            status,
            message: None,
            times: None,
            percent: None,
            after_effect: false,
            delay_ms: 0,
            close: false,
        });
    }
}

fn writer(endpoint: &str, zone_id: &str, key: &str) -> Writer {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(key, "test", None, None, "test"))
        .retry_config(RetryConfig::disabled());
    Writer::with(config, zone_id.to_owned(), ZONE.to_owned())
}

fn at(label: &str) -> String {
    format!("{label}.{ZONE}")
}

fn change(name: &str, add: &[&str], remove: &[&str]) -> TxtChange {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    TxtChange {
        name: name.to_owned(),
        add: texts(add),
        remove: texts(remove),
    }
}

async fn problem(writer: &Writer, changes: &[TxtChange]) -> DnsWriteProblem {
    writer.apply(changes).await.unwrap_err()
}

/// What to do about a refusal.
async fn refusal(writer: &Writer, changes: &[TxtChange]) -> String {
    match problem(writer, changes).await {
        DnsWriteProblem::Refused { said, .. } => said,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_writers_add_to_a_name_at_once_and_one_value_goes() {
    let world = World::start().await;
    let (one, other, name) = (world.writer(), world.writer(), at("a"));
    let (first, second) = ([change(&name, &["one"], &[])], [change(&name, &["two"], &[])]);
    let both = join_all([one.apply(&first), other.apply(&second)]).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(world.values(&name), ["one: \"one\"", "two: \"two\""]);
    other.apply(&[change(&name, &[], &["one"])]).await.unwrap();
    assert_eq!(world.values(&name), ["two: \"two\""]);
    one.apply(&[change(&name, &["three"], &["two"])]).await.unwrap();
    assert_eq!(world.values(&name), ["three: \"three\""]);
    assert_eq!(world.calls("ListResourceRecordSets"), 0, "no look is needed");
}

#[tokio::test]
async fn a_change_may_be_repeated_and_what_is_absent_may_be_removed() {
    let world = World::start().await;
    let (writer, name) = (world.writer(), at("a"));
    for _ in 0..2 {
        let written = writer.apply(&[change(&name, &["one"], &["absent"])]).await.unwrap();
        assert!(written.0.is_some(), "a repeated change has to be awaited, too");
        assert_eq!(world.values(&name), ["one: \"one\""]);
    }
    for _ in 0..2 {
        let absent = [change(&name, &[], &["one"]), change(&at("never"), &[], &["x"])];
        writer.apply(&absent).await.unwrap();
        assert_eq!(world.values(&name), [""; 0]);
    }
    assert_eq!(writer.apply(&[]).await.unwrap(), Written(None));
}

#[tokio::test]
async fn a_hundred_names_are_one_call_and_a_look_at_them_is_one_more() {
    let world = World::start().await;
    let (writer, value) = (world.writer(), "v".repeat(43));
    let all = |add: &[&str], remove: &[&str]| -> Vec<TxtChange> {
        let name = |n: usize| at(&format!("{n:0>26}"));
        (0..100).map(|n| change(&name(n), add, remove)).collect()
    };
    assert_eq!(writer.most_values(), 100);
    writer.apply(&all(&[&value], &[])).await.unwrap();
    assert_eq!(world.calls("ChangeResourceRecordSets"), 1);
    assert_eq!(writer.list().await.unwrap().len(), 100);
    let listed = world.calls("ListResourceRecordSets");
    writer.apply(&all(&[], &["absent"])).await.unwrap();
    assert_eq!(world.calls("ListResourceRecordSets") - listed, 1);
    writer.apply(&all(&[], &[&value])).await.unwrap();
    assert_eq!(writer.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_look_finds_names_that_are_pages_apart() {
    let world = World::start().await;
    let writer = world.writer();
    for n in 0..700 {
        world.put(&at(&format!("m{n:0>4}")), Some("foreign"), 30, &["foreign"]);
    }
    for label in ["a", "m0298x", "z"] {
        world.put(&at(label), Some("one"), 300, &["one"]);
    }
    let labels = ["a", "m0298x", "n", "z"];
    let changes: Vec<TxtChange> = labels.iter().map(|label| change(&at(label), &[], &["one"])).collect();
    writer.apply(&changes).await.unwrap();
    for label in labels {
        assert_eq!(world.values(&at(label)), [""; 0], "{label}");
    }
    assert!(world.calls("ListResourceRecordSets") <= 3);
    assert_eq!(writer.list().await.unwrap().len(), 700);
}

#[tokio::test]
async fn a_simple_record_set_in_the_way_is_replaced() {
    let world = World::start().await;
    let (one, other, name) = (world.writer(), world.writer(), at("_acme-challenge.www.example.com"));
    world.put(&name, None, 60, &["old"]);
    let (first, second) = ([change(&name, &["one"], &[])], [change(&name, &["two"], &[])]);
    let both = join_all([one.apply(&first), other.apply(&second)]).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(world.values(&name), ["one: \"one\"", "two: \"two\""]);
}

#[tokio::test]
async fn a_value_that_another_program_wrote_is_listed_and_removed() {
    let world = World::start().await;
    let (writer, name) = (world.writer(), at("a"));
    world.put(&name, None, 60, &["old", "older"]);
    let listed = |values: &[&str]| TxtSet {
        name: name.clone(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    assert_eq!(writer.list().await.unwrap(), [listed(&["old", "older"])]);
    writer.apply(&[change(&name, &[], &["old"])]).await.unwrap();
    assert_eq!(writer.list().await.unwrap(), [listed(&["older"])]);
    writer.apply(&[change(&name, &[], &["older"])]).await.unwrap();
    assert_eq!(writer.list().await.unwrap(), []);
    world.put(&name, Some("lasting"), 300, &["lasting"]);
    writer.apply(&[change(&name, &[], &["lasting"])]).await.unwrap();
    assert_eq!(writer.list().await.unwrap(), []);
}

#[tokio::test]
async fn only_what_the_broker_may_have_written_below_the_delegation_zone_is_listed() {
    let world = World::of("platform.example", "test:test").await;
    let writer = world.writer();
    for (name, value) in [
        (ZONE, "apex"),
        ("platform.example", "parent"),
        ("acme-x.platform.example", "beside"),
        ("acmex.platform.example", "beside"),
        ("www.platform.example", "beside"),
    ] {
        world.put(name, Some(value), 300, &[value]);
    }
    let long = "x".repeat(200);
    world.put(&at("d"), None, 300, &["two\" \"strings", &long, "\\303\\244"]);
    writer.apply(&[change(&at("B"), &["say \"x\\y\""], &[])]).await.unwrap();
    writer.apply(&[change(&at("b"), &["other"], &[])]).await.unwrap();
    writer.apply(&[change(&at("c.a"), &["deep"], &[])]).await.unwrap();
    let set = |name: String, values: &[&str]| TxtSet {
        name,
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    let expected = [set(at("b"), &["other", "say \"x\\y\""]), set(at("c.a"), &["deep"])];
    assert_eq!(writer.list().await.unwrap(), expected);
    writer.apply(&[change(&at("b"), &[], &["say \"x\\y\""])]).await.unwrap();
    assert_eq!(world.values(&at("b")), ["other: \"other\""]);
}

#[tokio::test]
async fn a_change_is_everywhere_when_it_is_insync() {
    let world = World::start().await;
    let writer = world.writer();
    world.running.sim.world().limits.insync_ms = NEVER;
    let written = writer.apply(&[change(&at("a"), &["one"], &[])]).await.unwrap();
    assert!(!writer.is_everywhere(&written).await.unwrap());
    world.running.sim.world().limits.insync_ms = 0;
    assert!(writer.is_everywhere(&written).await.unwrap());
    assert!(writer.is_everywhere(&Written(None)).await.unwrap());
    let unknown = Written(Some("/change/C0".to_owned()));
    assert!(writer.is_everywhere(&unknown).await.unwrap());
}

#[tokio::test]
async fn throttling_busyness_and_failures_are_told_apart_and_tried_once() {
    let world = World::start().await;
    let (writer, one) = (world.writer(), [change(&at("a"), &["one"], &[])]);
    let server = || SERVER.to_owned();
    world.running.sim.world().limits.zone_calls_per_second = 1;
    writer.list().await.unwrap();
    assert_eq!(
        problem(&writer, &one).await,
        DnsWriteProblem::Throttled { server: server() }
    );
    world.running.sim.world().limits.zone_calls_per_second = 0;

    world.running.sim.world().limits.insync_ms = NEVER;
    world.running.sim.world().limits.one_zone_change = true;
    writer.apply(&one).await.unwrap();
    assert_eq!(problem(&writer, &one).await, DnsWriteProblem::Busy { server: server() });

    world.fault("ServiceUnavailable", 503);
    let failed = problem(&writer, &one).await;
    assert!(
        matches!(&failed, DnsWriteProblem::Failed { said, .. } if said == "ServiceUnavailable (503)"),
        "{failed:?}"
    );
    assert_eq!(world.calls("ChangeResourceRecordSets"), 4);

    world.fault("ThrottlingException", 400);
    let problem = writer.list().await.unwrap_err();
    assert_eq!(problem, DnsWriteProblem::Throttled { server: server() });
}

#[tokio::test]
async fn no_answer_is_unreachable() {
    let world = World::start().await;
    let endpoint = format!("http://{}", world.running.api_addr);
    drop(world);
    let told = problem(&writer(&endpoint, ID, "test"), &[change(&at("a"), &["one"], &[])]).await;
    assert!(matches!(told, DnsWriteProblem::Unreachable { .. }), "{told:?}");
}

#[tokio::test]
async fn what_the_operator_must_mend_is_told_with_what_to_do() {
    let world = World::start().await;
    let (one, outside) = (
        change(&at("a"), &["one"], &[]),
        change("a.other.example", &["one"], &[]),
    );
    let said = refusal(&world.writer(), std::slice::from_ref(&outside)).await;
    for words in [
        "AWS does not allow route53:ChangeResourceRecordSets (AccessDenied)",
        ID,
        "docs/aws/*-policy.json",
        "DELEGATION_ZONE",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("123456789012"), "{said}");
    let said = refusal(&world.writer_of(ID, "nobody"), std::slice::from_ref(&one)).await;
    assert!(said.contains("set AWS_ACCESS_KEY_ID"), "{said}");

    let world = World::of(ZONE, "test:test").await;
    let said = refusal(&world.writer(), &[outside]).await;
    assert!(
        said.contains("not permitted in zone") && said.contains("set ROUTE53_ZONE_ID"),
        "{said}"
    );
    let said = refusal(&world.writer_of("Z1", "test"), &[one]).await;
    assert!(
        said.contains("NoSuchHostedZone") && said.contains("set ROUTE53_ZONE_ID"),
        "{said}"
    );
    assert_eq!(world.calls("ListResourceRecordSets"), 0, "a look does not help");
}

/// An endpoint that gives every request this answer.
async fn answering(status: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 65_536];
                let _ = stream.read(&mut request).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    endpoint
}

#[tokio::test]
async fn an_invalid_batch_is_understood_in_its_other_form_and_a_stranger_s_answer_is_none_of_aws() {
    let one = [change(&at("a"), &["one"], &[])];
    let body = "<?xml version=\"1.0\"?>\n<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages>\
                <Message>RRSet with DNS name a.acme.platform.example. is not permitted in zone b.</Message></Messages>\
                <RequestId>b25f48e8</RequestId></InvalidChangeBatch>";
    let endpoint = answering("400 Bad Request", body).await;
    let said = refusal(&writer(&endpoint, ID, "test"), &one).await;
    assert!(said.contains("set ROUTE53_ZONE_ID"), "{said}");
    let endpoint = answering("403 Forbidden", "<html>proxy</html>").await;
    let said = refusal(&writer(&endpoint, ID, "test"), &one).await;
    assert!(said.contains("check AWS_ENDPOINT_URL_ROUTE_53"), "{said}");
}
