//! The external dependencies of this service, checked by calls that change nothing.

mod functions;

use aws::{CloudFront, Failure, INPUT_REFUSED, INSTANCE_TAG, Peer, Probe, Tried, impossible_config};
use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{DistributionConfigWithTags, Tag, Tags};
use doctor::Check;
use store::SharedSettings;

use crate::settings::Settings;

/// The checks, in the order of the report.
pub(crate) fn checks(
    settings: &Settings,
    shared: &SharedSettings,
    sdk: &SdkConfig,
    cloudfront: &CloudFront,
) -> Vec<Check> {
    let client = cloudfront.client();
    vec![
        store::check_database(&settings.worker.database, "distribution"),
        store::check_shared_settings(&settings.worker.database, Some(shared)),
        messaging::check_rabbitmq(&settings.worker.amqp, "distribution"),
        aws::check_aws(
            sdk,
            vec![
                list(client),
                aws::try_get(client),
                aws::try_get_config(client),
                list_tags(client),
                create(client, cloudfront),
                aws::try_update(client),
                aws::try_delete(client),
            ]
            .into_iter()
            .chain(functions::all(client))
            .collect(),
        ),
    ]
}

fn list(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "ListDistributions", &[], move || {
        client.list_distributions().max_items(1).send()
    })
}

/// For the first distribution of the list: its ARN contains the account number, which is available nowhere else.
fn list_tags(client: &Client) -> Probe {
    const ACTION: &str = "ListTagsForResource";
    let client = client.clone();
    Probe::by(Peer::CloudFront, ACTION, &["NoSuchResource"], move || {
        let client = client.clone();
        async move {
            let listed = client.list_distributions().max_items(1).send().await;
            let listed = listed.map_err(|error| Failure::new(Peer::CloudFront, "ListDistributions", &error))?;
            let list = listed.distribution_list.and_then(|list| list.items);
            let Some(one) = list.unwrap_or_default().into_iter().next() else {
                return Err(Failure::incomplete(Peer::CloudFront, ACTION, "distribution"));
            };
            let answer = client.list_tags_for_resource().resource(one.arn).send().await;
            answer
                .map(|_| Tried::Harmless)
                .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))
        }
    })
}

/// With a tag, as in this service's own calls: the policy may allow nothing else. The call can't succeed, since its
/// input is invalid; a distribution that it created after all would be deleted at once.
fn create(client: &Client, cloudfront: &CloudFront) -> Probe {
    const ACTION: &str = "CreateDistribution with TagResource";
    let (client, cloudfront) = (client.clone(), cloudfront.clone());
    Probe::by(Peer::CloudFront, ACTION, INPUT_REFUSED, move || {
        let (client, cloudfront) = (client.clone(), cloudfront.clone());
        async move {
            let unbuilt = |_| Failure::incomplete(Peer::CloudFront, ACTION, "input");
            let tag = Tag::builder()
                .key(INSTANCE_TAG)
                .value("doctor")
                .build()
                .map_err(unbuilt)?;
            let input = DistributionConfigWithTags::builder()
                .distribution_config(impossible_config().map_err(unbuilt)?)
                .tags(Tags::builder().items(tag).build());
            let answer = client
                .create_distribution_with_tags()
                .distribution_config_with_tags(input.build())
                .send()
                .await
                .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?;
            let id = answer.distribution.map(|made| made.id).unwrap_or_default();
            let deleted = cloudfront.remove(&id, &answer.e_tag.unwrap_or_default()).await;
            Ok(Tried::made(format!("distribution {id}"), deleted))
        }
    })
}
