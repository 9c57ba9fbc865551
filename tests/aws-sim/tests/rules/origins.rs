//! Create: origins and origin groups.

use aws_sdk_cloudfront::types::{
    OriginGroup, OriginGroupFailoverCriteria, OriginGroupMember, OriginGroupMembers, OriginGroups,
    OriginProtocolPolicy, OriginSslProtocols, S3OriginConfig, SslProtocol, StatusCodes,
};

use crate::support::configs::{behaviour, behaviours, minimal, origin, origins};
use crate::support::world;

/// A group of two origins.
pub(crate) fn group(id: &str, members: [&str; 2], codes: &[i32]) -> OriginGroup {
    let member = |id: &str| OriginGroupMember::builder().origin_id(id).build().unwrap();
    let members = OriginGroupMembers::builder()
        .quantity(2)
        .items(member(members[0]))
        .items(member(members[1]));
    let codes = StatusCodes::builder()
        .quantity(codes.len() as i32)
        .set_items(Some(codes.to_vec()))
        .build()
        .unwrap();
    OriginGroup::builder()
        .id(id)
        .failover_criteria(OriginGroupFailoverCriteria::builder().status_codes(codes).build())
        .members(members.build().unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_target_must_be_an_origin() {
    let world = world().await;
    let mut config = minimal("one");
    config.cache_behaviors = Some(behaviours(vec![behaviour("/x/*", "nowhere")]));
    world.refused(config).await.is("NoSuchOrigin", 404);
}

#[tokio::test]
async fn a_target_may_be_an_origin_group() {
    let world = world().await;
    let mut config = minimal("one");
    config.origins = Some(origins(vec![
        origin("app", "a.example.org"),
        origin("spare", "b.example.org"),
    ]));
    config.origin_groups = Some(
        OriginGroups::builder()
            .quantity(1)
            .items(group("both", ["app", "spare"], &[503]))
            .build()
            .unwrap(),
    );
    config.cache_behaviors = Some(behaviours(vec![behaviour("/x/*", "both")]));
    world.create(config).await;
}

#[tokio::test]
async fn origin_ids_are_unique() {
    let mut config = minimal("one");
    config.origins = Some(origins(vec![
        origin("app", "a.example.org"),
        origin("app", "b.example.org"),
    ]));
    world().await.refused(config).await.is("InvalidArgument", 400);
}

#[tokio::test]
async fn at_most_100_origins() {
    let mut config = minimal("one");
    let many = (0..101)
        .map(|number| origin(&format!("o{number}"), "a.example.org"))
        .chain([origin("app", "a.example.org")]);
    config.origins = Some(origins(many.collect()));
    world().await.refused(config).await.is("TooManyOrigins", 400);
}

#[tokio::test]
async fn at_most_10_origin_groups() {
    let mut config = minimal("one");
    config.origins = Some(origins(vec![
        origin("app", "a.example.org"),
        origin("spare", "b.example.org"),
    ]));
    let groups = (0..11)
        .map(|number| group(&format!("g{number}"), ["app", "spare"], &[503]))
        .collect::<Vec<_>>();
    config.origin_groups = Some(
        OriginGroups::builder()
            .quantity(11)
            .set_items(Some(groups))
            .build()
            .unwrap(),
    );
    world()
        .await
        .refused(config)
        .await
        .is("TooManyOriginGroupsPerDistribution", 400);
}

#[tokio::test]
async fn a_member_of_a_group_must_be_an_origin() {
    let mut config = minimal("one");
    config.origin_groups = Some(
        OriginGroups::builder()
            .quantity(1)
            .items(group("both", ["app", "nowhere"], &[503]))
            .build()
            .unwrap(),
    );
    world().await.refused(config).await.is("NoSuchOrigin", 404);
}

#[tokio::test]
async fn an_origin_has_exactly_one_kind() {
    let world = world().await;
    let mut config = minimal("one");
    let mut none = origin("app", "a.example.org");
    none.custom_origin_config = None;
    config.origins = Some(origins(vec![none]));
    world.refused(config).await.is("InvalidOrigin", 400);
    let mut config = minimal("one");
    let mut both = origin("app", "a.example.org");
    both.s3_origin_config = Some(S3OriginConfig::builder().origin_access_identity("").build());
    config.origins = Some(origins(vec![both]));
    world.refused(config).await.is("InvalidOrigin", 400);
}

#[tokio::test]
async fn origin_path_begins_with_a_slash_and_does_not_end_with_one() {
    let world = world().await;
    for path in ["v1", "/v1/"] {
        let mut config = minimal("one");
        let mut one = origin("app", "a.example.org");
        one.origin_path = Some(path.to_owned());
        config.origins = Some(origins(vec![one]));
        world.refused(config).await.is("InvalidRelativePath", 400);
    }
}

#[tokio::test]
async fn an_origin_domain_is_a_host_name() {
    let world = world().await;
    for name in ["https://a.example.org", "a.example.org/path", "localhost", ""] {
        let mut config = minimal("one");
        config.origins = Some(origins(vec![origin("app", name)]));
        world.refused(config).await.is("InvalidArgument", 400);
    }
}

#[tokio::test]
async fn origin_protocol_policy_is_an_enumeration() {
    let mut config = minimal("one");
    let mut one = origin("app", "a.example.org");
    one.custom_origin_config.as_mut().unwrap().origin_protocol_policy = OriginProtocolPolicy::from("any");
    config.origins = Some(origins(vec![one]));
    world().await.refused(config).await.is("InvalidArgument", 400);
}

#[tokio::test]
async fn time_outs_have_ranges() {
    let world = world().await;
    let mut one = origin("app", "a.example.org");
    one.custom_origin_config.as_mut().unwrap().origin_read_timeout = Some(121);
    let mut config = minimal("one");
    config.origins = Some(origins(vec![one]));
    world.refused(config).await.is("InvalidOriginReadTimeout", 400);

    let mut one = origin("app", "a.example.org");
    one.custom_origin_config.as_mut().unwrap().origin_keepalive_timeout = Some(0);
    let mut config = minimal("one");
    config.origins = Some(origins(vec![one]));
    world.refused(config).await.is("InvalidOriginKeepaliveTimeout", 400);

    let mut one = origin("app", "a.example.org");
    one.connection_attempts = Some(4);
    let mut config = minimal("one");
    config.origins = Some(origins(vec![one]));
    world.refused(config).await.is("InvalidArgument", 400);

    let mut one = origin("app", "a.example.org");
    one.connection_timeout = Some(11);
    let mut config = minimal("one");
    config.origins = Some(origins(vec![one]));
    world.refused(config).await.is("InvalidArgument", 400);
}

#[tokio::test]
async fn origin_ssl_protocols_are_an_enumeration() {
    let mut one = origin("app", "a.example.org");
    let protocols = OriginSslProtocols::builder()
        .quantity(1)
        .items(SslProtocol::from("TLSv9"))
        .build()
        .unwrap();
    one.custom_origin_config.as_mut().unwrap().origin_ssl_protocols = Some(protocols);
    let mut config = minimal("one");
    config.origins = Some(origins(vec![one]));
    world().await.refused(config).await.is("InvalidArgument", 400);
}
