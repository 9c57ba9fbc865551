//! Settings that must be the same in several services. Each service records its values when it starts, and the doctors
//! compare them.

use std::collections::BTreeMap;

use doctor::{Check, Finding};
use tokio_postgres::error::SqlState;

use crate::connection::{DatabaseArgs, Store};
use crate::error::StoreError;
use crate::statement::Statement;

/// A service's values of the settings that other services have as well. No secret is among them.
#[derive(Clone, Debug)]
pub struct SharedSettings {
    /// The service.
    pub service: &'static str,
    /// The variables with their values as written; an empty one counts as unset.
    pub values: BTreeMap<String, String>,
}

/// A service's value of one setting.
struct Had {
    setting: String,
    service: String,
    value: String,
    /// `None`: it is the comparing program's own value.
    since: Option<String>,
}

impl Store {
    /// Records the settings of a service that starts.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn record_settings(&self, own: &SharedSettings) -> Result<(), StoreError> {
        let settings: Vec<&String> = own.values.keys().collect();
        let values: Vec<&String> = own.values.values().collect();
        self.in_transaction("record-settings", async |tx| {
            Statement::new(
                "shared-settings-forget",
                "delete from shared_settings where service = $1 and setting <> all($2)",
            )
            .run(tx, &[&own.service, &settings])
            .await?;
            Statement::new(
                "shared-settings-record",
                "insert into shared_settings (service, setting, value) \
                 select $1, setting, value from unnest($2::text[], $3::text[]) as own (setting, value) \
                 on conflict (service, setting) do update set value = excluded.value, since = excluded.since \
                 where shared_settings.value <> excluded.value",
            )
            .run(tx, &[&own.service, &settings, &values])
            .await?;
            Ok(())
        })
        .await
    }

    async fn recorded_settings(&self) -> Result<Vec<Had>, StoreError> {
        let client = self.while_closed().client().await?;
        Statement::new(
            "shared-settings",
            "select setting, service, value, to_char(since at time zone 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"') as since \
             from shared_settings order by setting, service",
        )
        .expects(SqlState::UNDEFINED_TABLE)
        .all(&client, &[])
        .await?
        .iter()
        .map(|row| {
            Ok(Had {
                setting: row.try_get("setting")?,
                service: row.try_get("service")?,
                value: row.try_get("value")?,
                since: row.try_get("since")?,
            })
        })
        .collect()
    }
}

/// Compares the services' settings, with a warning for each setting that differs among the services that have it.
/// `own`: this program's values, in place of those its service was started with; then only these settings are compared.
pub fn check_shared_settings(args: &DatabaseArgs, own: Option<&SharedSettings>) -> Check {
    let (args, own) = (args.clone(), own.cloned());
    Check::several("shared settings", async move {
        let recorded = async { Store::new(&args, "doctor")?.recorded_settings().await };
        match recorded.await {
            Ok(recorded) => differences(recorded, own.as_ref()),
            // The check of the database itself reports the reason.
            Err(_) => Vec::new(),
        }
    })
}

fn differences(recorded: Vec<Had>, own: Option<&SharedSettings>) -> Vec<Finding> {
    let mut settings: BTreeMap<String, Vec<Had>> = BTreeMap::new();
    for had in recorded {
        if own.is_none_or(|own| own.service != had.service && own.values.contains_key(&had.setting)) {
            settings.entry(had.setting.clone()).or_default().push(had);
        }
    }
    if let Some(own) = own {
        for (setting, value) in &own.values {
            settings.entry(setting.clone()).or_default().insert(
                0,
                Had {
                    setting: setting.clone(),
                    service: own.service.to_owned(),
                    value: value.clone(),
                    since: None,
                },
            );
        }
    }
    let differing = settings
        .into_iter()
        .filter(|(_, had)| had.iter().any(|one| one.value != had[0].value));
    differing.map(|(setting, had)| difference(&setting, &had)).collect()
}

fn difference(setting: &str, had: &[Had]) -> Finding {
    let mut by_value: Vec<(&str, Vec<&Had>)> = Vec::new();
    for one in had {
        match by_value.iter_mut().find(|(value, _)| *value == one.value) {
            Some((_, alike)) => alike.push(one),
            None => by_value.push((&one.value, vec![one])),
        }
    }
    let told = by_value.iter().map(|(value, alike)| {
        let services: Vec<&str> = alike.iter().map(|one| one.service.as_str()).collect();
        let verb = if services.len() == 1 { "has" } else { "have" };
        let value = if value.is_empty() { "nothing" } else { value };
        // Since when all of them have it.
        let since = alike.iter().filter_map(|one| one.since.as_deref()).max();
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        format!("{} {verb} {value}{since}", services.join(", "))
    });
    let what = told.collect::<Vec<_>>().join("; ");
    let all = if had.len() == 2 { "both" } else { "all of them" };
    Finding::warn(
        setting,
        what,
        format!("set the same in {all}, and restart what had another value"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn had(setting: &str, service: &str, value: &str) -> Had {
        Had {
            setting: setting.into(),
            service: service.into(),
            value: value.into(),
            since: Some("2026-11-29 21:17 UTC".into()),
        }
    }

    fn lines(recorded: Vec<Had>, own: Option<&SharedSettings>) -> Vec<String> {
        differences(recorded, own).iter().map(ToString::to_string).collect()
    }

    fn three() -> Vec<Had> {
        vec![
            had("ACME_PROFILE", "broker-api", ""),
            had("ACME_PROFILE", "certificate-issuer", "tlsserver"),
            had("MINIMUM_TLS_VERSION", "cert-installer", "TLSv1.2_2021"),
            had("MINIMUM_TLS_VERSION", "distribution", "TLSv1.2_2021"),
        ]
    }

    #[test]
    fn what_differs_is_told_with_both_values_and_what_is_the_same_is_not() {
        let expected = "warn  ACME_PROFILE  broker-api has nothing since 2026-11-29 21:17 UTC; certificate-issuer has \
                        tlsserver since 2026-11-29 21:17 UTC: set the same in both, and restart what had another value";
        assert_eq!(lines(three(), None), [expected]);
    }

    #[test]
    fn services_that_have_the_same_are_told_together() {
        let recorded = vec![
            had("OPERATION_DEADLINE", "broker-api", "7d"),
            had("OPERATION_DEADLINE", "cert-installer", "3d"),
            had("OPERATION_DEADLINE", "distribution", "7d"),
        ];
        let [line] = lines(recorded, None).try_into().unwrap();
        assert!(line.contains("broker-api, distribution have 7d since"), "{line}");
        assert!(line.contains("; cert-installer has 3d since"), "{line}");
        assert!(line.contains("set the same in all of them"), "{line}");
    }

    #[test]
    fn a_service_is_compared_as_it_is_now_and_for_its_own_settings_only() {
        let own = |value: &str| SharedSettings {
            service: "distribution",
            values: [("MINIMUM_TLS_VERSION".to_owned(), value.to_owned())].into(),
        };
        assert_eq!(lines(three(), Some(&own("TLSv1.2_2021"))), Vec::<String>::new());
        let [line] = lines(three(), Some(&own("TLSv1.3_2025"))).try_into().unwrap();
        let expected =
            "warn  MINIMUM_TLS_VERSION  distribution has TLSv1.3_2025; cert-installer has TLSv1.2_2021 since";
        assert!(line.starts_with(expected), "{line}");
    }
}
