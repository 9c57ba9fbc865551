//! The calls about functions, on a function that doesn't exist.

use aws::{FUNCTION_PREFIX, Failure, Peer, Probe, Tried};
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{FunctionConfig, FunctionRuntime};

/// CloudFront's errors in the calls about functions.
const REFUSED: &[&str] = &[
    "FunctionSizeLimitExceeded",
    "InvalidArgument",
    "InvalidIfMatchVersion",
    "NoSuchFunctionExists",
    "PreconditionFailed",
];
/// An ETag that no function has.
const NO_VERSION: &str = "EDOCTOR0000000";
/// The length of the code, in characters: more than the service model allows.
const TOO_LONG: usize = 50_000;

/// The name of a function that doesn't exist: ours end in a digest.
fn no_function() -> String {
    format!("{FUNCTION_PREFIX}doctor")
}

/// All of them.
pub(super) fn all(client: &Client) -> Vec<Probe> {
    vec![
        list(client),
        describe(client),
        get(client),
        create(client),
        update(client),
        publish(client),
        delete(client),
    ]
}

fn list(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "ListFunctions", &[], move || {
        client.list_functions().max_items(1).send()
    })
}

fn describe(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "DescribeFunction", REFUSED, move || {
        client.describe_function().name(no_function()).send()
    })
}

fn get(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "GetFunction", REFUSED, move || {
        client.get_function().name(no_function()).send()
    })
}

/// With more code than the limit; a function that it created after all would be deleted at once.
fn create(client: &Client) -> Probe {
    const ACTION: &str = "CreateFunction";
    let client = client.clone();
    Probe::by(Peer::CloudFront, ACTION, REFUSED, move || {
        let client = client.clone();
        async move {
            let answer = client
                .create_function()
                .name(no_function())
                .set_function_config(function_config())
                .function_code(Blob::new(" ".repeat(TOO_LONG)))
                .send()
                .await
                .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?;
            let deletion = client.delete_function().name(no_function()).set_if_match(answer.e_tag);
            let deleted = deletion.send().await;
            let deleted = deleted
                .map(drop)
                .map_err(|error| Failure::new(Peer::CloudFront, "DeleteFunction", &error));
            Ok(Tried::made(format!("function {}", no_function()), deleted))
        }
    })
}

fn update(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "UpdateFunction", REFUSED, move || {
        client
            .update_function()
            .name(no_function())
            .if_match(NO_VERSION)
            .set_function_config(function_config())
            .function_code(Blob::new(" "))
            .send()
    })
}

fn publish(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "PublishFunction", REFUSED, move || {
        client
            .publish_function()
            .name(no_function())
            .if_match(NO_VERSION)
            .send()
    })
}

fn delete(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "DeleteFunction", REFUSED, move || {
        client.delete_function().name(no_function()).if_match(NO_VERSION).send()
    })
}

fn function_config() -> Option<FunctionConfig> {
    FunctionConfig::builder()
        .comment("")
        .runtime(FunctionRuntime::CloudfrontJs20)
        .build()
        .ok()
}
