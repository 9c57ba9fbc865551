//! Arbitrary `traceparent` headers of messages (docs/fuzzing.md).

use clap::Parser as _;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use telemetry::{Telemetry, TelemetryArgs, follow, traceparent};

#[derive(clap::Parser)]
struct Settings {
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// One test only, since telemetry is set up once per process. The collector does not exist; spans to it are lost.
#[test]
fn a_header_is_followed_or_ignored() {
    let settings = Settings::parse_from([
        "test",
        "--rust-log=info",
        "--otel-exporter-otlp-endpoint=http://127.0.0.1:1",
    ]);
    let kept = Telemetry::init(&settings.telemetry, "test").unwrap();
    let header = prop_oneof![
        any::<String>(),
        "[0-9a-fA-F]{1,3}-[0-9a-fA-F]{30,34}-[0-9a-fA-F]{14,18}-[0-9a-fA-F]{1,3}",
        ("[a-f1-9]{32}", "[a-f1-9]{16}").prop_map(|(trace, span)| format!("00-{trace}-{span}-01")),
        (1_usize..100_000).prop_map(|times| "0".repeat(times)),
    ];
    TestRunner::default()
        .run(&header, |header| {
            let span = tracing::info_span!("delivery");
            follow(&span, Some(header.clone()));
            let sent = span.in_scope(traceparent);
            let valid = is_valid(&header);
            // The header that is passed on has the trace that was followed, and is always well-formed.
            if let Some(sent) = &sent {
                prop_assert!(is_valid(sent), "{:?}", sent);
            }
            let followed = sent.is_some_and(|sent| sent.get(3..35) == header.trim().get(3..35));
            prop_assert_eq!(followed, valid, "{:?}", header);
            Ok(())
        })
        .unwrap();
    // Its exporter would wait for the collector, which doesn't exist.
    std::mem::forget(kept);
}

/// W3C Trace Context §3.2, version 00.
fn is_valid(header: &str) -> bool {
    let parts: Vec<&str> = header.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    matches!(parts.as_slice(), ["00", trace, span, flags]
        if hex(trace, 32) && hex(span, 16) && hex(flags, 2)
            && trace.bytes().any(|byte| byte != b'0') && span.bytes().any(|byte| byte != b'0'))
}
