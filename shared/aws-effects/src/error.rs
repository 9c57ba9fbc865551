//! Why something was not done in AWS.

use aws::{AccessTrouble, Failure};
use aws_sdk_cloudfront::error::BuildError;
use pipeline::reason::{AwsReason, BrokerReason};
use store::StoreError;
use worker::{HandlerError, Stop};

/// Why something was not done in AWS: the database or AWS refused, or didn't answer.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The task is no longer current, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// AWS refused or didn't answer.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl EffectError {
    /// The AWS failure, for the handler to judge; an error of the store ends the attempt.
    ///
    /// # Errors
    /// The store's error.
    pub fn failure(self) -> Result<Failure, HandlerError> {
        match self {
            Self::Store(error) => Err(error.into()),
            Self::Failure(failure) => Ok(failure),
        }
    }
}

impl From<EffectError> for HandlerError {
    fn from(error: EffectError) -> Self {
        match error {
            EffectError::Store(error) => error.into(),
            EffectError::Failure(failure) => Self::Other {
                waiting_for: match AccessTrouble::of(&failure) {
                    Some(_) => AwsReason::Access.into(),
                    None => AwsReason::NotAsked { peer: failure.peer }.into(),
                },
                source: failure.into(),
            },
        }
    }
}

impl From<EffectError> for Stop {
    fn from(error: EffectError) -> Self {
        HandlerError::from(error).into()
    }
}

/// A request that lacks what the SDK's model requires: an internal error.
pub fn unbuilt(source: BuildError) -> HandlerError {
    HandlerError::Other {
        waiting_for: BrokerReason::Internal.into(),
        source: source.into(),
    }
}
