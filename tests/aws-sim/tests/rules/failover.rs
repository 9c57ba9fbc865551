//! Origin groups at the edge.

use aws_sdk_cloudfront::types::OriginGroups;

use crate::origins::group;
use crate::support::configs::{all_methods, default_behaviour, minimal, origin, origins};
use crate::support::origin::Origin;
use crate::support::viewer::asked;
use crate::support::{World, world_with};

/// Two origins in a group that fails over on 503; without `app` the first refuses connections.
async fn setup(app: Option<&Origin>, spare: &Origin) -> (World, String) {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let first = app.map_or(closed, |app| app.address);
    let map = [
        format!("app.example.org={first}"),
        format!("spare.example.org={}", spare.address),
    ];
    let world = world_with(|settings| settings.origin_map = map.iter().map(|one| one.parse().unwrap()).collect()).await;
    let mut config = minimal("one");
    config.origins = Some(origins(vec![
        origin("app", "app.example.org"),
        origin("spare", "spare.example.org"),
    ]));
    config.origin_groups = Some(
        OriginGroups::builder()
            .quantity(1)
            .items(group("both", ["app", "spare"], &[503]))
            .build()
            .unwrap(),
    );
    let behaviour = default_behaviour(&mut config);
    behaviour.target_origin_id = "both".to_owned();
    behaviour.allowed_methods = Some(all_methods());
    let host = world.create(config).await.0.domain_name;
    (world, host)
}

#[tokio::test]
async fn fails_over_on_a_listed_status() {
    let (app, spare) = (Origin::start("app").await, Origin::start("spare").await);
    let (world, host) = setup(Some(&app), &spare).await;
    assert_eq!(asked(&world.get(&host, "/").await).origin, "app");
    assert_eq!(asked(&world.get(&host, "/status/503").await).origin, "spare");
    assert_eq!(asked(&world.get(&host, "/status/404").await).origin, "app");
}

#[tokio::test]
async fn fails_over_when_there_is_no_connection() {
    let spare = Origin::start("spare").await;
    let (world, host) = setup(None, &spare).await;
    assert_eq!(asked(&world.get(&host, "/").await).origin, "spare");
}

#[tokio::test]
async fn does_not_fail_over_for_a_post() {
    let (app, spare) = (Origin::start("app").await, Origin::start("spare").await);
    let (world, host) = setup(Some(&app), &spare).await;
    assert_eq!(asked(&world.post(&host, "/status/503", "x").await).origin, "app");
    let (world, host) = setup(None, &spare).await;
    assert_eq!(world.post(&host, "/", "x").await.status(), 502);
}
