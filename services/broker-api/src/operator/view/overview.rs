//! The first page.

use askama::Template;
use pipeline::shown::lasting;
use pipeline::status::moment;
use store::operator::Failures;
use store::{CertificateCount, Figures};
use time::{Duration, OffsetDateTime};

use super::{Head, NONE, clean};
use crate::operator::address;
use crate::operator::overview::Overview;
use crate::operator::queues::{Queue, delayed_and_parked, of_services};

/// A step that has been due for longer than this is not just being processed, in seconds; cdnctl says the same.
const LATE: f64 = 300.0;
/// Width and height of the plot, in its own units: each bar has a place as wide as the others.
const PLACE: u64 = 10;
const HEIGHT: u64 = 40;
const NOT_KNOWN: &str = "not known";

#[derive(Template)]
#[template(path = "operator/overview.html")]
struct Document<'v> {
    head: Head<'v>,
    read_at: String,
    running: u64,
    users: u64,
    machines: u64,
    in_trouble: u64,
    steps: Vec<StepRow>,
    failures: Vec<FailureRow>,
    certificates: Option<Life>,
    is_rabbitmq_there: bool,
    queues: Vec<QueueRow>,
    delayed: String,
    parked: String,
    quotas: Vec<Quota>,
    troubles: Vec<String>,
}

struct StepRow {
    kind: String,
    href: String,
    operations: u64,
    of_an_hour: u64,
    of_a_day: u64,
    older: u64,
    oldest: String,
}

struct FailureRow {
    operation: String,
    step: String,
    why: String,
    count: u64,
    href: String,
}

/// The certificates by the days that they have left.
struct Life {
    says: String,
    bars: Vec<Bar>,
}

struct Bar {
    left: &'static str,
    count: u64,
    href: String,
    x: u64,
    y: u64,
    height: u64,
}

struct QueueRow {
    service: &'static str,
    ready: String,
    consumers: String,
    waiting: u64,
    due: u64,
    latest: String,
    is_late: bool,
}

struct Quota {
    what: &'static str,
    used: String,
    limit: String,
}

/// The page.
pub(in crate::operator) fn overview(who: &str, overview: &Overview) -> Result<String, askama::Error> {
    let progress = &overview.progress;
    let states = overview.queues.as_deref().unwrap_or_default();
    let (delayed, parked) = delayed_and_parked(states);
    let is_rabbitmq_there = overview.queues.is_some();
    let known = |number: String| {
        if is_rabbitmq_there {
            number
        } else {
            NOT_KNOWN.to_owned()
        }
    };
    Document {
        head: Head::new("CDN broker: overview", who),
        read_at: moment(progress.read_at),
        running: progress.running,
        users: progress.users,
        machines: progress.machines(),
        in_trouble: overview.figures.in_trouble,
        steps: steps(overview),
        failures: overview.failures.iter().map(failure).collect(),
        certificates: overview.figures.certificates.as_ref().map(life),
        is_rabbitmq_there,
        queues: of_services(states, &overview.steps).iter().map(queue).collect(),
        delayed: known(delayed.to_string()),
        parked: known(parked.map_or_else(|| "no such queue".to_owned(), |parked| parked.to_string())),
        quotas: quotas(&overview.figures),
        troubles: troubles(overview),
    }
    .render()
}

fn steps(overview: &Overview) -> Vec<StepRow> {
    let row = |step: &store::operator::AtStep| StepRow {
        kind: clean(&step.kind),
        href: address::with("/running", &[("step", step.kind.as_str())]),
        operations: step.operations,
        of_an_hour: step.of_an_hour,
        of_a_day: step.of_a_day,
        older: step.older,
        oldest: lasting(Duration::seconds_f64(step.oldest_seconds)),
    };
    overview.progress.steps.iter().map(row).collect()
}

fn failure(failures: &Failures) -> FailureRow {
    let mut query = vec![
        ("operation", failures.operation.as_str()),
        ("why", failures.why.as_str()),
    ];
    query.extend(failures.step.as_deref().map(|step| ("step", step)));
    FailureRow {
        operation: clean(&failures.operation),
        step: failures.step.as_deref().map_or_else(|| NONE.to_owned(), clean),
        why: match failures.why.as_str() {
            "" => "it never waited".to_owned(),
            why => clean(why),
        },
        count: failures.count,
        href: address::with("/failed", &query),
    }
}

fn life(count: &CertificateCount) -> Life {
    let of = |left: &str| count.days_left.get(left).copied().unwrap_or_default();
    let most = Figures::DAYS_LEFT
        .iter()
        .map(|left| of(left))
        .max()
        .unwrap_or_default()
        .max(1);
    let bar = |(place, left): (u64, &'static str)| {
        let count = of(left);
        // What there is can be seen, however little it is.
        let height = (count * HEIGHT / most).max(u64::from(count > 0));
        Bar {
            left,
            count,
            href: address::with("/certificates", &[("left", left)]),
            x: place * PLACE + 1,
            y: HEIGHT - height,
            height,
        }
    };
    let total: u64 = count.days_left.values().sum();
    let at = |seconds: f64| {
        OffsetDateTime::from_unix_timestamp(seconds as i64)
            .map(moment)
            .unwrap_or_default()
    };
    let soonest = count.soonest_end.map(|end| format!(" The first ends at {}.", at(end)));
    Life {
        says: format!(
            "{total} certificates, counted at {}; {} of them are overdue: two thirds of the time that they had left when their renewal was due \
             have passed.{}",
            at(count.counted_at),
            count.late,
            soonest.unwrap_or_default()
        ),
        bars: (0..).zip(Figures::DAYS_LEFT).map(bar).collect(),
    }
}

fn queue(queue: &Queue) -> QueueRow {
    let number = |count: Option<u32>| count.map_or_else(|| NOT_KNOWN.to_owned(), |count| count.to_string());
    let steps = queue.steps;
    QueueRow {
        service: queue.service.as_str(),
        ready: number(queue.ready),
        consumers: number(queue.consumers),
        waiting: steps.waiting,
        due: steps.due,
        latest: match steps.due {
            0 => NONE.to_owned(),
            _ => lasting(Duration::seconds_f64(steps.latest_seconds)),
        },
        is_late: steps.due > 0 && steps.latest_seconds > LATE,
    }
}

fn quotas(figures: &Figures) -> Vec<Quota> {
    let certificates = figures
        .certificates
        .as_ref()
        .map(|count| count.days_left.values().sum::<u64>());
    vec![
        Quota {
            what: "CloudFront distributions with a certificate of this broker",
            used: certificates.map_or_else(|| NOT_KNOWN.to_owned(), |count| count.to_string()),
            // CloudFront tells nobody: the Service Quotas API is another service.
            limit: NOT_KNOWN.to_owned(),
        },
        Quota {
            what: "IAM server certificates, whoever's",
            used: figures
                .iam
                .map_or_else(|| NOT_KNOWN.to_owned(), |iam| iam.server_certificates.to_string()),
            limit: figures
                .iam
                .map_or_else(|| NOT_KNOWN.to_owned(), |iam| iam.quota.to_string()),
        },
        Quota {
            what: "Orders and certificates at the CA",
            used: NOT_KNOWN.to_owned(),
            limit: "ACME_LIMITS of certificate-issuer, which counts before each order".to_owned(),
        },
    ]
}

fn troubles(overview: &Overview) -> Vec<String> {
    let told = |(directory, trouble): (&String, &store::CaTrouble)| {
        let since = Duration::try_from(trouble.since).map(lasting).unwrap_or_default();
        let last = Duration::try_from(trouble.last).map(lasting).unwrap_or_default();
        format!(
            "{} has taken no orders for {since}; it was last asked {last} ago.",
            clean(directory)
        )
    };
    overview.troubles.iter().map(told).collect()
}
