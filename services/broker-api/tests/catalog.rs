//! The catalog, the platforms and the fields of a request that depend on them, over HTTP but without a database: a
//! request that passes every check ends in 503.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker_api::settings::Settings;
use broker_api::{Broker, app};
use clap::Parser as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use messaging::Messaging;
use serde_json::{Value, json};
use store::Store;

const SERVICE: &str = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01";
const PLAN: &str = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02";
const GLOBAL: &str = "3d5f0f6e-52c1-4a53-9b54-0b7f6a8f3c03";
const BINDING: &str = "/v2/service_instances/i1/service_bindings/b1";

/// A broker whose database and RabbitMQ are unavailable.
struct Api {
    app: Router,
    login: String,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

fn example() -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../docs/catalog.example.json"]
        .iter()
        .collect();
    path.display().to_string()
}

fn settings(folder: &Path, more: &[String]) -> Result<Settings, clap::Error> {
    // Secrets come from files, since a test must not change its own environment.
    let secret = |flag: &str, value: &str| {
        let path = folder.join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}-file={}", path.display())
    };
    let mut line = vec![
        "broker-api".to_string(),
        "--acme-responder-url=http://broker.example.com".into(),
        "--default-origin=router.example.net".into(),
        secret("database-url", "postgres://nobody@127.0.0.1:1/none"),
        "--database-timeout=500ms".into(),
        secret("amqp-url", "amqp://127.0.0.1:1"),
    ];
    line.extend_from_slice(more);
    Settings::try_parse_from(line)
}

/// With one platform, `u` and `p`.
fn single(folder: &Path, more: &[String]) -> Settings {
    std::fs::write(folder.join("p"), "p").unwrap();
    let mut all = vec![
        "--broker-username=u".to_string(),
        format!("--broker-password-file={}", folder.join("p").display()),
    ];
    all.extend_from_slice(more);
    settings(folder, &all).unwrap()
}

impl Api {
    fn of(settings: Settings) -> Self {
        settings.check().unwrap();
        let store = Store::new(&settings.database, "test").unwrap();
        let messaging = Arc::new(Messaging::new(settings.amqp, "test"));
        let broker = Broker::new(store, messaging, settings.schedules, &settings.broker);
        Self {
            app: app(broker),
            login: "u:p".into(),
        }
    }

    /// With docs/catalog.example.json.
    fn with_example() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::of(single(folder.path(), &[format!("--catalog-file={}", example())]))
    }

    fn of_platform(&self, login: &str) -> Self {
        Self {
            app: self.app.clone(),
            login: login.into(),
        }
    }

    async fn send(&self, line: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Basic {}", STANDARD.encode(&self.login)))
            .header("x-broker-api-version", "2.17");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = TowerToHyperService::new(self.app.clone()).call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap(),
        }
    }

    async fn catalog(&self) -> Value {
        let answer = self.send("GET /v2/catalog", &[], Value::Null).await;
        assert_eq!(answer.status, 200);
        answer.body
    }

    async fn provision(&self, plan: &str, more: Value) -> Answer {
        let mut body = json!({
            "service_id": SERVICE, "plan_id": plan, "parameters": {"domains": ["www.example.com"]},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send("PUT /v2/service_instances/i1?accepts_incomplete=true", &[], body)
            .await
    }
}

#[tokio::test]
async fn the_catalog_is_as_the_specification_has_it() {
    let folder = tempfile::tempdir().unwrap();
    for (api, plans) in [(Api::of(single(folder.path(), &[])), 1), (Api::with_example(), 2)] {
        let catalog = api.catalog().await;
        let faults: Vec<String> = jsonschema::validator_for(&schema::catalog())
            .unwrap()
            .iter_errors(&catalog)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert_eq!(faults, [] as [String; 0]);
        assert_eq!(catalog["services"][0]["plans"].as_array().unwrap().len(), plans);
    }
}

#[tokio::test]
async fn the_file_is_served_without_what_is_the_operators_own() {
    let catalog = Api::with_example().catalog().await;
    let service = &catalog["services"][0];
    assert_eq!(service["metadata"]["supportUrl"], "https://support.example.com/");
    assert_eq!(
        (&service["allow_context_updates"], &service["bindings_retrievable"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        (&service["bindable"], &service["instances_retrievable"]),
        (&json!(false), &json!(true))
    );
    let [cdn, global] = service["plans"].as_array().unwrap().as_slice() else {
        panic!("two plans: {catalog}")
    };
    assert_eq!(
        (&cdn["id"], &cdn["free"], &cdn["maximum_polling_duration"]),
        (&json!(PLAN), &json!(true), &json!(691_200))
    );
    assert_eq!((&global["id"], &global["free"]), (&json!(GLOBAL), &json!(false)));
    assert_eq!(
        global["maintenance_info"],
        json!({"version": "1.0.0", "description": "First version."})
    );
    assert_eq!(
        global["metadata"]["costs"],
        json!([{"amount": {"usd": 9.0}, "unit": "MONTHLY"}])
    );
    assert!(cdn.get("maintenance_info").is_none());
    for plan in [cdn, global] {
        let origin = &plan["schemas"]["service_instance"]["create"]["parameters"]["properties"]["origin"];
        assert_eq!(origin["default"], "router.example.net");
        assert!(plan.get("settings").is_none(), "{plan}");
    }
}

#[tokio::test]
async fn every_plan_of_the_file_can_be_asked_for_and_no_other() {
    let api = Api::with_example();
    for plan in [PLAN, GLOBAL] {
        assert_eq!(api.provision(plan, json!({})).await.status, 503, "up to the database");
    }
    let answer = api.provision("other", json!({})).await;
    assert_eq!(answer.status, 400);
    let description = answer.body["description"].as_str().unwrap();
    assert!(
        description.contains(&format!("known are {PLAN} (cdn), {GLOBAL} (cdn-global)")),
        "{description}"
    );
}

#[tokio::test]
async fn another_version_of_the_plan_is_a_conflict() {
    let api = Api::with_example();
    let version = |version: &str| json!({"maintenance_info": {"version": version}});
    assert_eq!(
        api.provision(GLOBAL, version("1.0.0")).await.status,
        503,
        "up to the database"
    );
    for (plan, says) in [
        (GLOBAL, "plan cdn-global is at 1.0.0"),
        (PLAN, "plan cdn has no versions"),
    ] {
        let answer = api.provision(plan, version("0.9.0")).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (422, &json!("MaintenanceInfoConflict"))
        );
        assert!(
            answer.body["description"].as_str().unwrap().contains(says),
            "{}",
            answer.body
        );
    }
    assert_eq!(api.provision(GLOBAL, json!({"maintenance_info": 1})).await.status, 400);
}

#[test]
fn a_wrong_catalog_keeps_the_broker_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.json");
    let mut catalog: Value = serde_json::from_str(&std::fs::read_to_string(example()).unwrap()).unwrap();
    catalog["services"][0]["plans"][1]["name"] = json!("cdn");
    std::fs::write(&file, catalog.to_string()).unwrap();
    let error = settings(folder.path(), &[format!("--catalog-file={}", file.display())])
        .unwrap_err()
        .to_string();
    let first = error.lines().next().unwrap();
    assert!(
        first.contains("services[0].plans[1].name: \"cdn\" is the name of"),
        "{error}"
    );
}

const PLATFORMS: &str = r#"{"platforms": [
    {"name": "cf-eu", "username": "cf", "password": "hunter2", "previous": [{"password": "hunter1"}]},
    {"name": "cf-us", "username": "cf", "password": "hunter3"}
]}"#;

fn several(folder: &Path, more: &[String]) -> Settings {
    let file = folder.join("credentials.json");
    std::fs::write(&file, PLATFORMS).unwrap();
    let mut all = vec![format!("--broker-credentials-file={}", file.display())];
    all.extend_from_slice(more);
    settings(folder, &all).unwrap()
}

#[tokio::test]
async fn each_platform_has_its_own_password() {
    let folder = tempfile::tempdir().unwrap();
    let settings = several(folder.path(), &[]);
    assert!(!format!("{settings:?}").contains("hunter"));
    let api = Api::of(settings);
    for (login, status) in [
        ("cf:hunter2", 200),
        ("cf:hunter1", 200),
        ("cf:hunter3", 200),
        ("cf:hunter4", 401),
        ("cf-eu:hunter2", 401),
        ("cf:", 401),
        (":", 401),
    ] {
        let answer = api.of_platform(login).send("GET /v2/catalog", &[], Value::Null).await;
        assert_eq!(answer.status, status, "{login}");
    }
}

#[test]
fn the_file_and_single_settings_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |settings: Settings| settings.check().unwrap_err().to_string();
    let both = several(folder.path(), &["--broker-username=u".into()]);
    assert!(refused(both).contains("BROKER_USERNAME and BROKER_CREDENTIALS_FILE are both set"));
    assert!(refused(settings(folder.path(), &[]).unwrap()).contains("set BROKER_CREDENTIALS_FILE instead"));
    let no_password = settings(folder.path(), &["--broker-username=u".into()]).unwrap();
    assert!(refused(no_password).contains("neither BROKER_PASSWORD nor BROKER_PASSWORD_FILE is set"));
}

#[tokio::test]
async fn odd_identities_never_break_a_request() {
    let api = Api::with_example();
    let body = json!({"service_id": SERVICE, "plan_id": PLAN, "parameters": {"domains": ["www.example.com"]}});
    let long = "x".repeat(20_000);
    let deep = format!("cf {}", STANDARD.encode("[".repeat(10_000)));
    let nul = format!("cf {}", STANDARD.encode(r#"{"user_id": "\u0000"}"#));
    for odd in ["", "cloudfoundry", "cf %%%", "\u{fc}", &long, &deep, &nul] {
        let headers = [
            ("x-broker-api-originating-identity", odd),
            ("x-broker-api-request-identity", odd),
        ];
        for (line, body) in [
            ("PUT /v2/service_instances/i1?accepts_incomplete=true", body.clone()),
            (
                "DELETE /v2/service_instances/i1?accepts_incomplete=true&service_id=s&plan_id=p",
                Value::Null,
            ),
        ] {
            let answer = api.send(line, &headers, body).await;
            assert_eq!(answer.status, 503, "up to the database: {line} {odd:.40}");
            let echoed = answer.headers.get("x-broker-api-request-identity").unwrap();
            assert_eq!(echoed.as_bytes(), odd.as_bytes());
        }
    }
}

#[tokio::test]
async fn bindings_that_never_existed_are_answered_as_such() {
    let api = Api::with_example();
    let query = "?accepts_incomplete=true&service_id=s&plan_id=p";
    for (line, status, says) in [
        (format!("PUT {BINDING}?accepts_incomplete=true"), 400, "not bindable"),
        (format!("GET {BINDING}"), 404, "no such service binding"),
        (
            format!("GET {BINDING}/last_operation?operation=x"),
            404,
            "no such service binding",
        ),
        (format!("DELETE {BINDING}{query}"), 410, ""),
        (format!("DELETE {BINDING}"), 400, "service_id is missing"),
        (format!("PATCH {BINDING}"), 405, "PATCH"),
    ] {
        let answer = api.send(&line, &[], json!({})).await;
        assert_eq!(answer.status, status, "{line}");
        match says {
            "" => assert_eq!(answer.body, json!({}), "{line}"),
            words => assert!(
                answer.body["description"].as_str().unwrap().contains(words),
                "{line}: {}",
                answer.body
            ),
        }
    }
}

#[tokio::test]
async fn the_openapi_document_is_of_this_catalog_and_for_those_with_credentials() {
    let api = Api::with_example();
    let answer = api.send("GET /openapi.json", &[], Value::Null).await;
    assert_eq!(answer.status, 200);
    let document = answer.body;
    assert_eq!(
        (&document["openapi"], &document["servers"]),
        (&json!("3.1.0"), &json!([{"url": "/v2"}]))
    );
    for (path, methods) in [
        ("/catalog", &["get"][..]),
        ("/service_instances/{id}", &["get", "put", "patch", "delete"]),
        ("/service_instances/{id}/last_operation", &["get"]),
        (
            "/service_instances/{id}/service_bindings/{binding}",
            &["get", "put", "delete"],
        ),
        (
            "/service_instances/{id}/service_bindings/{binding}/last_operation",
            &["get"],
        ),
    ] {
        for method in methods {
            let operation = &document["paths"][path][method];
            for status in ["400", "401", "412", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} {status}");
            }
        }
    }
    let catalog = api.catalog().await;
    let request = &document["components"]["schemas"]["ProvisionRequest"]["properties"];
    assert_eq!(request["service_id"]["enum"], json!([SERVICE]));
    assert_eq!(request["plan_id"]["enum"], json!([PLAN, GLOBAL]));
    let schema = &catalog["services"][0]["plans"][0]["schemas"]["service_instance"]["create"]["parameters"];
    assert_eq!(&request["parameters"], schema);
    let validator = jsonschema::validator_for(&json!({
        "$ref": "#/components/schemas/Catalog", "components": document["components"],
    }));
    assert!(validator.unwrap().is_valid(&catalog));
    let schemas = &document["components"]["schemas"];
    for (answer, has_link) in [
        ("Started", true),
        ("Unchanged", true),
        ("Fetched", true),
        ("Accepted", false),
    ] {
        let schema = &schemas[answer];
        assert!(schema["properties"].is_object(), "{answer}");
        assert_eq!(schema["properties"]["dashboard_url"].is_object(), has_link, "{schema}");
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        assert!(!required.contains(&json!("dashboard_url")), "{schema}");
    }
    let stranger = api
        .of_platform("u:wrong")
        .send("GET /openapi.json", &[], Value::Null)
        .await;
    assert_eq!(stranger.status, 401);
}
