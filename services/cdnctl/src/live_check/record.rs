//! The DNS record by which the CA knows that the domain is ours (RFC 8555 §8.4): shown, and waited for.

use tokio::time::Instant;

use super::check::Check;
use super::ended::Ended;
use crate::probe::names::Names;

/// Shows the record, and waits until DNS has it.
pub(super) async fn wait_for(check: &mut Check, value: &str) -> Result<(), Ended> {
    let name = format!("_acme-challenge.{}", check.state.domain);
    check.tell("set this record (another value of an earlier order may stay beside it):");
    eprintln!("{name}. 60 IN TXT \"{value}\"");
    let begun = Instant::now();
    while !has(check, &name, value).await? {
        check.wait(&format!("the TXT record {name}"), begun).await?;
    }
    check.tell("the record is seen");
    // Other servers of the zone may have it a moment later.
    check.stop.pause(check.args.every.into()).await
}

async fn has(check: &Check, name: &str, value: &str) -> Result<bool, Ended> {
    // Each time anew: a resolver remembers that something was not there.
    let names = Names::new(check.args.resolver)?;
    let texts = names.texts(name).await.unwrap_or_default();
    Ok(texts.iter().any(|text| text == value.as_bytes()))
}
