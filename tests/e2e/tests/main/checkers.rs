//! What OSBAPI's own checker sends (openservicebrokerapi/osb-checker e6d47cb, `test/common`, by its client for Go), and what it wants to have
//! answered. The client writes each member that its model has: an empty text for what is missing, `"maintenance_info": {}` everywhere, an empty
//! header. The checker itself stays outside the tree.

use customer::platform::{PLAN_ID, SERVICE_ID, answer};
use customer::{Answer, status};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Instance, PATIENCE, World, domain, organization, until, world};

/// A provision in full.
fn provision(organization: &str, name: &str) -> Value {
    json!({
        "service_id": SERVICE_ID, "plan_id": PLAN_ID, "organization_guid": organization, "space_guid": "space-guid-here",
        "context": {"platform": "cloudfoundry", "organization_guid": organization},
        "parameters": {"domains": [name]}, "maintenance_info": {},
    })
}

fn update(parameters: &Value) -> Value {
    json!({
        "service_id": SERVICE_ID, "parameters": parameters, "previous_values": {"maintenance_info": {}}, "maintenance_info": {},
    })
}

/// The body with a member that is another.
fn with(body: &Value, member: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[member] = value;
    body
}

/// Who sends it, by what version; `None`: without the header at all.
struct Sent<'w> {
    world: &'w World,
    id: &'w str,
    credentials: bool,
    version: Option<&'w str>,
}

impl Sent<'_> {
    async fn send(&self, method: Method, rest: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let platform = &self.world.platform;
        let mut request = platform.bare(method, &format!("/v2/service_instances/{}{rest}", self.id));
        if self.credentials {
            let (user, password) = platform.credentials();
            request = request.basic_auth(user, Some(password));
        }
        if let Some(version) = self.version {
            request = request.header("X-Broker-API-Version", version);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }

    /// The request, written as a method and what follows the instance's address.
    async fn ask(&self, request: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let (method, rest) = asks(request);
        self.send(method, &rest, body).await
    }
}

const PUT: &str = "PUT ?accepts_incomplete=true";
const PATCH: &str = "PATCH ?accepts_incomplete=true";

fn asks(method: &str) -> (Method, String) {
    let (method, rest) = method.split_once(' ').unwrap_or((method, ""));
    let rest = rest.replace("IDS", &format!("service_id={SERVICE_ID}&plan_id={PLAN_ID}"));
    (method.parse().expect("a method"), rest)
}

#[tokio::test]
async fn what_the_specifications_checker_sends_is_answered_as_it_wants() -> anyhow::Result<()> {
    let world = world().await;
    let (organization, name) = (organization(), domain("checked"));
    let instance = Instance {
        id: Uuid::new_v4().to_string(),
        domains: vec![name.clone()],
    };
    let sent = |credentials: bool, version: Option<&'static str>| Sent {
        world,
        id: &instance.id,
        credentials,
        version,
    };
    let good = provision(&organization, &name);
    let change = update(&json!({"path": "/checked"}));
    let empty = json!({
        "service_id": "", "plan_id": "", "organization_guid": "", "space_guid": "", "maintenance_info": {},
    });

    // Every address: an empty version is none that is spoken, a missing one need not be served, nobody is 401.
    for (request, body) in [
        (PUT, Some(&empty)),
        (PATCH, Some(&change)),
        ("GET", None),
        ("GET /last_operation", None),
        ("DELETE ?accepts_incomplete=true&IDS", None),
    ] {
        let (method, rest) = asks(request);
        for (credentials, version, wanted) in [
            (true, Some(""), 412),
            (true, Some("1.0"), 412),
            (true, None, 400),
            (false, Some("2.17"), 401),
        ] {
            let answer = sent(credentials, version).send(method.clone(), &rest, body).await?;
            assert_eq!(answer.status, wanted, "{request} {version:?}: {}", answer.text);
        }
    }

    let checker = sent(true, Some("2.17"));
    refused_before_it_exists(&checker, &good, &change).await?;
    begun_once(&checker, &good).await?;

    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).expect("a set-once record");
    world
        .dns
        .set_txt(&format!("_validation-persist.{name}"), &value)
        .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(
        checker.ask(PUT, Some(&good)).await?.status,
        200,
        "it exists with identical properties"
    );
    for query in ["GET", "GET ?IDS", "GET ?service_id=&plan_id="] {
        assert_eq!(checker.ask(query, None).await?.status, 200, "{query}");
    }
    updated(&checker, &change).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;

    let deleted = checker.ask("DELETE ?accepts_incomplete=true&IDS", None).await?;
    assert_eq!(deleted.status, 202);
    until("the deletion is told", async || {
        let now = checker.ask("GET /last_operation?IDS", None).await?;
        Ok(now.state() == "succeeded")
    })
    .await
}

async fn refused_before_it_exists(checker: &Sent<'_>, good: &Value, change: &Value) -> anyhow::Result<()> {
    let send = async |request: &str, body: Option<&Value>| checker.ask(request, body).await;
    let refused: Vec<(&str, Option<Value>, u16)> = vec![
        ("PUT ?accepts_incomplete=false", Some(good.clone()), 422),
        ("PUT ", Some(good.clone()), 422),
        ("PUT ?accepts_incomplete=TRUE", Some(good.clone()), 422),
        (PUT, Some(with(good, "service_id", json!(""))), 400),
        (PUT, Some(with(good, "service_id", json!("xxxx-xxxx-xxxx-xxxx"))), 400),
        (PUT, Some(with(good, "plan_id", json!(""))), 400),
        (PUT, Some(with(good, "plan_id", json!("xxxx-xxxx-xxxx-xxxx"))), 400),
        (PUT, Some(with(good, "parameters", json!({"can-not": "be-good"}))), 400),
        (
            PUT,
            Some(with(good, "maintenance_info", json!({"version": "1.0.0"}))),
            422,
        ),
        (PUT, Some(with(good, "maintenance_info", json!({"version": 1}))), 400),
        (PUT, Some(with(good, "maintenance_info", json!("1.0.0"))), 400),
        (PUT, Some(with(good, "maintenance_info", json!([]))), 400),
        (PUT, Some(with(good, "context", json!("cloudfoundry"))), 400),
        (
            PUT,
            Some(with(good, "context", json!({"platform": ["cloudfoundry"]}))),
            400,
        ),
        (PUT, Some(with(good, "organization_guid", json!(5))), 400),
        (PUT, Some(with(good, "space_guid", json!({}))), 400),
        (PUT, Some(with(good, "parameters", json!(["domains"]))), 400),
        (PUT, Some(json!([])), 400),
        (PUT, None, 400),
        (PATCH, Some(change.clone()), 404),
        ("GET /last_operation", None, 404),
        ("GET", None, 404),
        ("DELETE ?accepts_incomplete=false&IDS", None, 422),
        ("DELETE ?accepts_incomplete=true&plan_id=p", None, 400),
        ("DELETE ?accepts_incomplete=true&service_id=s&plan_id=", None, 400),
        ("DELETE ?accepts_incomplete=true&IDS", None, 410),
    ];
    for (request, body, wanted) in &refused {
        let answer = send(request, body.as_ref()).await?;
        assert_eq!(answer.status, *wanted, "{request} {body:?}: {}", answer.text);
        assert!(answer.body.is_object(), "{request}: {}", answer.text);
    }
    Ok(())
}

/// A provision, and what asks for the same one again.
async fn begun_once(checker: &Sent<'_>, good: &Value) -> anyhow::Result<()> {
    let send = async |request: &str, body: Option<&Value>| checker.ask(request, body).await;
    let begun = send(PUT, Some(good)).await?;
    assert_eq!(begun.status, 202, "{}", begun.text);
    // Odd members that say nothing don't make it another request.
    for (member, value) in [
        ("maintenance_info", json!(null)),
        ("maintenance_info", json!({"version": null})),
        ("maintenance_info", json!({"description": "of tomorrow"})),
        ("organization_guid", json!("")),
        ("of_tomorrow", json!({"a": [1]})),
    ] {
        let again = send(PUT, Some(&with(good, member, value))).await?;
        assert_eq!(again.status, 202, "{member}: {}", again.text);
        assert_eq!(again.body["operation"], begun.body["operation"], "{member}");
    }
    let ask = |query: &str| format!("GET /last_operation{query}");
    for query in [
        "",
        "?operation=",
        "?operation=of-another",
        "?IDS",
        "?service_id=&plan_id=",
    ] {
        let answer = send(&ask(query), None).await?;
        assert_eq!(
            (answer.status, answer.state()),
            (200, "in progress"),
            "{query}: {}",
            answer.text
        );
        assert!(answer.header("retry-after").is_some(), "{query}");
    }
    Ok(())
}

async fn updated(checker: &Sent<'_>, change: &Value) -> anyhow::Result<()> {
    let send = async |request: &str, body: Option<&Value>| checker.ask(request, body).await;
    for (member, value, wanted) in [
        ("service_id", json!(""), 400),
        ("service_id", json!("xxxx-xxxx-xxxx-xxxx"), 400),
        ("plan_id", json!("xxxx-xxxx-xxxx-xxxx"), 400),
        ("parameters", json!({"can-not": "be-good"}), 400),
        ("maintenance_info", json!({"version": "1.0.0"}), 422),
        ("maintenance_info", json!("1.0.0"), 400),
    ] {
        let answer = send(PATCH, Some(&with(change, member, value))).await?;
        assert_eq!(answer.status, wanted, "{member}: {}", answer.text);
    }
    assert_eq!(send("PATCH ?accepts_incomplete=false", Some(change)).await?.status, 422);
    let unchanged = send(PATCH, Some(&update(&json!(null)))).await?;
    assert_eq!((unchanged.status, unchanged.beside_the_link()), (200, json!({})));
    assert_eq!(send(PATCH, Some(change)).await?.status, 202);
    Ok(())
}
