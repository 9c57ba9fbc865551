//! A server that is down, or says nothing.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use pipeline::reason::DnsWriteProblem;

use crate::client::{Settings, adds, set, values};
use crate::knot;
use crate::world::{HELD, Primary, ZONE, world};

async fn problem(server: &str) -> DnsWriteProblem {
    let settings = Settings {
        server: server.to_owned(),
        ..Settings::at(([127, 0, 0, 1], 1).into())
    };
    let change = adds(&format!("silent.{ZONE}"), &["x"]);
    settings.open().await.apply(&[change]).await.unwrap_err()
}

fn why(problem: DnsWriteProblem) -> String {
    match problem {
        DnsWriteProblem::Unreachable { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    assert!(why(problem(&address).await).contains("refused"));
}

#[tokio::test]
async fn a_name_that_has_no_address() {
    assert!(!why(problem("no-such-host.invalid:53").await).is_empty());
}

#[tokio::test]
async fn a_server_that_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let begun = Instant::now();
    let problem = problem(&listener.local_addr().unwrap().to_string()).await;
    assert_eq!(why(problem), "no response within 10 s");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_server_that_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        use std::io::Read as _;
        let (mut stream, _) = listener.accept().unwrap();
        // With unread bytes it would be a reset.
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes).unwrap();
    });
    assert_eq!(
        why(problem(&address).await),
        "it closed the connection without a response"
    );
    server.join().unwrap();
}

/// Knot answers nothing while somebody changes the zone by hand.
#[tokio::test]
async fn a_zone_that_is_being_changed_by_hand() {
    let settings = Settings {
        zone: HELD.to_owned(),
        ..Settings::of(Primary::Knot)
    };
    let (writer, at) = (settings.open().await, world().address(Primary::Knot));
    let name = format!("held.{HELD}");
    knot::control(&world().folder, &["zone-begin", HELD]);
    let problem = writer.apply(&[adds(&name, &["x"])]).await.unwrap_err();
    assert_eq!(why(problem), "no response within 10 s");
    assert_eq!(values(at, &name), set(&[]));
    knot::control(&world().folder, &["zone-abort", HELD]);
    writer.apply(&[adds(&name, &["x"])]).await.unwrap();
    assert_eq!(values(at, &name), set(&["x"]));
}
