use serde_json::json;

use super::*;
use operator_file::parse;

const EXAMPLE: &str = include_str!("../../../../../docs/catalog.example.json");

#[test]
fn the_example_in_the_documentation_is_a_catalog() {
    let offering = offering(&parse(EXAMPLE).unwrap()).unwrap();
    let names: Vec<&str> = offering.plans.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!(
        (offering.name.as_str(), names),
        ("cdn-route", vec!["cdn", "cdn-global"])
    );
    let [cdn, global] = offering.plans.as_slice() else {
        panic!("two plans")
    };
    assert_eq!(cdn.settings.price_class, Some(PriceClass::Class100));
    assert_eq!(global.settings.price_class, Some(PriceClass::All));
    assert_eq!(cdn.maximum_polling_duration, MAXIMUM_POLLING_SECONDS);
    assert_eq!((cdn.free, global.free), (true, false));
}

fn least() -> Value {
    json!({"services": [{
        "id": "s", "name": "cdn-route", "description": "A CDN",
        "plans": [
            {"id": "p1", "name": "small", "description": "Small"},
            {"id": "p2", "name": "large", "description": "Large"},
        ],
    }]})
}

#[test]
fn the_least_is_enough_and_null_counts_as_left_out() {
    let least = offering(&least()).unwrap();
    assert!(least.tags.is_empty() && !least.plan_updateable && least.plans[0].free);
    let mut nulls = self::least();
    nulls["services"][0]["tags"] = json!(null);
    nulls["services"][0]["plans"][0]["maintenance_info"] = json!(null);
    assert_eq!(offering(&nulls).unwrap(), least);
}

#[test]
fn what_the_broker_decides_may_be_written_as_it_is() {
    let mut file = least();
    for (key, is) in [
        ("bindable", false),
        ("instances_retrievable", true),
        ("allow_context_updates", false),
    ] {
        file["services"][0][key] = json!(is);
    }
    file["services"][0]["requires"] = json!([]);
    assert!(offering(&file).is_ok());
}

/// Each: the location (a JSON pointer into [`least`]), the value put there, and the one-line error.
#[test]
fn every_fault_is_named_by_its_path() {
    let long = "x".repeat(256);
    let service = "/services/0/";
    let first = "/services/0/plans/0/";
    let second = "/services/0/plans/1/";
    let cost = |cost: Value| json!({"costs": [cost]});
    for (base, key, value, says) in [
        ("/", "services", json!({}), "services: an object is not a list"),
        (
            "/",
            "services",
            json!([]),
            "services: 0 are there; this broker has one service",
        ),
        ("/", "services", json!([{}, {}]), "services: 2 are there"),
        ("/", "services", json!(["x"]), "services[0]: a string is not an object"),
        (
            "/",
            "service",
            json!([]),
            "the file: there is no key \"service\"; did you mean \"services\"?",
        ),
        (
            service,
            "plan_updatable",
            json!(true),
            "services[0]: there is no key \"plan_updatable\"; did you mean \"plan_updateable\"?",
        ),
        (
            service,
            "dashboard_client",
            json!({}),
            "services[0]: there is no key \"dashboard_client\"; known are id, name",
        ),
        (
            service,
            "name",
            json!("my cdn"),
            "services[0].name: \"my cdn\" is not easy to type",
        ),
        (
            service,
            "name",
            json!("-cdn"),
            "services[0].name: \"-cdn\" is not easy to type",
        ),
        (service, "name", json!(""), "services[0].name: it is empty"),
        (service, "name", json!(5), "services[0].name: a number is not a string"),
        (service, "name", json!(null), "services[0].name: it is missing"),
        (
            service,
            "id",
            json!("a/b"),
            "services[0].id: \"a/b\" has other characters",
        ),
        (
            service,
            "description",
            json!(long),
            "services[0].description: it has 256 characters; at most 255",
        ),
        (
            service,
            "description",
            json!("a\tb"),
            "services[0].description: it has a control character",
        ),
        (
            service,
            "bindable",
            json!(true),
            "services[0].bindable: it is always false",
        ),
        (
            service,
            "instances_retrievable",
            json!(false),
            "services[0].instances_retrievable: it is always true",
        ),
        (
            service,
            "requires",
            json!(["route_forwarding"]),
            "services[0].requires: this broker needs no permission",
        ),
        (
            service,
            "tags",
            json!(["cdn", 5]),
            "services[0].tags[1]: a number is not a string",
        ),
        (
            service,
            "tags",
            json!(vec!["x".repeat(205); 10]),
            "services[0].tags: they have 2050 characters together",
        ),
        (service, "plans", json!([]), "services[0].plans: there is no plan"),
        (
            service,
            "metadata",
            json!([]),
            "services[0].metadata: a list is not an object",
        ),
        (
            service,
            "metadata",
            json!({"displayname": "x"}),
            "services[0].metadata.displayname: it is spelt \"displayName\"",
        ),
        (
            service,
            "metadata",
            json!({"imageUrl": "cat.gif"}),
            "services[0].metadata.imageUrl: it begins with none of https://",
        ),
        (
            service,
            "metadata",
            json!({"shareable": "yes"}),
            "services[0].metadata.shareable: a string is neither true nor false",
        ),
        (
            first,
            "schemas",
            json!({}),
            "services[0].plans[0].schemas: the broker makes them itself",
        ),
        (
            first,
            "bindable",
            json!(true),
            "services[0].plans[0].bindable: it is always false",
        ),
        (
            first,
            "free",
            json!("no"),
            "services[0].plans[0].free: a string is neither true nor false",
        ),
        (
            first,
            "id",
            json!("s"),
            "services[0].plans[0].id: \"s\" is the service's id as well",
        ),
        (
            second,
            "id",
            json!("p1"),
            "services[0].plans[1].id: \"p1\" is the id of services[0].plans[0].id as well",
        ),
        (
            second,
            "name",
            json!("small"),
            "services[0].plans[1].name: \"small\" is the name of services[0].plans[0].name",
        ),
        (
            second,
            "maximum_polling_duration",
            json!(59),
            "services[0].plans[1].maximum_polling_duration: whole seconds from 60",
        ),
        (
            second,
            "maximum_polling_duration",
            json!(3600.5),
            "maximum_polling_duration: whole seconds from 60",
        ),
        (
            second,
            "maximum_polling_duration",
            json!("1d"),
            "maximum_polling_duration: whole seconds from 60",
        ),
        (
            second,
            "maintenance_info",
            json!({}),
            "services[0].plans[1].maintenance_info.version: it is missing",
        ),
        (
            second,
            "maintenance_info",
            json!({"version": "1.2"}),
            "maintenance_info.version: \"1.2\" is not a semantic version",
        ),
        (
            second,
            "maintenance_info",
            json!({"version": "1.2.0", "public": true}),
            "services[0].plans[1].maintenance_info: there is no key \"public\"",
        ),
        (
            second,
            "settings",
            json!({"price_clas": "x"}),
            "services[0].plans[1].settings: there is no key \"price_clas\"; did you mean \"price_class\"?",
        ),
        (
            second,
            "settings",
            json!({"price_class": "100"}),
            "services[0].plans[1].settings.price_class: \"100\" is none of PriceClass_100, PriceClass_200",
        ),
        (
            second,
            "settings",
            json!({"certificate_key_type": "rsa"}),
            "services[0].plans[1].settings.certificate_key_type: \"rsa\" is none of ecdsa-p256, rsa-2048",
        ),
        (
            second,
            "settings",
            json!({"access_logs": {"bucket": "cdn-logs"}}),
            "services[0].plans[1].settings.access_logs.bucket: \"cdn-logs\" is not the domain name of an S3 bucket; write it as \
             cdn-logs.s3.amazonaws.com",
        ),
        (
            second,
            "metadata",
            json!({"bullet": []}),
            "services[0].plans[1].metadata.bullet: it is spelt \"bullets\"",
        ),
        (
            second,
            "metadata",
            json!({"bullets": ["a", ""]}),
            "services[0].plans[1].metadata.bullets[1]: it is empty",
        ),
        (
            second,
            "metadata",
            cost(json!({"unit": "MONTHLY"})),
            "metadata.costs[0].amount: it is missing",
        ),
        (
            second,
            "metadata",
            cost(json!({"amount": {}, "unit": "MONTHLY"})),
            "metadata.costs[0].amount: it names no currency",
        ),
        (
            second,
            "metadata",
            cost(json!({"amount": {"usd": -1}, "unit": "x"})),
            "metadata.costs[0].amount.usd: it is below zero",
        ),
        (
            second,
            "metadata",
            cost(json!({"amount": {"usd": "9"}, "unit": "x"})),
            "metadata.costs[0].amount.usd: a string is not a number",
        ),
        (
            second,
            "metadata",
            cost(json!({"amount": {"dollars": 9}, "unit": "x"})),
            "metadata.costs[0].amount.dollars: a currency has three letters",
        ),
        (
            second,
            "metadata",
            cost(json!({"amount": {"usd": 9}})),
            "metadata.costs[0].unit: it is missing",
        ),
    ] {
        let mut file = least();
        file.pointer_mut(base.trim_end_matches('/')).unwrap()[key] = value.clone();
        let error = offering(&file).unwrap_err();
        assert!(error.contains(says), "{base}{key} = {value}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn other_metadata_is_passed_on() {
    let mut file = least();
    file["services"][0]["metadata"] = json!({"displayName": "CDN", "org.example/owner": {"team": ["edge"]}});
    let offering = offering(&file).unwrap();
    assert_eq!(offering.metadata["org.example/owner"], json!({"team": ["edge"]}));
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    assert_eq!("".parse::<CatalogFile>().unwrap(), CatalogFile(None));
    assert!(
        "/nowhere/at/all"
            .parse::<CatalogFile>()
            .unwrap_err()
            .contains("No such file")
    );
}
