//! Creates, publishes and deletes a function: tests whether the shipped policy is sufficient.

use aws::{Failure, Peer};
use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{FunctionConfig, FunctionRuntime, FunctionStage};

use super::beliefs::{FUNCTION, Verdict};
use super::check::{Check, refusal};
use super::ended::Ended;
use super::state::Kind;

const CODE: &str = "function handler(event) { return event.request; }";

pub(super) async fn create_and_delete(check: &mut Check) -> Result<String, Ended> {
    if check.args.no_function {
        return Ok("left out (--no-function)".to_owned());
    }
    let name = check.state.function();
    check.intend(Kind::Function, &name)?;
    let done = async {
        create(check, &name).await?;
        publish(check, &name).await?;
        delete(check, &name).await
    };
    match done.await {
        Ok(()) => {
            check.gone(&name)?;
            check.see(FUNCTION, Verdict::Confirmed, "created, published, deleted");
            Ok("created, published, deleted".to_owned())
        }
        Err(failure) => {
            let action = failure.action;
            let said = format!("{action}: {}", refusal(failure)?);
            check.see(FUNCTION, Verdict::Refuted, &said);
            Ok(said)
        }
    }
}

/// A function that an interrupted run has created is used as well.
async fn create(check: &Check, name: &str) -> Result<(), Failure> {
    const ACTION: &str = "CreateFunction";
    let config = FunctionConfig::builder()
        .comment("live check of cdn-broker")
        .runtime(FunctionRuntime::CloudfrontJs20)
        .build()
        .map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
    let call = check.cloudfront.client().create_function().name(name);
    let answer = call.function_config(config).function_code(Blob::new(CODE)).send().await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) => match Failure::new(Peer::CloudFront, ACTION, &error) {
            failure if failure.code() == "FunctionAlreadyExists" => Ok(()),
            failure => Err(failure),
        },
    }
}

async fn publish(check: &Check, name: &str) -> Result<(), Failure> {
    const ACTION: &str = "PublishFunction";
    let Some(etag) = version(check, name).await? else {
        return Err(Failure::incomplete(Peer::CloudFront, ACTION, "function"));
    };
    let call = check.cloudfront.client().publish_function().name(name).if_match(etag);
    let answer = call.send().await;
    answer
        .map(drop)
        .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))
}

/// Deletes it, if it exists.
pub(super) async fn delete(check: &Check, name: &str) -> Result<(), Failure> {
    let Some(etag) = version(check, name).await? else {
        return Ok(());
    };
    let call = check.cloudfront.client().delete_function().name(name).if_match(etag);
    match call.send().await {
        Ok(_) => Ok(()),
        Err(error) => match Failure::new(Peer::CloudFront, "DeleteFunction", &error) {
            failure if failure.code() == "NoSuchFunctionExists" => Ok(()),
            failure => Err(failure),
        },
    }
}

async fn version(check: &Check, name: &str) -> Result<Option<String>, Failure> {
    const ACTION: &str = "DescribeFunction";
    let call = check.cloudfront.client().describe_function().name(name);
    match call.stage(FunctionStage::Development).send().await {
        Ok(answer) => Ok(answer.e_tag),
        Err(error) => match Failure::new(Peer::CloudFront, ACTION, &error) {
            failure if failure.code() == "NoSuchFunctionExists" => Ok(None),
            failure => Err(failure),
        },
    }
}
