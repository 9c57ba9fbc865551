//! Instances at rest, written into the database as they are after a finished provision.

use anyhow::anyhow;
use customer::platform::{PLAN_ID, SERVICE_ID};
use serde_json::{Value, json};

use crate::run::say;
use crate::site::Site;

/// How many there are.
pub(crate) const COUNT: u32 = 10_000;

/// What broker-api stores of an instance's parameters.
pub(crate) struct Parameters {
    pub(crate) settings: Value,
    pub(crate) request: Value,
}

/// Those of an ordinary instance, with nothing but domains.
///
/// # Errors
/// When the parameters are refused.
pub(crate) fn ordinary(organization: &str, domains: &[String]) -> anyhow::Result<Parameters> {
    let asked = json!({"domains": domains});
    let parameters =
        parameters::parse(Some(&asked), Some("origin.cdn.test")).map_err(|faults| anyhow!("parameters: {faults}"))?;
    Ok(Parameters {
        settings: serde_json::to_value(&parameters.settings)?,
        request: json!({
            "service_id": SERVICE_ID,
            "plan_id": PLAN_ID,
            "tenant": organization,
            "space_guid": "a-space",
            "parameters": parameters.normalised(),
        }),
    })
}

/// Writes them, unless they are there.
///
/// # Errors
/// When the tables have another form.
pub(crate) async fn fill(site: &Site) -> anyhow::Result<()> {
    let there = "select exists (select from instances where id = 'stored-1')";
    if site.sql.query_one(there, &[]).await?.try_get(0)? {
        return Ok(());
    }
    say(&format!("storing {COUNT} instances at rest"));
    let sql = statements(&ordinary("any", &["www.example.net".to_owned()])?);
    // A batch is one transaction; `vacuum` can't be in it.
    site.sql.batch_execute(&sql).await?;
    site.sql.batch_execute("vacuum analyze").await?;
    Ok(())
}

fn statements(of: &Parameters) -> String {
    let quoted = |value: &Value| value.to_string().replace('\'', "''");
    include_str!("stored.sql")
        .replace("@count@", &COUNT.to_string())
        .replace("@service_id@", SERVICE_ID)
        .replace("@plan_id@", PLAN_ID)
        .replace("@settings@", &quoted(&of.settings))
        .replace("@request@", &quoted(&of.request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_replaced() {
        let sql = statements(&ordinary("any", &["www.example.net".to_owned()]).unwrap());
        let placeholders = ["count", "service_id", "plan_id", "settings", "request"];
        for name in placeholders {
            assert!(!sql.contains(&format!("@{name}@")), "{name}");
        }
        assert!(sql.contains("generate_series(1, 10000)") && sql.contains("www.example.net"));
    }
}
