//! The distribution is disabled and deleted, then the certificates are deleted. The clean-up does the same.

use std::time::Duration;

use aws_sdk_cloudfront::types::DistributionConfig;
use tokio::time::Instant;

use super::beliefs::{DELETABLE, Verdict};
use super::changes::change;
use super::check::{Check, passes, span};
use super::ended::Ended;
use super::state::Kind;
use super::{certificate, deployment, distribution};

/// A list may lag behind: how often it is searched for a resource that may exist.
const LOOKS: u32 = 3;

/// Removes the distribution that was used for all tests.
pub(super) async fn distribution(check: &mut Check) -> Result<String, Ended> {
    let begun = Instant::now();
    let name = check.state.distribution();
    remove(check, &name).await?;
    Ok(format!(
        "disabled, deployed and deleted within {}",
        span(begun.elapsed())
    ))
}

/// Disables it, waits, and deletes it.
pub(super) async fn remove(check: &mut Check, name: &str) -> Result<(), Ended> {
    let Some(id) = id(check, name).await? else {
        return Ok(check.gone(name)?);
    };
    let begun = Instant::now();
    loop {
        match disable_and_delete(check, &id).await {
            Ok(()) => break,
            Err(Ended::Aws(failure)) if passes(&failure) || failure.code() == "DistributionNotDisabled" => {
                check.wait(&format!("the removal of {id}"), begun).await?;
            }
            Err(ended) => return Err(ended),
        }
    }
    Ok(check.gone(name)?)
}

async fn disable_and_delete(check: &mut Check, id: &str) -> Result<(), Ended> {
    let Some(read) = check.cloudfront.config(id).await? else {
        return Ok(());
    };
    if read.config.enabled {
        let disable = |config: &mut DistributionConfig| {
            config.enabled = false;
            Ok(())
        };
        change(check, id, disable).await?;
    }
    deployment::wait(check, id, "a disable").await?;
    let Some(read) = check.cloudfront.config(id).await? else {
        return Ok(());
    };
    match check.cloudfront.remove(id, &read.etag).await {
        Err(failure) if failure.code() != "NoSuchDistribution" => Err(failure.into()),
        _ => Ok(()),
    }
}

/// Its id, searched for if the call that created it had no response.
async fn id(check: &mut Check, name: &str) -> Result<Option<String>, Ended> {
    if let Some(id) = check.state.id(name) {
        return Ok(Some(id));
    }
    for look in 1..=LOOKS {
        if let Some(id) = distribution::find(check, name).await? {
            check.made(name, &id)?;
            return Ok(Some(id));
        }
        if look < LOOKS {
            check.stop.pause(check.args.every.into()).await?;
        }
    }
    Ok(None)
}

/// Deletes all certificates; IAM refuses as long as it considers one in use by CloudFront.
pub(super) async fn certificates(check: &mut Check) -> Result<String, Ended> {
    let begun = Instant::now();
    let (mut conflicts, mut last) = (0u32, Duration::ZERO);
    for thing in check.state.left() {
        if thing.kind != Kind::Certificate {
            continue;
        }
        conflicts += delete(check, &thing.name).await?;
        last = begun.elapsed();
    }
    let told = match conflicts {
        0 => "deleted at once".to_owned(),
        _ => format!("DeleteConflict for {}", span(last)),
    };
    check.see(DELETABLE, Verdict::of(conflicts == 0), &told);
    Ok(told)
}

/// Deletes one, and reports how often IAM said that it is in use.
pub(super) async fn delete(check: &mut Check, name: &str) -> Result<u32, Ended> {
    let begun = Instant::now();
    let mut conflicts = 0;
    while let Err(failure) = certificate::delete(check, name).await {
        match failure.code() {
            "DeleteConflict" => conflicts += 1,
            _ if passes(&failure) => {}
            _ => return Err(failure.into()),
        }
        check
            .wait(&format!("the deletion of the certificate {name}"), begun)
            .await?;
    }
    check.gone(name)?;
    Ok(conflicts)
}
