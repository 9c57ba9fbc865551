//! Arbitrary responses in AWS' place: an outcome of the right kind, never a panic, no secret (docs/fuzzing.md). The
//! real SDK against a server on loopback.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws::{Failure, Peer, Reason};
use aws_sdk_cloudfront::config::retry::RetryConfig;
use aws_sdk_cloudfront::config::timeout::TimeoutConfig;
use aws_sdk_cloudfront::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudfront::{Client, Config};
use pipeline::Outcome;
use proptest::prelude::*;
use tokio::runtime::Runtime;

const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A client, and its next response.
static STAND_IN: LazyLock<(Client, Arc<Mutex<Vec<u8>>>)> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let next = Arc::new(Mutex::new(Vec::new()));
    let answer = Arc::clone(&next);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            // A client that has disconnected does not matter.
            let _read = stream.read(&mut request);
            let _gone = stream.write_all(&answer.lock().unwrap());
        }
    });
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", SECRET, None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_timeout(Duration::from_secs(10))
                .build(),
        )
        .build();
    (Client::from_conf(config), next)
});

fn failure(answer: Vec<u8>) -> Option<Failure> {
    // One test at a time: the response is the one that was set last.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (client, next) = &*STAND_IN;
    *next.lock().unwrap() = answer;
    let result = RUNTIME.block_on(client.get_distribution().id("E1").send());
    result
        .err()
        .map(|error| Failure::new(Peer::CloudFront, "GetDistribution", &error))
}

fn xml() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        prop::sample::select(vec![
            "Throttling",
            "AccessDenied",
            "NoSuchDistribution",
            "TooManyDistributions",
            "InternalError",
            "",
            "InvalidArgument",
        ])
        .prop_map(str::to_string),
        "[A-Za-z]{1,30}(&#27;|&#x202e;|&#10;)?[ -;=?-~]{0,300}",
        any::<String>(),
    ];
    let message = prop_oneof![
        "[ -;=?-~]{0,1000}",
        any::<String>(),
        "(&#[0-9]{1,6};){0,30}",
        "(<a>){0,60}"
    ];
    let shape = prop::sample::select(vec!["ErrorResponse", "Error", "html", "Distribution"]);
    (code, message, shape, any::<prop::sample::Index>(), prop::bool::weighted(0.2)).prop_map(|(code, message, shape, at, cut)| {
        let xml = format!(
            "<?xml version=\"1.0\"?><{shape}><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></{shape}>"
        );
        let mut bytes = xml.into_bytes();
        if cut {
            bytes.truncate(at.index(bytes.len()));
        }
        bytes
    })
}

fn answer() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let status = prop_oneof![
        4 => prop::sample::select(vec![400_u16, 403, 404, 408, 409, 412, 429, 500, 502, 503]),
        1 => 200_u16..600,
    ];
    let body = prop_oneof![4 => xml(), 1 => prop::collection::vec(any::<u8>(), 0..400)];
    (status, body)
}

/// The text shown to the user.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pending { waiting_for, .. } => waiting_for.to_string(),
        Outcome::Failed { for_user, .. } => for_user.clone(),
        Outcome::Done(verdict) => panic!("{verdict:?}"),
    }
}

fn judged(failure: &Failure) -> Result<Outcome, TestCaseError> {
    let outcome = failure.outcome();
    let text = told(&outcome);
    prop_assert!(
        text.len() <= 300 && text.is_ascii() && !text.contains(char::is_control),
        "{:?}",
        text
    );
    let log = failure.to_string();
    prop_assert!(
        log.chars().count() <= 5000 && !log.contains(char::is_control),
        "{:?}",
        log
    );
    let debug = format!("{failure:?}");
    prop_assert!(!log.contains(SECRET) && !debug.contains(SECRET));
    Ok(outcome)
}

proptest! {
    #[test]
    fn an_answer_has_its_outcome((status, body) in answer()) {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let Some(failure) = failure([head.as_bytes(), &body].concat()) else {
            prop_assert!((200..300).contains(&status), "{}", status);
            return Ok(());
        };
        let outcome = judged(&failure)?;
        // Only AWS' own refusal ends an operation: not a proxy's page, and not a transient error.
        if matches!(outcome, Outcome::Failed { .. }) {
            prop_assert!((300..500).contains(&status) && !matches!(status, 408 | 429) && !failure.code().is_empty(), "{}", failure);
        }
        if status >= 500 || status == 429 {
            prop_assert!(matches!(outcome, Outcome::Pending { .. }), "{}", failure);
        }
    }

    #[test]
    fn bytes_in_place_of_an_answer_are_waited_out(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "HTTP/1.1 [0-9]{1,4} [ -~]{0,20}\r\n([A-Za-z-]{1,9}: [ -~]{0,40}\r\n){0,4}\r\n[ -~]{0,99}".prop_map(String::into_bytes),
    ]) {
        if let Some(failure) = failure(bytes) {
            let outcome = judged(&failure)?;
            prop_assert!(matches!(outcome, Outcome::Pending { .. }), "{}", failure);
            prop_assert!(!matches!(failure.reason, Reason::NoCredentials(_)), "{}", failure);
        }
    }
}
