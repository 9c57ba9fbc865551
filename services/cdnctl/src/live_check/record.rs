//! The DNS record that proves the domain to the CA (RFC 8555 §8.4): shown to the user, and waited for.

use probe::Names;
use tokio::time::Instant;

use super::check::Check;
use super::ended::Ended;

/// Shows the record, and waits until it is in DNS.
pub(super) async fn wait_for(check: &mut Check, value: &str) -> Result<(), Ended> {
    let name = format!("_acme-challenge.{}", check.state.domain);
    check.tell("set this record (another value of an earlier order may stay beside it):");
    eprintln!("{name}. 60 IN TXT \"{value}\"");
    let begun = Instant::now();
    while !has(check, &name, value).await? {
        check.wait(&format!("the TXT record {name}"), begun).await?;
    }
    check.tell("the record is seen");
    // Other servers of the zone may get it a moment later.
    check.stop.pause(check.args.every.into()).await
}

async fn has(check: &Check, name: &str, value: &str) -> Result<bool, Ended> {
    // A new resolver each time: a resolver caches that a record doesn't exist.
    let names = Names::new(check.args.resolver)?;
    let texts = names.texts(name).await.unwrap_or_default();
    Ok(texts.iter().any(|text| text == value.as_bytes()))
}
