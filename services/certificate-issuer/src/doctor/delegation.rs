//! Whether the broker may change its own DNS zone, tried by removing a value that isn't there: servers check the right
//! first.

use dns_writer::{Delegation, DelegationArgs, Kind, TxtChange};
use doctor::{Check, Finding};
use pipeline::reason::DnsWriteProblem;

use super::LIMIT;

const ABOUT: &str = "DNS delegation";
/// A name below the zone, and a value that nobody writes.
const LABEL: &str = "cdn-broker-doctor";
const PAGE: &str = "docs/operators/delegation.md";

pub(super) fn check(args: &DelegationArgs) -> Check {
    let args = args.clone();
    let kind = args.kind();
    Check::several(ABOUT, async move {
        match args.delegation().await {
            Ok(None) => vec![Finding::skip(
                ABOUT,
                format!("not offered: DELEGATION_ZONE is not set ({PAGE})"),
            )],
            Ok(Some(Delegation { zone, .. })) if kind == Kind::Responder => vec![Finding::ok(
                ABOUT,
                format!("{zone} is served from the database, so nothing is written: see `dns-responder doctor`"),
            )],
            Ok(Some(delegation)) => tried(&delegation).await,
            Err(error) => vec![Finding::fail(
                ABOUT,
                error.to_string(),
                format!("set it, or unset DELEGATION_ZONE ({PAGE})"),
            )],
        }
    })
    .within(LIMIT)
}

async fn tried(Delegation { zone, writer }: &Delegation) -> Vec<Finding> {
    let nothing = TxtChange {
        name: format!("{LABEL}.{zone}"),
        remove: vec![LABEL.to_owned()],
        ..TxtChange::default()
    };
    let (written, listed) = tokio::join!(writer.apply(std::slice::from_ref(&nothing)), writer.list());
    let server = writer.server();
    let writes = match written {
        Ok(_) => Finding::ok(ABOUT, format!("{server} accepts changes of TXT records below {zone}")),
        Err(problem) => Finding::fail(ABOUT, problem.to_string(), remedy(&problem)),
    };
    let lists = match listed {
        Ok(sets) => Finding::ok(
            ABOUT,
            format!("{server} lists {zone}: {} names have TXT records", sets.len()),
        ),
        Err(problem) => Finding::warn(
            ABOUT,
            format!("{problem}: values that a superseded worker writes too late are not found"),
            format!("allow the same key to transfer or list the zone ({PAGE})"),
        ),
    };
    vec![writes, lists]
}

fn remedy(problem: &DnsWriteProblem) -> String {
    match problem.is_for_the_operator() {
        true => format!("give the key the right, or the broker the right key ({PAGE})"),
        false => "check that the server is up and that this machine reaches it".to_owned(),
    }
}
