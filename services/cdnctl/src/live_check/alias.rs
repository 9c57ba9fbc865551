//! How long the alias stays taken after its distribution was deleted: another distribution is tried until CloudFront
//! accepts it.

use tokio::time::Instant;

use super::beliefs::{ALIAS, Verdict};
use super::check::{Check, span};
use super::distribution::make;
use super::ended::Ended;
use super::removal;
use super::state::KeyKind;

pub(super) async fn is_free(check: &mut Check) -> Result<String, Ended> {
    let certificate = check.state.id(&check.state.certificate(KeyKind::Rsa2048));
    let Some(certificate) = certificate.filter(|_| check.state.has_alias) else {
        return Ok("left out: there was no alias".to_owned());
    };
    let again = check.state.again();
    let (begun, mut refusals) = (Instant::now(), 0u32);
    while let Err(failure) = make(check, &again, Some(&certificate), false).await? {
        if failure.code() != "CNAMEAlreadyExists" {
            return Err(failure.into());
        }
        // It was refused, so it doesn't exist.
        check.gone(&again)?;
        refusals += 1;
        check.wait("a free alias", begun).await?;
    }
    let told = match refusals {
        0 => "free at once".to_owned(),
        _ => format!("taken for {}", span(begun.elapsed())),
    };
    check.see(ALIAS, Verdict::of(refusals == 0), &told);
    check.save()?;
    removal::remove(check, &again).await?;
    Ok(told)
}
