//! The service and the plan that a request names.

use parameters::shown;

use crate::catalog::offering::{Offering, Plan};
use crate::osbapi::error::OsbError;

impl Offering {
    /// The plan with that id.
    pub(crate) fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// The plan that a request names by `service_id` and `plan_id`, both of which are required.
    pub(crate) fn chosen(&self, service: Option<&str>, plan: Option<&str>) -> Result<&Plan, OsbError> {
        self.check_service(service)?;
        self.known(plan.ok_or_else(|| OsbError::bad_request("plan_id is missing."))?)
    }

    /// Checks that the request names this service.
    pub(crate) fn check_service(&self, service: Option<&str>) -> Result<(), OsbError> {
        let service = service.ok_or_else(|| OsbError::bad_request("service_id is missing."))?;
        if service != self.id {
            return Err(OsbError::bad_request(format!(
                "service_id: {} is not in the catalog; the only one is {}.",
                shown(service),
                self.id
            )));
        }
        Ok(())
    }

    /// The plan with that id, which must exist.
    pub(crate) fn known(&self, plan: &str) -> Result<&Plan, OsbError> {
        self.plan(plan).ok_or_else(|| {
            let known: Vec<String> = self
                .plans
                .iter()
                .map(|plan| format!("{} ({})", plan.id, plan.name))
                .collect();
            OsbError::bad_request(format!(
                "plan_id: {} is not in the catalog; known are {}.",
                shown(plan),
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::tests::two_plans;

    #[test]
    fn a_request_names_one_of_the_plans() {
        let offering = two_plans();
        for plan in &offering.plans {
            let chosen = offering.chosen(Some(&offering.id), Some(&plan.id));
            assert_eq!(chosen.unwrap().name, plan.name);
        }
        let (id, first) = (offering.id.as_str(), offering.plans[0].id.as_str());
        for (service, plan, says) in [
            (
                Some("other"),
                Some(first),
                "service_id: \"other\" is not in the catalog",
            ),
            (
                Some(id),
                Some("other"),
                "plan_id: \"other\" is not in the catalog; known are",
            ),
            (Some(id), None, "plan_id is missing"),
            (None, Some(first), "service_id is missing"),
        ] {
            let error = format!("{:?}", offering.chosen(service, plan).unwrap_err());
            assert!(error.contains(&says.replace('"', "\\\"")), "{error}");
        }
    }
}
