//! Catalog contents that work but may be unintended: logged at startup.

use std::time::Duration;

use uuid::Uuid;

use crate::catalog::offering::Offering;

impl Offering {
    /// One sentence for each. `deadline` is when the broker gives up on an operation.
    pub(crate) fn advice(&self, deadline: Duration) -> Vec<String> {
        let mut advice = Vec::new();
        let plans = self.plans.iter().map(|plan| ("plan", &plan.name, &plan.id));
        for (what, name, id) in [("service", &self.name, &self.id)].into_iter().chain(plans) {
            if id.parse::<Uuid>().is_err() {
                advice.push(format!(
                    "the id of {what} {name} is not a GUID; it has to be unique among all brokers of a platform"
                ));
            }
        }
        for plan in &self.plans {
            if u64::from(plan.maximum_polling_duration) <= deadline.as_secs() {
                advice.push(format!(
                    "plan {}: the platform gives up after {} (maximum_polling_duration), before the broker, which \
                     would know the reason and gives up after {} (OPERATION_DEADLINE)",
                    plan.name,
                    humantime::format_duration(Duration::from_secs(plan.maximum_polling_duration.into())),
                    humantime::format_duration(deadline),
                ));
            }
        }
        advice
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::two_plans;

    #[test]
    fn what_may_not_be_meant_is_said() {
        let mut offering = two_plans();
        let day = Duration::from_secs(86_400);
        assert_eq!(offering.advice(7 * day), Vec::<String>::new());
        offering.plans[0].id = "plan-one".into();
        offering.plans[1].maximum_polling_duration = 86_400;
        let said = offering.advice(7 * day).join("\n");
        assert!(said.contains("the id of plan cdn is not a GUID"), "{said}");
        assert!(
            said.contains("plan cdn-global: the platform gives up after 1day"),
            "{said}"
        );
    }
}
