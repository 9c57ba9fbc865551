//! The tenant: reads the status and sets the requested records, again when it requests others.

use std::collections::BTreeMap;

use customer::status;
use stack::{Dns, Handle};

use crate::jobs::{Job, Way};

/// The records that a tenant has set so far, by domain.
pub struct Tenant<'j> {
    job: &'j Job,
    set: BTreeMap<&'j str, String>,
}

impl<'j> Tenant<'j> {
    /// A tenant who has not set any record yet.
    pub fn new(job: &'j Job) -> Self {
        Self {
            job,
            set: BTreeMap::new(),
        }
    }

    /// Does what the status requests.
    pub async fn obey(&mut self, description: &str, dns: &Dns, stack: &Handle) -> anyhow::Result<()> {
        for (domain, way) in &self.job.domains {
            if status::about(description, domain).is_empty() {
                continue;
            }
            let target = status::cname_target(description, domain);
            let wanted = match way {
                Way::Persist | Way::PersistBeside => status::persist_value_of(description, domain),
                Way::Dns01 => target.clone().or_else(|| status::dns01_value(description, domain)),
                Way::Http01 => status::redirect_target(description),
            };
            let Some(wanted) = wanted.filter(|wanted| self.set.get(domain.as_str()) != Some(wanted)) else {
                continue;
            };
            match way {
                Way::Persist => replace(dns, &format!("_validation-persist.{domain}"), &wanted).await?,
                Way::PersistBeside => dns.set_txt(&format!("_validation-persist.{domain}"), &wanted).await?,
                Way::Dns01 if target.is_some() => dns.set_cname(&format!("_acme-challenge.{domain}"), &wanted).await?,
                Way::Dns01 => replace(dns, &format!("_acme-challenge.{domain}"), &wanted).await?,
                Way::Http01 => {
                    // Still points to the old web server, which redirects.
                    dns.add_a(domain, &["127.0.0.2"]).await?;
                    stack.redirect(domain, Some(&wanted)).await?;
                }
            }
            self.set.insert(domain, wanted);
        }
        Ok(())
    }
}

async fn replace(dns: &Dns, name: &str, value: &str) -> anyhow::Result<()> {
    dns.clear_txt(name).await?;
    dns.set_txt(name, value).await
}
