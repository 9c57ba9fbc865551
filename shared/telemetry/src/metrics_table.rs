//! Every metric of the product: its meaning, its unit, and the buckets of histograms. One table, since the unit and the
//! buckets of a name must be the same in every process. docs/operations.md says how to react to each.

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Seconds of operations that somebody waits for: requests, transactions, calls to external systems.
const CALLS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds of an attempt at a step.
const ATTEMPTS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];
/// Seconds of a whole operation, up to a day.
const OPERATIONS: &[f64] = &[
    1.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0,
];
/// Seconds that something came late, up to an hour.
const LATENESS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];

enum Shape {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

struct Metric {
    name: &'static str,
    shape: Shape,
    unit: Unit,
    help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        shape: Shape::Counter,
        unit: Unit::Count,
        help,
    }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    Metric {
        name,
        shape: Shape::Gauge,
        unit,
        help,
    }
}

const fn timed(name: &'static str, buckets: &'static [f64], help: &'static str) -> Metric {
    Metric {
        name,
        shape: Shape::Histogram(buckets),
        unit: Unit::Seconds,
        help,
    }
}

const METRICS: &[Metric] = &[
    // Operations and steps.
    counter(
        "operations_total",
        "Operations that ended, by their outcome. One that a deprovision superseded is not counted.",
    ),
    timed(
        "operation_duration_seconds",
        OPERATIONS,
        "From when an operation was accepted to its end, in seconds.",
    ),
    counter(
        "step_attempts_total",
        "Attempts at steps that had an outcome, by their number within the step.",
    ),
    counter(
        "steps_pending_total",
        "Attempts after which a step still waits, by what it waits for.",
    ),
    counter(
        "domain_looks_total",
        "Looks at domains that wait to be proved, by whether all servers were asked, or one for each record.",
    ),
    timed(
        "step_attempt_duration_seconds",
        ATTEMPTS,
        "The duration of an attempt at a step, in seconds.",
    ),
    timed(
        "step_lateness_seconds",
        LATENESS,
        "How long after a step was due an attempt at it began, in seconds.",
    ),
    counter("handler_panics_total", "Attempts that panicked."),
    counter(
        "handler_overruns_total",
        "Attempts that took longer than the limit of their schedule.",
    ),
    counter(
        "deliveries_stale_total",
        "Messages for steps that were done already; harmless.",
    ),
    counter(
        "deliveries_deferred_total",
        "Messages postponed by 0.25 s to 5 min, since their tenant or instance has its share of the seats.",
    ),
    counter("steps_swept_total", "Wake-ups that were lost and published again."),
    // Read from the database by broker-api.
    gauge("steps_waiting", Unit::Count, "Steps that are not done yet."),
    gauge(
        "steps_oldest_waiting_seconds",
        Unit::Seconds,
        "Age of the oldest step that is not done yet, in seconds; 0 without any.",
    ),
    gauge(
        "steps_overdue_seconds",
        Unit::Seconds,
        "How far past its due time the latest step is that is not done yet, in seconds; 0 when none is.",
    ),
    gauge(
        "operations_in_progress",
        Unit::Count,
        "Operations that have not ended yet.",
    ),
    gauge(
        "live_pages",
        Unit::Count,
        "Status pages that are open in browsers and show changes by themselves.",
    ),
    gauge(
        "certificates",
        Unit::Count,
        "Certificates in use by instances that are not removed, by the days they have left.",
    ),
    gauge(
        "certificate_soonest_end_timestamp_seconds",
        Unit::Seconds,
        "Unix time at which the first of the certificates in use ends; absent without any.",
    ),
    gauge(
        "certificates_late",
        Unit::Count,
        "Certificates in use that were due for renewal so long ago that two thirds of what was left of their life are \
         over.",
    ),
    gauge(
        "renewals_in_trouble",
        Unit::Count,
        "Instances whose certificate could not be renewed so far: a renewal failed, or has been running for over an hour.",
    ),
    gauge(
        "proofs_gone",
        Unit::Count,
        "Domains that nothing proves any more though their instances have them: their next renewals wait for their tenants.",
    ),
    // Of dns-responder.
    counter(
        "dns_questions_total",
        "Questions to dns-responder, by how they came and what they were answered with, or would have been.",
    ),
    counter(
        "dns_answers_limited_total",
        "Answers by UDP that one network got too many of: nothing was sent, or a short one that leads to TCP.",
    ),
    counter(
        "dns_answers_unsent_total",
        "Answers by UDP that the kernel did not take.",
    ),
    gauge("dns_tcp_connections", Unit::Count, "Open TCP connections of resolvers."),
    counter(
        "dns_tcp_connections_refused_total",
        "TCP connections that were closed at once, since there were too many in all or of one address.",
    ),
    gauge(
        "dns_names",
        Unit::Count,
        "Names below the zone that dns-responder knows.",
    ),
    gauge(
        "dns_values",
        Unit::Count,
        "Values that dns-responder serves at the moment.",
    ),
    gauge(
        "dns_data_age_seconds",
        Unit::Seconds,
        "How long ago dns-responder last read the zone from PostgreSQL, in seconds; absent before the first time.",
    ),
    timed(
        "dns_feed_duration_seconds",
        CALLS,
        "How long dns-responder took to read the zone from PostgreSQL, in seconds.",
    ),
    counter(
        "dns_feed_interruptions_total",
        "How often dns-responder could not read the zone from PostgreSQL, and connected again.",
    ),
    // Of notifier.
    counter(
        "notices_total",
        "Notices that became part of letters, or that nobody is told any more, by event.",
    ),
    counter("letters_total", "Mails that ended, by outcome."),
    counter(
        "letters_maybe_doubled_total",
        "Mails whose server may have taken them, and did not say so: they are sent again.",
    ),
    gauge(
        "letters_waiting",
        Unit::Count,
        "Mails that are due, or will be tried again.",
    ),
    gauge(
        "letters_oldest_seconds",
        Unit::Seconds,
        "How long the oldest of them has waited, in seconds; 0 without any.",
    ),
    gauge(
        "certificates_to_revoke",
        Unit::Count,
        "Certificates that the CA is to revoke and has not yet; those that still serve are replaced first.",
    ),
    gauge(
        "accounts_to_roll_over",
        Unit::Count,
        "Accounts at the CA whose key rollover was requested and is not done yet.",
    ),
    gauge(
        "iam_server_certificates",
        Unit::Count,
        "All server certificates that the AWS account holds; absent when that was not seen for a day.",
    ),
    gauge(
        "iam_server_certificates_quota",
        Unit::Count,
        "How many server certificates the AWS account may hold.",
    ),
    gauge(
        "figures_read_timestamp_seconds",
        Unit::Seconds,
        "Unix time at which the oldest of what this process tells of steps, operations and certificates was read.",
    ),
    // RabbitMQ.
    gauge("consuming", Unit::Count, "1: this worker consumes its queue."),
    gauge(
        "amqp_channels_open",
        Unit::Count,
        "Open channels of this process to RabbitMQ, by their use.",
    ),
    counter(
        "consumers_forgotten_total",
        "Times that messages waited and none was delivered here: RabbitMQ had forgotten this consumer.",
    ),
    counter("messages_published_total", "Wake-ups that were published."),
    counter("messages_parked_total", "Messages that this process parked."),
    counter(
        "queues_mended_total",
        "Queues whose contents RabbitMQ lost: deleted and declared again.",
    ),
    // PostgreSQL.
    counter("store_transactions_total", "Named transactions that ended."),
    timed(
        "store_transaction_duration_seconds",
        CALLS,
        "How long a named transaction took, waiting for a connection included, in seconds.",
    ),
    timed(
        "store_statement_duration_seconds",
        CALLS,
        "How long PostgreSQL took for a statement, in seconds.",
    ),
    counter(
        "store_statements_refused_total",
        "Statements that PostgreSQL refused for themselves: their syntax, a name, a type, a constraint, a right.",
    ),
    gauge(
        "store_pool_connections",
        Unit::Count,
        "Connections of this process to PostgreSQL.",
    ),
    gauge(
        "store_pool_waiting",
        Unit::Count,
        "How many wait for a connection of the pool.",
    ),
    counter(
        "store_pool_timeouts_total",
        "Times that no connection of the pool became free within DATABASE_TIMEOUT.",
    ),
    counter(
        "store_status_reads_total",
        "Reads of last_operation: of the operation's version, and of all when it has moved.",
    ),
    counter(
        "history_rows_pruned_total",
        "Rows deleted since nobody can ask for them any more, by table.",
    ),
    // HTTP and others.
    counter("http_requests_total", "Requests that broker-api answered."),
    timed(
        "http_request_duration_seconds",
        CALLS,
        "How long a request to broker-api took, in seconds.",
    ),
    counter(
        "broker_authentications_total",
        "Requests to /v2, by which credentials they came with.",
    ),
    counter(
        "connections_given_way_total",
        "Connections to broker-api that waited for their client and were closed for others, by which limit was \
         reached.",
    ),
    counter(
        "challenge_looks_total",
        "Database queries for http-01 tokens that were not known, any number of tokens in one.",
    ),
    gauge(
        "challenges_live",
        Unit::Count,
        "Tokens that the http-01 responder answers from memory.",
    ),
    counter(
        "outside_calls_total",
        "Calls to AWS, the CA, DNS, web servers and platforms.",
    ),
    timed(
        "outside_call_duration_seconds",
        CALLS,
        "How long a call to AWS, the CA, DNS or a web server took, in seconds.",
    ),
    gauge(
        "orphans",
        Unit::Count,
        "What the last search of this process found in AWS with our tag and without an owner.",
    ),
    counter(
        "orphans_removed_total",
        "Orphans in AWS that the reconciler has removed.",
    ),
];

/// A recorder with real histograms: buckets can be summed across processes, quantiles can't.
pub(crate) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Shape::Histogram(buckets) = metric.shape {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)?;
        }
    }
    Ok(builder)
}

/// Describes each metric to the current recorder.
pub(crate) fn describe() {
    for metric in METRICS {
        match metric.shape {
            Shape::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Shape::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            Shape::Histogram(_) => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Collects the first argument of each `counter!("…", …)` and similar macro in this folder's source.
    fn collect(folder: &Path, recorded: &mut BTreeSet<(&'static str, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, recorded);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.file_name() != Some("metrics_table.rs".as_ref())
            {
                let source = std::fs::read_to_string(&path).unwrap();
                // Metrics that only tests record don't count.
                let source = source.split("#[cfg(test)]").next().unwrap();
                for shape in ["counter", "gauge", "histogram"] {
                    for after in source.split(&format!("metrics::{shape}!(")).skip(1) {
                        let Some(literal) = after.trim_start().strip_prefix('"') else {
                            panic!("{}: a {shape} without a name that is written out", path.display());
                        };
                        recorded.insert((shape, literal.split('"').next().unwrap().to_owned()));
                    }
                }
            }
        }
    }

    #[test]
    fn the_table_has_what_the_product_records_and_nothing_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut recorded = BTreeSet::new();
        for part in ["services", "shared"] {
            for member in std::fs::read_dir(root.join(part)).unwrap() {
                let source = member.unwrap().path().join("src");
                if source.is_dir() {
                    collect(&source, &mut recorded);
                }
            }
        }
        let described: BTreeSet<_> = METRICS
            .iter()
            .map(|metric| {
                let shape = match metric.shape {
                    Shape::Counter => "counter",
                    Shape::Gauge => "gauge",
                    Shape::Histogram(_) => "histogram",
                };
                (shape, metric.name.to_owned())
            })
            .collect();
        assert_eq!(recorded, described);
        assert_eq!(described.len(), METRICS.len(), "each name once");
    }

    #[test]
    fn names_say_what_they_are() {
        for Metric {
            name,
            shape,
            unit,
            help,
        } in METRICS
        {
            match shape {
                Shape::Counter => assert!(name.ends_with("_total"), "{name}"),
                Shape::Gauge => assert!(!name.ends_with("_total"), "{name}"),
                Shape::Histogram(buckets) => {
                    assert!(buckets.is_sorted_by(|a, b| a < b), "{name}: {buckets:?}");
                }
            }
            assert_eq!(*unit == Unit::Seconds, name.ends_with("_seconds"), "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        }
    }

    #[test]
    fn what_is_timed_has_buckets_and_everything_a_help_text() {
        let recorder = builder().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::histogram!("step_lateness_seconds", "kind" => "place-order").record(0.3);
            metrics::gauge!("consuming").set(1.0);
        });
        let text = recorder.handle().render();
        for line in [
            "# HELP consuming 1: this worker consumes its queue.",
            "# TYPE consuming gauge",
            "# TYPE step_lateness_seconds histogram",
            "step_lateness_seconds_bucket{kind=\"place-order\",le=\"0.25\"} 0",
            "step_lateness_seconds_bucket{kind=\"place-order\",le=\"0.5\"} 1",
            "step_lateness_seconds_bucket{kind=\"place-order\",le=\"+Inf\"} 1",
            "step_lateness_seconds_sum{kind=\"place-order\"} 0.3",
        ] {
            assert!(text.lines().any(|one| one == line), "no {line} in {text}");
        }
    }
}
