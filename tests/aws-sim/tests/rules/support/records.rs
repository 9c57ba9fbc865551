//! Route 53: a simulator with one hosted zone, and its records.

use aws_sdk_route53::config::http::HttpResponse;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeInfo, ResourceRecord, ResourceRecordSet, RrType,
};
use aws_sdk_route53::{Client, Config};
use aws_sim::{Running, Settings};

use super::{Refusal, World, refusal, world_with};

pub(crate) const ZONE: &str = "acme.platform.example";
pub(crate) const ID: &str = "Z0123456789EXAMPLE";

/// A simulator with the zone, in which a change is INSYNC at once.
pub(crate) async fn zone() -> (World, Client) {
    zone_with(|_| {}).await
}

/// The same with other settings.
pub(crate) async fn zone_with(change: impl FnOnce(&mut Settings)) -> (World, Client) {
    let world = world_with(|settings| {
        settings.hosted_zones = vec![format!("{ID}:{ZONE}").parse().unwrap()];
        settings.insync_ms = 0;
        change(settings);
    })
    .await;
    let client = client(&world.running, "test", "test");
    (world, client)
}

/// A client without retries.
pub(crate) fn client(running: &Running, key: &str, secret: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{}", running.api_addr))
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// A simple TXT record set. Values in presentation form.
pub(crate) fn simple(name: &str, values: &[&str]) -> ResourceRecordSet {
    let record = |value: &&str| ResourceRecord::builder().value(*value).build().unwrap();
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Txt)
        .ttl(30)
        .set_resource_records(Some(values.iter().map(record).collect()))
        .build()
        .unwrap()
}

/// A multivalue answer, with the value as its set identifier.
pub(crate) fn multivalue(name: &str, value: &str) -> ResourceRecordSet {
    let mut set = simple(name, &[&format!("\"{value}\"")]);
    set.set_identifier = Some(value.to_owned());
    set.multi_value_answer = Some(true);
    set
}

/// The name below the zone.
pub(crate) fn at(label: &str) -> String {
    format!("{label}.{ZONE}")
}

/// Applies a batch.
pub(crate) async fn change(
    client: &Client,
    zone: &str,
    changes: Vec<(ChangeAction, ResourceRecordSet)>,
) -> Result<ChangeInfo, SdkError<ChangeResourceRecordSetsError, HttpResponse>> {
    let one = |(action, set)| {
        Change::builder()
            .action(action)
            .resource_record_set(set)
            .build()
            .unwrap()
    };
    let batch = ChangeBatch::builder().set_changes(Some(changes.into_iter().map(one).collect()));
    let call = client.change_resource_record_sets().hosted_zone_id(zone);
    let made = call.change_batch(batch.build().unwrap()).send().await?;
    Ok(made.change_info.unwrap())
}

/// Applies a batch that must be accepted.
pub(crate) async fn accepted(client: &Client, changes: Vec<(ChangeAction, ResourceRecordSet)>) -> ChangeInfo {
    change(client, ID, changes).await.unwrap()
}

/// Why a batch is refused.
pub(crate) async fn refused(client: &Client, changes: Vec<(ChangeAction, ResourceRecordSet)>) -> Refusal {
    refusal(change(client, ID, changes).await)
}

/// The TXT values of the whole zone, as `name value`.
pub(crate) async fn texts(client: &Client) -> Vec<String> {
    let listed = client
        .list_resource_record_sets()
        .hosted_zone_id(ID)
        .send()
        .await
        .unwrap();
    let texts = listed
        .resource_record_sets
        .iter()
        .filter(|set| set.r#type == RrType::Txt);
    let values = texts.flat_map(|set| {
        let name = set.name.trim_end_matches('.').to_owned();
        set.resource_records()
            .iter()
            .map(move |record| format!("{name} {}", record.value))
    });
    values.collect()
}
