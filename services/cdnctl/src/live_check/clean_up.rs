//! Removes everything that the check created, however it ended, and reports what can't be removed with the command that
//! removes it.

use serde::Serialize;

use super::check::Check;
use super::ended::Ended;
use super::state::{Kind, Thing};
use super::{function, removal};

/// What could not be removed.
#[derive(Debug, Serialize)]
pub(super) struct Left {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) command: String,
}

/// Removes everything. Distributions come first, since they use the rest.
pub(super) async fn all(check: &mut Check) -> Vec<Left> {
    check.stop.heed();
    let mut things = check.state.left();
    things.sort_by_key(|thing| match thing.kind {
        Kind::Distribution => 0,
        Kind::Certificate => 1,
        Kind::Function => 2,
    });
    let mut left = Vec::new();
    for thing in things {
        check.tell(&format!("removes {} …", thing.name));
        if let Err(why) = remove(check, &thing).await {
            // Its id may have been found in the meantime.
            let known = check.state.thing(&thing.name).cloned().unwrap_or(thing);
            left.push(Left {
                command: command(&known),
                what: known.name,
                why: telemetry::with_causes(&why),
            });
        }
    }
    check.state.clean = left.is_empty();
    left
}

async fn remove(check: &mut Check, thing: &Thing) -> Result<(), Ended> {
    match thing.kind {
        Kind::Distribution => removal::remove(check, &thing.name).await,
        Kind::Certificate => removal::delete(check, &thing.name).await.map(drop),
        Kind::Function => {
            function::delete(check, &thing.name).await?;
            Ok(check.gone(&thing.name)?)
        }
    }
}

/// The command that removes it by hand.
fn command(thing: &Thing) -> String {
    let name = &thing.name;
    match (thing.kind, &thing.id) {
        (Kind::Function, _) => format!(
            "aws cloudfront delete-function --name {name} --if-match \"$(aws cloudfront describe-function --name {name} --query ETag --output text)\""
        ),
        (Kind::Certificate, _) => format!("aws iam delete-server-certificate --server-certificate-name {name}"),
        // It must be disabled and deployed first.
        (Kind::Distribution, Some(id)) => format!(
            "aws cloudfront delete-distribution --id {id} --if-match \"$(aws cloudfront get-distribution --id {id} --query ETag --output text)\""
        ),
        (Kind::Distribution, None) => format!(
            "aws cloudfront list-distributions --query \"DistributionList.Items[?Comment=='live check: {name}'].Id\""
        ),
    }
}
