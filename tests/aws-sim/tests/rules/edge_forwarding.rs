//! The edge towards origins: which parts of requests are forwarded, and how.

use aws_sdk_cloudfront::types::{CookiePreference, DistributionConfig, ItemSelection, OriginProtocolPolicy};
use http::Request;

use crate::support::configs::{
    ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, CACHING_DISABLED, all_methods, by_policies, default_behaviour, forwarded,
    minimal,
};
use crate::support::origin::{Asked, Origin};
use crate::support::viewer::{asked, header};
use crate::support::{Ca, World, world_with};

struct Setup {
    world: World,
    host: String,
    _origin: Origin,
}

async fn setup(change: impl FnOnce(&mut DistributionConfig)) -> Setup {
    let origin = Origin::start("app").await;
    let address = origin.address;
    let world = world_with(|settings| settings.origin_default = Some(address)).await;
    let mut config = minimal("one");
    change(&mut config);
    let host = world.create(config).await.0.domain_name;
    Setup {
        world,
        host,
        _origin: origin,
    }
}

impl Setup {
    async fn ask(&self, path: &str) -> Asked {
        let request = Request::get(path)
            .header("host", &self.host)
            .header("user-agent", "viewer/1")
            .header("referer", "http://r.example")
            .header("x-custom", "c")
            .header("x-forwarded-for", "192.0.2.1")
            .header("cookie", "id=7; theme=dark")
            .header("x-amz-cf-id", "forged");
        asked(&self.world.http(request).await)
    }
}

#[tokio::test]
async fn by_default_host_and_user_agent_are_the_edges_own() {
    let setup = setup(|_| {}).await;
    let asked = setup.ask("/p?q=1").await;
    let get = |name: &str| asked.headers.get(name).map(String::as_str);
    assert_eq!(asked.uri, "/p");
    assert_eq!(get("host"), Some("origin.example.org"));
    assert_eq!(get("user-agent"), Some("Amazon CloudFront"));
    assert_eq!(get("x-forwarded-for"), Some("192.0.2.1, 127.0.0.1"));
    assert!(get("via").is_some_and(|via| via.ends_with(".cloudfront.net (CloudFront)")));
    assert!(get("x-amz-cf-id").is_some_and(|id| id != "forged"));
    assert_eq!((get("cookie"), get("referer")), (None, None));
    assert_eq!(get("x-custom"), Some("c"));
}

#[tokio::test]
async fn whitelisted_headers_are_forwarded() {
    let setup =
        setup(|config| default_behaviour(config).forwarded_values = Some(forwarded(&["Host", "User-Agent"]))).await;
    let asked = setup.ask("/").await;
    assert_eq!(asked.headers["host"], setup.host);
    assert_eq!(asked.headers["user-agent"], "viewer/1");
    assert!(!asked.headers.contains_key("referer"));
}

#[tokio::test]
async fn star_forwards_all_headers() {
    let setup = setup(|config| default_behaviour(config).forwarded_values = Some(forwarded(&["*"]))).await;
    let asked = setup.ask("/").await;
    assert_eq!(asked.headers["host"], setup.host);
    assert_eq!(asked.headers["referer"], "http://r.example");
}

fn cookies(forward: ItemSelection, names: &[&str]) -> Option<CookiePreference> {
    use aws_sdk_cloudfront::types::CookieNames;
    let items = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let names = CookieNames::builder()
        .quantity(items.len() as i32)
        .set_items(Some(items.clone()))
        .build()
        .unwrap();
    CookiePreference::builder()
        .forward(forward)
        .set_whitelisted_names((!items.is_empty()).then_some(names))
        .build()
        .ok()
}

#[tokio::test]
async fn cookies_none_all_or_by_name() {
    let with = |preference: Option<CookiePreference>| {
        setup(move |config| default_behaviour(config).forwarded_values.as_mut().unwrap().cookies = preference)
    };
    let all = with(cookies(ItemSelection::All, &[])).await;
    assert_eq!(all.ask("/").await.headers["cookie"], "id=7; theme=dark");
    let some = with(cookies(ItemSelection::Whitelist, &["th*"])).await;
    assert_eq!(some.ask("/").await.headers["cookie"], "theme=dark");
}

#[tokio::test]
async fn without_cookies_set_cookie_is_removed() {
    let none = setup(|_| {}).await;
    assert_eq!(header(&none.world.get(&none.host, "/").await, "set-cookie"), "");
    let preference = cookies(ItemSelection::All, &[]);
    let all = setup(|config| default_behaviour(config).forwarded_values.as_mut().unwrap().cookies = preference).await;
    assert_eq!(header(&all.world.get(&all.host, "/").await, "set-cookie"), "origin=1");
}

#[tokio::test]
async fn query_strings_are_forwarded_when_asked() {
    let setup = setup(|config| {
        default_behaviour(config)
            .forwarded_values
            .as_mut()
            .unwrap()
            .query_string = true
    })
    .await;
    assert_eq!(setup.ask("/p?a=1&b=2").await.uri, "/p?a=1&b=2");
}

#[tokio::test]
async fn all_viewer_forwards_everything() {
    let setup = setup(|config| by_policies(config, CACHING_DISABLED, Some(ALL_VIEWER))).await;
    let asked = setup.ask("/p?q=1").await;
    assert_eq!(asked.uri, "/p?q=1");
    assert_eq!(asked.headers["host"], setup.host);
    assert_eq!(asked.headers["user-agent"], "viewer/1");
    assert_eq!(asked.headers["cookie"], "id=7; theme=dark");
}

#[tokio::test]
async fn all_viewer_except_host_keeps_the_origins_name() {
    let setup = setup(|config| by_policies(config, CACHING_DISABLED, Some(ALL_VIEWER_EXCEPT_HOST))).await;
    let asked = setup.ask("/").await;
    assert_eq!(asked.headers["host"], "origin.example.org");
    assert_eq!(asked.headers["user-agent"], "viewer/1");
}

#[tokio::test]
async fn a_policy_alone_forwards_next_to_nothing() {
    let setup = setup(|config| by_policies(config, CACHING_DISABLED, None)).await;
    let asked = setup.ask("/p?q=1").await;
    assert_eq!(asked.uri, "/p");
    assert_eq!(asked.headers["user-agent"], "Amazon CloudFront");
    assert!(!asked.headers.contains_key("x-custom") && !asked.headers.contains_key("cookie"));
}

#[tokio::test]
async fn origin_path_and_custom_headers_are_added() {
    use aws_sdk_cloudfront::types::{CustomHeaders, OriginCustomHeader};
    let header = OriginCustomHeader::builder()
        .header_name("X-Secret")
        .header_value("s")
        .build()
        .unwrap();
    let setup = setup(|config| {
        let origin = &mut config.origins.as_mut().unwrap().items[0];
        origin.origin_path = Some("/v1".to_owned());
        origin.custom_headers = Some(CustomHeaders::builder().quantity(1).items(header).build().unwrap());
    });
    let asked = setup.await.ask("/p").await;
    assert_eq!(asked.uri, "/v1/p");
    assert_eq!(asked.headers["x-secret"], "s");
}

#[tokio::test]
async fn bodies_are_forwarded() {
    let setup = setup(|config| default_behaviour(config).allowed_methods = Some(all_methods())).await;
    let asked = asked(&setup.world.post(&setup.host, "/", "hello").await);
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("POST", "hello"));
}

/// An https origin with a certificate for `name`; returns the viewer's status.
async fn https_status(name: &str, headers: &[&str], trusted: bool) -> u16 {
    let ca = Ca::new("Origin Root");
    let origin = Origin::start_tls("app", &ca.leaf(&[name])).await;
    let path = std::env::temp_dir().join(format!("aws-sim-origin-roots-{}.pem", aws_sim::ids::token(16)));
    std::fs::write(&path, if trusted { ca.pem() } else { Ca::new("Other").pem() }).unwrap();
    let (address, roots) = (origin.address, path.clone());
    let world = world_with(|settings| {
        settings.origin_default = Some(address);
        settings.origin_roots = vec![roots];
    })
    .await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let mut config = crate::support::configs::with_certificate("one", &["www.example.com"], &certificate);
    config.origins.as_mut().unwrap().items[0]
        .custom_origin_config
        .as_mut()
        .unwrap()
        .origin_protocol_policy = OriginProtocolPolicy::HttpsOnly;
    default_behaviour(&mut config).forwarded_values = Some(forwarded(headers));
    world.create(config).await;
    let status = world.get("www.example.com", "/").await.status().as_u16();
    let _ = std::fs::remove_file(path);
    status
}

#[tokio::test]
async fn an_https_origin_must_have_a_certificate_for_its_name() {
    assert_eq!(https_status("origin.example.org", &[], true).await, 200);
    assert_eq!(https_status("other.example.org", &[], true).await, 502);
    assert_eq!(https_status("origin.example.org", &[], false).await, 502);
}

#[tokio::test]
async fn or_for_host_when_host_is_forwarded() {
    assert_eq!(https_status("www.example.com", &["Host"], true).await, 200);
    assert_eq!(https_status("www.example.com", &[], true).await, 502);
    assert_eq!(https_status("unrelated.example.com", &["Host"], true).await, 502);
}

#[tokio::test]
async fn match_viewer_asks_the_origin_by_the_viewers_protocol() {
    let ca = Ca::new("Origin Root");
    let (plain, secure) = (
        Origin::start("plain").await,
        Origin::start_tls("secure", &ca.leaf(&["origin.example.org"])).await,
    );
    let path = std::env::temp_dir().join(format!("aws-sim-origin-roots-{}.pem", aws_sim::ids::token(16)));
    std::fs::write(&path, ca.pem()).unwrap();
    let map = [
        format!("origin.example.org:80={}", plain.address),
        format!("origin.example.org:443={}", secure.address),
    ];
    let roots = path.clone();
    let world = world_with(|settings| {
        settings.origin_map = map.iter().map(|one| one.parse().unwrap()).collect();
        settings.origin_roots = vec![roots];
    })
    .await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let mut config = crate::support::configs::with_certificate("one", &["www.example.com"], &certificate);
    by_policies(&mut config, CACHING_DISABLED, None);
    let origin = &mut config.origins.as_mut().unwrap().items[0];
    origin.custom_origin_config.as_mut().unwrap().origin_protocol_policy = OriginProtocolPolicy::MatchViewer;
    world.create(config).await;
    assert_eq!(asked(&world.get("www.example.com", "/").await).origin, "plain");
    assert_eq!(
        asked(&world.get_https("www.example.com", "/").await.unwrap()).origin,
        "secure"
    );
    let _ = std::fs::remove_file(path);
}

#[tokio::test]
async fn an_origin_that_does_not_answer_in_time_is_504() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let world = world_with(|settings| settings.origin_default = Some(address)).await;
    let mut config = minimal("one");
    let origin = &mut config.origins.as_mut().unwrap().items[0];
    origin.custom_origin_config.as_mut().unwrap().origin_read_timeout = Some(1);
    let (made, _) = world.create(config).await;
    assert_eq!(world.get(&made.domain_name, "/").await.status(), 504);
}
