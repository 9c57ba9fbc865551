//! CloudFront Functions: the API.

use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{EventType, FunctionStage};
use serde_json::json;

use crate::support::functions::{THROUGH, associate, config, using};
use crate::support::{NEVER, eventually, refusal, world};

#[tokio::test]
async fn a_name_is_taken_once() {
    let world = world().await;
    world.function("one", THROUGH).await;
    let again = world
        .cloudfront
        .create_function()
        .name("one")
        .function_config(config())
        .function_code(Blob::new("different"));
    refusal(again.send().await).is("FunctionAlreadyExists", 409);
}

#[tokio::test]
async fn a_name_is_letters_digits_hyphen_and_underscore_up_to_64() {
    let world = world().await;
    world.function(&"a_-9".repeat(16), THROUGH).await;
    for name in ["a.b", "ä", "a b", &"x".repeat(65)] {
        let made = world
            .cloudfront
            .create_function()
            .name(name)
            .function_config(config())
            .function_code(Blob::new(THROUGH));
        refusal(made.send().await).is("InvalidArgument", 400);
    }
}

#[tokio::test]
async fn at_most_10_kb_of_code() {
    let world = world().await;
    let code = |length| Blob::new("x".repeat(length));
    let create = |name: &str, length| {
        let call = world.cloudfront.create_function().name(name).function_config(config());
        call.function_code(code(length)).send()
    };
    let etag = create("fits", 10 * 1024).await.unwrap().e_tag.unwrap();
    refusal(create("large", 10 * 1024 + 1).await).is("FunctionSizeLimitExceeded", 413);
    let update = world.cloudfront.update_function().name("fits").if_match(etag);
    let update = update.function_config(config()).function_code(code(10 * 1024 + 1));
    refusal(update.send().await).is("FunctionSizeLimitExceeded", 413);
}

#[tokio::test]
async fn at_most_100_functions() {
    let world = world().await;
    for number in 0..100 {
        world.function(&format!("f{number}"), THROUGH).await;
    }
    let one_more = world
        .cloudfront
        .create_function()
        .name("one-more")
        .function_config(config())
        .function_code(Blob::new(THROUGH));
    refusal(one_more.send().await).is("TooManyFunctions", 400);
}

#[tokio::test]
async fn what_is_not_there() {
    let world = world().await;
    let client = &world.cloudfront;
    let none = "NoSuchFunctionExists";
    refusal(client.describe_function().name("none").send().await).is(none, 404);
    refusal(client.get_function().name("none").send().await).is(none, 404);
    refusal(client.publish_function().name("none").if_match("E1").send().await).is(none, 404);
    refusal(client.delete_function().name("none").if_match("E1").send().await).is(none, 404);
    let update = client.update_function().name("none").if_match("E1");
    let update = update.function_config(config()).function_code(Blob::new(THROUGH));
    refusal(update.send().await).is(none, 404);
}

#[tokio::test]
async fn live_is_there_once_it_is_published_and_stays_until_it_is_published_again() {
    let world = world().await;
    let client = &world.cloudfront;
    let code = async |stage| {
        let got = client.get_function().name("one").stage(stage).send().await;
        String::from_utf8(got.unwrap().function_code.unwrap().into_inner()).unwrap()
    };
    let etag = world.function("one", "first").await;
    let live = || client.describe_function().name("one").stage(FunctionStage::Live).send();
    refusal(live().await).is("NoSuchFunctionExists", 404);
    world.publish("one", &etag).await;
    let described = live().await.unwrap().function_summary.unwrap();
    assert_eq!(described.status.as_deref(), Some("UNASSOCIATED"));
    assert_eq!(described.function_metadata.unwrap().stage, Some(FunctionStage::Live));
    let update = client.update_function().name("one").if_match(&etag);
    let update = update.function_config(config()).function_code(Blob::new("second"));
    let newer = update.send().await.unwrap().e_tag.unwrap();
    assert_ne!(newer, etag);
    assert_eq!(
        (code(FunctionStage::Development).await, code(FunctionStage::Live).await),
        ("second".to_owned(), "first".to_owned())
    );
    world.publish("one", &newer).await;
    assert_eq!(code(FunctionStage::Live).await, "second");
}

#[tokio::test]
async fn writes_need_the_version_in_development() {
    let world = world().await;
    let client = &world.cloudfront;
    let stale = world.function("one", "first").await;
    let update = client.update_function().name("one").if_match(&stale);
    let update = update.function_config(config()).function_code(Blob::new("second"));
    update.send().await.unwrap();
    refusal(client.publish_function().name("one").if_match(&stale).send().await).is("PreconditionFailed", 412);
    refusal(client.delete_function().name("one").if_match(&stale).send().await).is("PreconditionFailed", 412);
    refusal(client.delete_function().name("one").send().await).is("InvalidIfMatchVersion", 400);
    refusal(client.publish_function().name("one").if_match("nothing").send().await).is("InvalidIfMatchVersion", 400);
    let update = client.update_function().name("one").if_match(&stale);
    let update = update.function_config(config()).function_code(Blob::new("third"));
    refusal(update.send().await).is("PreconditionFailed", 412);
}

#[tokio::test]
async fn an_association_needs_a_function_that_is_published() {
    let world = world().await;
    let invalid = "InvalidFunctionAssociation";
    let request = EventType::ViewerRequest;
    let etag = world.function("one", THROUGH).await;
    let arn = "arn:aws:cloudfront::123456789012:function/one";
    world
        .refused(using("a", &[(arn, request.clone())]))
        .await
        .is(invalid, 400);
    let unknown = "arn:aws:cloudfront::123456789012:function/none";
    world
        .refused(using("a", &[(unknown, request.clone())]))
        .await
        .is(invalid, 400);
    let foreign = "arn:aws:cloudfront::210987654321:function/one";
    world
        .refused(using("a", &[(foreign, request.clone())]))
        .await
        .is(invalid, 400);
    assert_eq!(world.publish("one", &etag).await, arn);
    world
        .refused(using("a", &[(arn, EventType::OriginRequest)]))
        .await
        .is(invalid, 400);
    let twice = [(arn, request.clone()), (arn, request.clone())];
    world.refused(using("a", &twice)).await.is(invalid, 400);
    let three = [
        (arn, request.clone()),
        (arn, EventType::ViewerResponse),
        (arn, request.clone()),
    ];
    world
        .refused(using("a", &three))
        .await
        .is("TooManyFunctionAssociations", 400);
    let (made, _) = world.create(using("a", &[(arn, request.clone())])).await;
    let refused = world
        .update(&made.id, |config| associate(config, &[(unknown, request)]))
        .await;
    refusal(refused).is(invalid, 400);
}

#[tokio::test]
async fn a_function_is_in_use_until_the_configuration_without_it_is_deployed() {
    let world = world().await;
    let arn = world.published("one", THROUGH).await;
    let (made, _) = world.create(using("a", &[(&arn, EventType::ViewerRequest)])).await;
    let described = world.cloudfront.describe_function().name("one").send().await.unwrap();
    let etag = described.e_tag.unwrap();
    let delete = || world.cloudfront.delete_function().name("one").if_match(&etag).send();
    refusal(delete().await).is("FunctionInUse", 409);
    world.admin("/settings", json!({"deploy_ms": NEVER})).await;
    world.update(&made.id, |config| associate(config, &[])).await.unwrap();
    refusal(delete().await).is("FunctionInUse", 409);
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    eventually("deployed", async || world.status(&made.id).await == "Deployed").await;
    delete().await.unwrap();
    refusal(world.cloudfront.describe_function().name("one").send().await).is("NoSuchFunctionExists", 404);
}

#[tokio::test]
async fn the_list_is_paged_and_filtered_by_stage() {
    let world = world().await;
    for number in 0..5 {
        world.function(&format!("f{number}"), THROUGH).await;
    }
    world.published("live", THROUGH).await;
    let (mut seen, mut marker) = (Vec::new(), None::<String>);
    loop {
        let page = world.cloudfront.list_functions().max_items(2).set_marker(marker);
        let page = page.send().await.unwrap().function_list.unwrap();
        seen.extend(page.items.unwrap_or_default().into_iter().map(|item| item.name));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["f0", "f1", "f2", "f3", "f4", "live"]);
    let live = world
        .cloudfront
        .list_functions()
        .stage(FunctionStage::Live)
        .send()
        .await;
    let live = live.unwrap().function_list.unwrap().items.unwrap();
    assert_eq!(live.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["live"]);
}
