//! `cdnctl doctor`: everything that the database and the queues show, one line each.

use std::time::Instant;

use aws::ReconcileArgs;
use doctor::{Check, Finding, State};
use messaging::AmqpArgs;
use messaging::operator::Queues;
use serde::Serialize;
use store::operator::{Choice, ToRevoke};
use store::{DatabaseArgs, Store};
use telemetry::with_causes;
use time::{Duration, OffsetDateTime};

use crate::CommandError;
use crate::certificates::Standing;
use crate::exit::Exit;
use crate::orphans;
use crate::queues::{LATE, Report};
use crate::{out, shown, table};

/// Checks everything that can be seen from the database and the queues, and says what to do.
///
/// Changes nothing. What a service needs from outside (AWS, the CA, DNS) only that service's own `doctor` can try. Exit code 1
/// when something failed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Doctor")]
pub struct Args {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' queues.
    #[command(flatten)]
    pub amqp: AmqpArgs,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The services' own.
    #[command(flatten)]
    pub reconcile: ReconcileArgs,
}

#[derive(Serialize)]
struct Line<'f> {
    state: String,
    about: &'f str,
    text: &'f str,
}

/// Runs the checks.
///
/// # Errors
/// When nothing can be checked.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let store = Store::new(&args.database, "cdnctl")?;
    let checks = vec![
        store::check_database(&args.database, "cdnctl"),
        store::check_shared_settings(&args.database, None),
        about(&store, "clock", clock),
        about(&store, "sealing keys", sealing_keys),
        messaging::check_rabbitmq(&args.amqp, "cdnctl"),
        queues(store.clone(), args.amqp.clone()),
        about(&store, "operations", operations),
        about(&store, "certificates", certificates),
        about(&store, "revocations", revocations),
        about(&store, "rollovers", rollovers),
        found_orphans(store.clone(), args.reconcile),
    ];
    let findings = doctor::findings(checks).await;
    let lines: Vec<Line<'_>> = findings
        .iter()
        .map(|finding| Line {
            state: finding.state().to_string(),
            about: finding.about(),
            text: finding.text(),
        })
        .collect();
    out::either(args.json, &lines, || {
        let rows: Vec<_> = lines
            .iter()
            .map(|line| [line.state.clone(), line.about.to_owned(), line.text.to_owned()])
            .collect();
        table::lines(["", "ABOUT", "WHAT IS SEEN"], &rows)
    })?;
    let failed = findings.iter().any(|finding| finding.state() == State::Fail);
    Ok(if failed { Exit::NotWell } else { Exit::AllWell })
}

/// A check of the database's content. If the database can't be read, the first check reports it, with the remedy.
fn about<F>(store: &Store, what: &'static str, look: impl Fn(Store) -> F + Send + 'static) -> Check
where
    F: Future<Output = Result<Vec<Finding>, store::StoreError>> + Send,
{
    let store = store.clone();
    Check::several(what, async move {
        match look(store).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::skip(what, with_causes(&error))],
        }
    })
}

/// The database's clock decides everything; this machine's clock is used only to check TLS certificates, and to sign
/// AWS requests.
async fn clock(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "clock";
    // Connects first, so that only the query itself is timed.
    store.clock().await?;
    let asked = Instant::now();
    let theirs = store.clock().await?;
    let ours = OffsetDateTime::now_utc() - asked.elapsed() / 2;
    let off = (theirs - ours).abs();
    let told = format!(
        "this machine and the database are {} ms apart",
        off.whole_milliseconds()
    );
    Ok(vec![if off < Duration::seconds(30) {
        Finding::ok(ABOUT, told)
    } else {
        Finding::warn(
            ABOUT,
            told,
            "synchronize both by NTP: the database's decides when things are due, AWS and TLS go by the services'",
        )
    }])
}

async fn sealing_keys(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "sealing keys";
    let keys = store.sealed_by().await?;
    let all: Vec<String> = keys
        .iter()
        .map(|by| {
            let id = shown::plain(&by.key);
            format!(
                "{id} has sealed {} account keys, {} certificates' keys",
                by.accounts, by.certificates
            )
        })
        .collect();
    Ok(vec![match all.as_slice() {
        [] => Finding::ok(ABOUT, "nothing is sealed yet"),
        [only] => Finding::ok(ABOUT, only),
        several => Finding::warn(
            ABOUT,
            several.join("; "),
            "SEALING_KEYS of certificate-issuer and cert-installer needs all of them; to be rid of the old: certificate-issuer reseal",
        ),
    }])
}

fn queues(store: Store, amqp: AmqpArgs) -> Check {
    const ABOUT: &str = "queues";
    Check::several(ABOUT, async move {
        let steps = match store.waiting_steps().await {
            Ok(steps) => steps,
            Err(error) => return vec![Finding::skip(ABOUT, with_causes(&error))],
        };
        let states = async {
            let queues = Queues::connect(&amqp, "cdnctl doctor").await?;
            let states = queues.states().await;
            queues.close().await;
            states
        };
        match states.await {
            Ok(states) => of_queues(&Report::of(&states, steps)),
            Err(error) => vec![Finding::skip(ABOUT, with_causes(&error))],
        }
    })
}

fn of_queues(report: &Report) -> Vec<Finding> {
    let mut findings: Vec<Finding> = report
        .services
        .iter()
        .map(|line| {
            let late = shown::span(Duration::seconds_f64(line.steps.latest_seconds));
            let (about, waiting) = (line.service, line.steps.waiting);
            match (line.ready, line.consumers) {
                (None, _) => Finding::fail(
                    about,
                    "it has no queue",
                    "start the service: the first service that connects declares it",
                ),
                (_, None | Some(0)) => Finding::fail(
                    about,
                    format!("its queue has no consumer, {waiting} steps wait"),
                    "start the service, or check its log",
                ),
                (Some(ready), Some(consumers)) if line.steps.latest_seconds >= LATE => Finding::fail(
                    about,
                    format!(
                        "{} of {waiting} steps are due, the latest for {late}; {ready} messages, {consumers} consumers",
                        line.steps.due
                    ),
                    "check its log, and `cdnctl instances --state running`",
                ),
                (Some(ready), Some(consumers)) => Finding::ok(
                    about,
                    format!(
                        "{waiting} steps wait, {} due; {ready} messages, {consumers} consumers",
                        line.steps.due
                    ),
                ),
            }
        })
        .collect();
    findings.push(match report.parked {
        Some(0) => Finding::ok("parked", "none"),
        None => Finding::warn(
            "parked",
            "there is no parking queue",
            "start a service: the first service that connects declares it",
        ),
        Some(some) => Finding::warn("parked", format!("{some} messages"), "cdnctl parked list"),
    });
    if report.missing_delay_queues() > 0 {
        findings.push(Finding::warn(
            "delay queues",
            format!("{} are missing", report.missing_delay_queues()),
            "give cdnctl the DELAY_QUEUES_MS that the services have",
        ));
    }
    findings
}

async fn operations(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "operations";
    let running = store.instance_lines(&of_state("running")).await?;
    let failed = store.instance_lines(&of_state("failed")).await?;
    let oldest = running
        .iter()
        .map(|line| line.read_at - line.operation_created_at)
        .max();
    let told = format!("{} run, {} instances' last one failed", running.len(), failed.len());
    Ok(vec![match oldest {
        // Cloud Controller gives up after 7 days (docs/decisions.md).
        Some(age) if age > Duration::days(6) => Finding::warn(
            ABOUT,
            format!("{told}; the oldest runs for {}", shown::span(age)),
            "cdnctl instances --state running",
        ),
        Some(age) => Finding::ok(ABOUT, format!("{told}; the oldest runs for {}", shown::span(age))),
        None => Finding::ok(ABOUT, told),
    }])
}

fn of_state(state: &str) -> Choice {
    Choice {
        state: Some(state.to_owned()),
        ..Choice::default()
    }
}

async fn certificates(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "certificates";
    let all = store.certificates_in_use(None).await?;
    let Some(first) = all.first() else {
        return Ok(vec![Finding::ok(ABOUT, "none is in use yet")]);
    };
    let left = shown::span(first.not_after - first.read_at);
    let told = format!("{} in use, the first ends in {left}", all.len());
    let bad = all.iter().filter(|one| !Standing::of(one).is_well()).count();
    Ok(vec![match bad {
        0 => Finding::ok(ABOUT, told),
        bad => Finding::fail(
            ABOUT,
            format!("{told}; {bad} of them need attention"),
            "cdnctl certificates",
        ),
    }])
}

async fn revocations(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "revocations";
    let all = store.to_revoke().await?;
    let told = format!("to be revoked: {}", all.len());
    Ok(vec![match all.first() {
        None => Finding::ok(ABOUT, "none is to be revoked"),
        Some(ToRevoke {
            instance,
            problem: None,
        }) => {
            let instance = shown::plain(instance);
            Finding::ok(
                ABOUT,
                format!("{told}, once nothing serves them: cdnctl show {instance}"),
            )
        }
        Some(ToRevoke {
            instance,
            problem: Some(problem),
        }) => {
            let instance = shown::plain(instance);
            Finding::warn(
                ABOUT,
                format!("{told}; one of {instance}: {}", shown::clean(problem)),
                format!("cdnctl show {instance}"),
            )
        }
    }])
}

async fn rollovers(store: Store) -> Result<Vec<Finding>, store::StoreError> {
    const ABOUT: &str = "rollovers";
    let all = store.account_lines(None).await?;
    let wanted: Vec<_> = all
        .iter()
        .filter(|line| line.rollover_asked_at.is_some() && line.account_uri.is_some())
        .collect();
    let told = format!("to be changed: {} of {}", wanted.len(), all.len());
    let problem = wanted
        .iter()
        .find_map(|line| Some((&line.tenant, line.rollover_problem.as_ref()?)));
    Ok(vec![match problem {
        None => Finding::ok(ABOUT, told),
        Some((tenant, problem)) => Finding::warn(
            ABOUT,
            format!("{told}; that of {}: {}", shown::plain(tenant), shown::clean(problem)),
            "cdnctl accounts",
        ),
    }])
}

fn found_orphans(store: Store, reconcile: ReconcileArgs) -> Check {
    const ABOUT: &str = "orphans";
    Check::one(ABOUT, async move {
        let found = match store.found_orphans(false).await {
            Ok(found) => found,
            Err(error) => return Finding::skip(ABOUT, with_causes(&error)),
        };
        let count = found.len();
        let late = found.into_iter().map(|orphan| orphans::Line::of(orphan, &reconcile));
        match (count, late.filter(orphans::Line::is_late).count()) {
            (0, _) => Finding::ok(ABOUT, "none"),
            (some, 0) => Finding::ok(ABOUT, format!("{some}, which the reconcilers remove: cdnctl orphans")),
            (some, late) => Finding::warn(
                ABOUT,
                format!("{late} of {some} should have been removed"),
                "cdnctl orphans, then the log of distribution and cert-installer",
            ),
        }
    })
}
