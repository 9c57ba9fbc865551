//! CloudFront's distributions: reads, and writes that are fenced by ETag and database.

use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::Builder;
use aws_sdk_cloudfront::types::{Distribution, DistributionConfig};
use store::{Store, StoreError, Task};
use worker::HandlerError;

use crate::calls::Calls;
use crate::failure::{Failure, Peer};
use crate::wire::Wire;

/// A client of CloudFront. Every call is one attempt.
#[derive(Clone, Debug)]
pub struct CloudFront {
    client: Client,
}

/// A distribution's configuration as read, with the ETag that a write of it must carry.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// All of it: `UpdateDistribution` replaces, so what isn't sent back is lost.
    pub config: DistributionConfig,
    /// Its version.
    pub etag: String,
}

/// Why a fenced write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The step is no longer current, or the store can't say.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// CloudFront refused or didn't answer.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl WriteError {
    /// The failure, for the handler to judge; what the store said ends the attempt.
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

/// Does the code say that somebody else wrote since we read? `PreconditionFailed` 412 is what a stale ETag gets. The ETag
/// was given to us, so `InvalidIfMatchVersion` 400 ("not valid for the resource", service model) is read the same way.
pub fn writes_race(code: &str) -> bool {
    matches!(code, "PreconditionFailed" | "InvalidIfMatchVersion")
}

impl CloudFront {
    /// A client by this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::from_conf(
                Builder::from(config)
                    .interceptor(Wire)
                    .interceptor(Calls("cloudfront"))
                    .build(),
            ),
        }
    }

    /// The SDK's client, for calls that only one service makes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The distribution; `None` when there is none of that id.
    ///
    /// # Errors
    /// Any other failure of `GetDistribution`.
    pub async fn distribution(&self, id: &str) -> Result<Option<Distribution>, Failure> {
        const ACTION: &str = "GetDistribution";
        let answer = self.client.get_distribution().id(id).send().await;
        let answer = match found(ACTION, answer)? {
            Some(answer) => answer,
            None => return Ok(None),
        };
        answer
            .distribution
            .map(Some)
            .ok_or_else(|| Failure::incomplete(Peer::CloudFront, ACTION, "distribution"))
    }

    /// The distribution's configuration; `None` when there is none of that id.
    ///
    /// # Errors
    /// Any other failure of `GetDistributionConfig`.
    pub async fn config(&self, id: &str) -> Result<Option<ReadConfig>, Failure> {
        const ACTION: &str = "GetDistributionConfig";
        let answer = self.client.get_distribution_config().id(id).send().await;
        let answer = match found(ACTION, answer)? {
            Some(answer) => answer,
            None => return Ok(None),
        };
        match (answer.distribution_config, answer.e_tag) {
            (Some(config), Some(etag)) => Ok(Some(ReadConfig { config, etag })),
            _ => Err(Failure::incomplete(Peer::CloudFront, ACTION, "configuration or ETag")),
        }
    }

    /// The value of the tag of that key on whatever has the ARN, if it has one.
    ///
    /// # Errors
    /// Any failure of `ListTagsForResource`.
    pub async fn tag(&self, arn: &str, key: &str) -> Result<Option<String>, Failure> {
        let answer = self.client.list_tags_for_resource().resource(arn).send().await;
        let answer = answer.map_err(|error| Failure::new(Peer::CloudFront, "ListTagsForResource", &error))?;
        let tags = answer.tags.and_then(|tags| tags.items).unwrap_or_default();
        Ok(tags.into_iter().find(|tag| tag.key == key).and_then(|tag| tag.value))
    }

    /// Writes back what was read and changed. Between the two it is made sure that the task is still current: a worker
    /// that wakes up late is either stopped here or by the ETag of whatever was written meanwhile.
    ///
    /// # Errors
    /// The task is no longer current, or `UpdateDistribution` failed.
    pub async fn update(&self, store: &Store, task: &Task, id: &str, changed: ReadConfig) -> Result<(), WriteError> {
        store.ensure_current(task).await?;
        self.client
            .update_distribution()
            .id(id)
            .if_match(changed.etag)
            .distribution_config(changed.config)
            .send()
            .await
            .map_err(|error| Failure::new(Peer::CloudFront, "UpdateDistribution", &error))?;
        Ok(())
    }

    /// Moves an alias to the distribution from the one that has it, fenced like [`Self::update`]; it carries no ETag.
    ///
    /// # Errors
    /// The task is no longer current, or `AssociateAlias` failed.
    pub async fn associate_alias(&self, store: &Store, task: &Task, id: &str, alias: &str) -> Result<(), WriteError> {
        store.ensure_current(task).await?;
        self.client
            .associate_alias()
            .target_distribution_id(id)
            .alias(alias)
            .send()
            .await
            .map_err(|error| Failure::new(Peer::CloudFront, "AssociateAlias", &error))?;
        Ok(())
    }

    /// Deletes the distribution, fenced like [`Self::update`].
    ///
    /// # Errors
    /// The task is no longer current, or `DeleteDistribution` failed.
    pub async fn delete(&self, store: &Store, task: &Task, id: &str, etag: &str) -> Result<(), WriteError> {
        store.ensure_current(task).await?;
        self.client
            .delete_distribution()
            .id(id)
            .if_match(etag)
            .send()
            .await
            .map_err(|error| Failure::new(Peer::CloudFront, "DeleteDistribution", &error))?;
        Ok(())
    }
}

fn found<T, E>(
    action: &'static str,
    answer: Result<T, aws_sdk_cloudfront::error::SdkError<E, aws_sdk_cloudfront::config::http::HttpResponse>>,
) -> Result<Option<T>, Failure>
where
    E: aws_sdk_cloudfront::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => {
            let failure = Failure::new(Peer::CloudFront, action, &error);
            if failure.code() == "NoSuchDistribution" {
                Ok(None)
            } else {
                Err(failure)
            }
        }
    }
}
