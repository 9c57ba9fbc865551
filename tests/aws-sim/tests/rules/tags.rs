//! Tags of distributions.

use aws_sdk_cloudfront::types::{DistributionConfigWithTags, Tag, TagKeys, Tags};

use crate::support::configs::minimal;
use crate::support::{refusal, world};

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let items = pairs
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap())
        .collect();
    Tags::builder().set_items(Some(items)).build()
}

fn with_tags(reference: &str, tags: Tags) -> DistributionConfigWithTags {
    DistributionConfigWithTags::builder()
        .distribution_config(minimal(reference))
        .tags(tags)
        .build()
}

#[tokio::test]
async fn create_with_tags_tags() {
    let world = world().await;
    let config = with_tags("one", tags(&[("instance", "i-1")]));
    let made = world
        .cloudfront
        .create_distribution_with_tags()
        .distribution_config_with_tags(config)
        .send()
        .await
        .unwrap();
    assert!(made.location.is_some());
    let arn = made.distribution.unwrap().arn;
    let read = world
        .cloudfront
        .list_tags_for_resource()
        .resource(&arn)
        .send()
        .await
        .unwrap();
    let items = read.tags.unwrap().items.unwrap();
    assert_eq!(
        (items[0].key.as_str(), items[0].value.as_deref()),
        ("instance", Some("i-1"))
    );
}

#[tokio::test]
async fn tag_and_untag() {
    let world = world().await;
    let arn = world.create(minimal("one")).await.0.arn;
    world
        .cloudfront
        .tag_resource()
        .resource(&arn)
        .tags(tags(&[("a", "1"), ("b", "2")]))
        .send()
        .await
        .unwrap();
    world
        .cloudfront
        .tag_resource()
        .resource(&arn)
        .tags(tags(&[("a", "3")]))
        .send()
        .await
        .unwrap();
    world
        .cloudfront
        .untag_resource()
        .resource(&arn)
        .tag_keys(TagKeys::builder().items("b").build())
        .send()
        .await
        .unwrap();
    let read = world
        .cloudfront
        .list_tags_for_resource()
        .resource(&arn)
        .send()
        .await
        .unwrap();
    let items = read.tags.unwrap().items.unwrap();
    assert_eq!(
        items
            .iter()
            .map(|tag| (tag.key.as_str(), tag.value.as_deref()))
            .collect::<Vec<_>>(),
        [("a", Some("3"))]
    );
}

#[tokio::test]
async fn at_most_50_tags() {
    let world = world().await;
    let names = (0..51).map(|number| format!("k{number}")).collect::<Vec<_>>();
    let pairs = names.iter().map(|name| (name.as_str(), "v")).collect::<Vec<_>>();
    let config = with_tags("one", tags(&pairs));
    let call = world
        .cloudfront
        .create_distribution_with_tags()
        .distribution_config_with_tags(config);
    refusal(call.send().await).is("InvalidTagging", 400);
}

#[tokio::test]
async fn an_unknown_resource_is_no_such_resource() {
    let world = world().await;
    let arn = "arn:aws:cloudfront::123456789012:distribution/E0000000000000";
    refusal(world.cloudfront.list_tags_for_resource().resource(arn).send().await).is("NoSuchResource", 404);
}
