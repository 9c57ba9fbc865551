use pipeline::instance::PriceClass;
use pipeline::{AccessLogs, InstanceSettings};

use super::*;
use crate::catalog::offering::{Offering, PlanSettings};

/// The catalog of docs/catalog.example.json, whose second plan has a version.
pub(crate) fn two_plans() -> Offering {
    let example = include_str!("../../../../docs/catalog.example.json");
    let mut offering = file::offering(&operator_file::parse(example).unwrap()).unwrap();
    offering.plans[1].maintenance_info = Some(offering::MaintenanceInfo {
        version: "1.2.0".into(),
        description: None,
    });
    offering
}

#[test]
fn a_plan_says_itself_whether_it_may_be_left_or_its_service_does() {
    let mut offering = two_plans();
    offering.plan_updateable = true;
    offering.plans[0].plan_updateable = Some(false);
    offering.plans[1].plan_updateable = None;
    let served = served::served(&offering, None, false);
    let updateable: Vec<bool> = served.services[0]
        .plans
        .iter()
        .map(|plan| plan.plan_updateable)
        .collect();
    assert_eq!(updateable, [false, true]);
}

#[test]
fn who_can_be_told_is_asked_for_only_where_somebody_can_be() {
    for has_notices in [false, true] {
        let schemas = served::served(&two_plans(), None, has_notices).schemas;
        for input in [schemas.create, schemas.update] {
            let notify = &input.parameters["properties"]["notify"];
            assert_eq!(notify.is_object(), has_notices);
        }
    }
}

#[test]
fn access_logs_are_the_plans_alone_and_price_classes_the_users_first() {
    let mut plan = two_plans().plans.remove(0);
    let logs = AccessLogs {
        bucket: "cdn-logs.s3.amazonaws.com".into(),
        prefix: String::new(),
        include_cookies: false,
    };
    plan.settings = PlanSettings {
        price_class: Some(PriceClass::All),
        access_logs: Some(logs.clone()),
        certificate_key_type: None,
        certificate_authorities: Vec::new(),
    };
    let own = InstanceSettings {
        price_class: Some(PriceClass::Class100),
        ..InstanceSettings::default()
    };
    let settings = plan.complete(own.clone());
    assert_eq!(
        (settings.price_class, settings.access_logs),
        (own.price_class, Some(logs.clone()))
    );
    // Like an instance that was created before the plan changed.
    plan.settings.access_logs = None;
    let with_logs = InstanceSettings {
        access_logs: Some(logs),
        ..own
    };
    assert_eq!(plan.complete(with_logs).access_logs, None);
}
