//! The function in CloudFront: created, corrected and removed, from any state that a crash left behind. Its writes are
//! fenced like those of distributions: by the database, then by the ETag that was read.

use std::time::Duration;

use aws::{Failure, Peer, told_apart};
use aws_effects::EffectError;
use aws_sdk_cloudfront::config::http::HttpResponse;
use aws_sdk_cloudfront::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{FunctionConfig, FunctionRuntime, FunctionStage, FunctionSummary};
use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::Task;
use worker::Stop;

use crate::config::comment;
use crate::distributions::Distributions;
use crate::redirect;

/// The result of an attempt to delete the function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Deleted.
    Removed,
    /// There was none.
    Absent,
    /// A configuration uses it, or one that some edge still serves does.
    InUse,
}

impl Distributions {
    /// Ensures that the instance's function exists, is published and redirects to the target. Returns its ARN, or the
    /// outcome of the attempt.
    pub(crate) async fn make_function(&self, task: &Task, target: &str) -> Result<String, Stop> {
        match self.put_function(task, &redirect::code(target)).await {
            Ok(arn) => Ok(arn),
            Err(error) => {
                let failure = error.failure()?;
                let outcome = match failure.code() {
                    // `FunctionAlreadyExists`: another attempt created it in the meantime, or CloudFront doesn't show
                    // it yet.
                    "FunctionAlreadyExists" | "NoSuchFunctionExists" => changed_meanwhile(),
                    _ => failure.outcome(),
                };
                if let Outcome::Failed { .. } = outcome {
                    self.take_back_function(task).await;
                }
                Err(outcome.into())
            }
        }
    }

    async fn put_function(&self, task: &Task, code: &str) -> Result<String, EffectError> {
        let name = redirect::name(&task.instance.id);
        let written = self.function_code(&name, FunctionStage::Development).await?;
        // The unpublished stage must be right as well, otherwise a worker that froze before publishing it still could.
        if written.as_ref().is_some_and(|(written, _)| written == code.as_bytes())
            && let Some(live) = self.live_function(&name).await?
            && let Some((runs, _)) = self.function_code(&name, FunctionStage::Live).await?
            && runs == code.as_bytes()
        {
            return arn("DescribeFunction", Some(live)).map_err(EffectError::from);
        }
        let etag = match written {
            Some((written, etag)) if written == code.as_bytes() => etag,
            Some((_, etag)) => self.update_function(task, &name, code, etag).await?,
            None => self.create_function(task, &name, code).await?,
        };
        self.publish_function(task, &name, etag).await
    }

    async fn live_function(&self, name: &str) -> Result<Option<FunctionSummary>, Failure> {
        let call = self.cloudfront.client().describe_function().name(name);
        match call.stage(FunctionStage::Live).send().await {
            Ok(answer) => Ok(answer.function_summary),
            Err(error) => absent(Failure::new(Peer::CloudFront, "DescribeFunction", &error)),
        }
    }

    /// The code of a stage, with its ETag.
    async fn function_code(&self, name: &str, stage: FunctionStage) -> Result<Option<(Vec<u8>, String)>, Failure> {
        const ACTION: &str = "GetFunction";
        match self
            .cloudfront
            .client()
            .get_function()
            .name(name)
            .stage(stage)
            .send()
            .await
        {
            Ok(answer) => match (answer.function_code, answer.e_tag) {
                (Some(code), Some(etag)) => Ok(Some((code.into_inner(), etag))),
                _ => Err(Failure::incomplete(Peer::CloudFront, ACTION, "code or ETag")),
            },
            Err(error) => absent(Failure::new(Peer::CloudFront, ACTION, &error)),
        }
    }

    async fn create_function(&self, task: &Task, name: &str, code: &str) -> Result<String, EffectError> {
        const ACTION: &str = "CreateFunction";
        let config =
            function_config(&task.instance.id).map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
        // From here on the function may appear.
        self.store.intend_function(task, name).await?;
        let answer = self
            .cloudfront
            .client()
            .create_function()
            .name(name)
            .function_config(config)
            .function_code(Blob::new(code))
            .send()
            .await
            .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?;
        tracing::info!(function = name, "created the function");
        etag(ACTION, answer.e_tag)
    }

    async fn update_function(&self, task: &Task, name: &str, code: &str, read: String) -> Result<String, EffectError> {
        const ACTION: &str = "UpdateFunction";
        let config =
            function_config(&task.instance.id).map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
        self.store.ensure_current(task).await?;
        let answer = self
            .cloudfront
            .client()
            .update_function()
            .name(name)
            .if_match(&read)
            .function_config(config)
            .function_code(Blob::new(code))
            .send()
            .await;
        let answer = self.or_raced(name, &read, ACTION, answer).await?;
        tracing::info!(function = name, "updated the function");
        // Without an ETag the next attempt reads it.
        etag(ACTION, answer.e_tag)
    }

    async fn publish_function(&self, task: &Task, name: &str, written: String) -> Result<String, EffectError> {
        const ACTION: &str = "PublishFunction";
        self.store.ensure_current(task).await?;
        let call = self.cloudfront.client().publish_function().name(name);
        let answer = call.if_match(&written).send().await;
        let answer = self.or_raced(name, &written, ACTION, answer).await?;
        tracing::info!(function = name, "published the function");
        Ok(arn(ACTION, answer.function_summary)?)
    }

    /// Deletes the instance's function, if there is one.
    pub(crate) async fn remove_function(&self, task: &Task) -> Result<Removal, EffectError> {
        let name = redirect::name(&task.instance.id);
        let Some(etag) = self.function_version(&name).await? else {
            return Ok(Removal::Absent);
        };
        self.store.ensure_current(task).await?;
        let removal = self.delete_function(&name, etag).await?;
        if removal == Removal::Removed {
            tracing::info!(function = name, "deleted the function");
        }
        Ok(removal)
    }

    /// The ETag that a write or a deletion of the function must send; `None` when there is no function.
    pub(crate) async fn function_version(&self, name: &str) -> Result<Option<String>, Failure> {
        const ACTION: &str = "DescribeFunction";
        let call = self.cloudfront.client().describe_function().name(name);
        match call.stage(FunctionStage::Development).send().await {
            Ok(answer) => match answer.e_tag {
                Some(etag) => Ok(Some(etag)),
                None => Err(Failure::incomplete(Peer::CloudFront, ACTION, "ETag")),
            },
            Err(error) => absent(Failure::new(Peer::CloudFront, ACTION, &error)),
        }
    }

    pub(crate) async fn delete_function(&self, name: &str, etag: String) -> Result<Removal, Failure> {
        let call = self.cloudfront.client().delete_function().name(name).if_match(&etag);
        let answer = call.send().await;
        let Err(failure) = self.or_raced(name, &etag, "DeleteFunction", answer).await else {
            return Ok(Removal::Removed);
        };
        match failure.code() {
            "NoSuchFunctionExists" => Ok(Removal::Absent),
            "FunctionInUse" => Ok(Removal::InUse),
            _ => Err(failure),
        }
    }

    /// The outcome of a write with this ETag.
    async fn or_raced<T, E>(
        &self,
        name: &str,
        etag: &str,
        action: &'static str,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let failure = Failure::new(Peer::CloudFront, action, &error);
                Err(told_apart(failure, etag, self.function_version(name)).await)
            }
        }
    }

    /// Removes the function when an operation that wanted it ends and nothing uses it. If this fails, or the process
    /// dies before it, the next operation or the reconciler removes it.
    pub(crate) async fn take_back_function(&self, task: &Task) {
        if task.instance.settings.redirect_to.is_none() {
            return;
        }
        match self.remove_function(task).await {
            Ok(Removal::Removed | Removal::Absent) => {}
            Ok(Removal::InUse) => tracing::info!("the function of an operation that failed is in use, and stays"),
            Err(error) => tracing::warn!(%error, "the function of an operation that failed is not removed yet"),
        }
    }
}

/// CloudFront refuses a distribution because of its function: CloudFront doesn't know it yet, somebody deleted it, or
/// there is a Lambda@Edge function beside it, which only the operator can remove.
pub(crate) fn not_taken_yet(failure: &Failure) -> Outcome {
    tracing::warn!(error = %failure, "CloudFront doesn't accept the function");
    Outcome::pending(AwsReason::FunctionNotTaken)
}

fn changed_meanwhile() -> Outcome {
    let what = "function".to_owned();
    Outcome::pending_for(AwsReason::Raced { what }, Some(Duration::from_secs(1)))
}

fn function_config(instance: &str) -> Result<FunctionConfig, BuildError> {
    FunctionConfig::builder()
        .comment(comment(instance))
        .runtime(FunctionRuntime::CloudfrontJs20)
        .build()
}

fn absent<T>(failure: Failure) -> Result<Option<T>, Failure> {
    match failure.code() {
        "NoSuchFunctionExists" => Ok(None),
        _ => Err(failure),
    }
}

fn etag(action: &'static str, etag: Option<String>) -> Result<String, EffectError> {
    Ok(etag.ok_or_else(|| Failure::incomplete(Peer::CloudFront, action, "ETag"))?)
}

fn arn(action: &'static str, summary: Option<FunctionSummary>) -> Result<String, Failure> {
    summary
        .and_then(|summary| summary.function_metadata)
        .map(|metadata| metadata.function_arn)
        .ok_or_else(|| Failure::incomplete(Peer::CloudFront, action, "ARN"))
}
