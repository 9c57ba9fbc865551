use serde_json::Map;

use super::*;

/// The catalog of docs/catalog.example.json, whose second plan has a version.
pub(crate) fn two_plans() -> Offering {
    let example = include_str!("../../../../docs/catalog.example.json");
    let mut offering = file::offering(&crate::operator_file::parse(example).unwrap()).unwrap();
    offering.plans[1].maintenance_info = Some(maintenance::MaintenanceInfo {
        version: "1.2.0".into(),
        description: None,
    });
    offering
}

fn body(service: Value, plan: Value) -> crate::body::Body {
    let mut body = Map::new();
    body.insert("service_id".into(), service);
    body.insert("plan_id".into(), plan);
    crate::body::Body(body)
}

#[test]
fn a_request_names_one_of_the_plans() {
    let offering = two_plans();
    for plan in &offering.plans {
        let body = body(json!(offering.id), json!(plan.id));
        assert_eq!(offering.chosen(&body).unwrap().name, plan.name);
    }
    for (service, plan, says) in [
        (
            json!("other"),
            json!(offering.plans[0].id),
            "service_id: \"other\" is not in the catalog",
        ),
        (
            json!(offering.id),
            json!("other"),
            "plan_id: \"other\" is not in the catalog; known are",
        ),
        (json!(offering.id), json!(null), "plan_id is missing"),
        (json!(null), json!(offering.plans[0].id), "service_id is missing"),
    ] {
        let error = format!("{:?}", offering.chosen(&body(service, plan)).unwrap_err());
        assert!(error.contains(&says.replace('"', "\\\"")), "{error}");
    }
}

#[test]
fn a_plan_says_itself_whether_it_may_be_left_or_its_service_does() {
    let mut offering = two_plans();
    offering.plan_updateable = true;
    offering.plans[0].plan_updateable = Some(false);
    offering.plans[1].plan_updateable = None;
    let of = |plan: &Plan| served_plan(&offering, plan, &Value::Null)["plan_updateable"].clone();
    assert_eq!(
        (of(&offering.plans[0]), of(&offering.plans[1])),
        (json!(false), json!(true))
    );
}
