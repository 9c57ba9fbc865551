//! A provision request, beside one transaction that inserts the same rows. The workers are stopped, so that it is the
//! request alone: what follows it is in other rows.

use std::time::{Duration, Instant};

use anyhow::ensure;
use async_trait::async_trait;
use customer::platform::provision_body;
use futures_util::future::try_join_all;
use serde_json::json;
use stack::{Signal, WORKERS};

use crate::comparison::{Comparison, Goal, p50_and_p99};
use crate::floor::transaction::{self, Inserter, Wanted};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{Settings, Site, domains};
use crate::stored::ordinary;
use crate::turns::in_turns;

const GOAL: Goal = Goal::Times(1.3);
const ORGANIZATION: &str = "provision-organization";

/// See the file.
pub(crate) struct Provision;

#[async_trait(?Send)]
impl Row for Provision {
    fn name(&self) -> &'static str {
        "provision"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        for worker in WORKERS {
            site.stack.kill(&format!("{worker}-1"), Signal::Term).await?;
        }
        transaction::tables(site).await?;
        let requests = form.pick(200, 50);
        let cases = [(1, 1, requests), (1, 4, requests), (100, 1, requests / 5)];
        let mut comparisons = Vec::new();
        for (domains, connections, requests) in cases {
            let case = Case {
                domains,
                connections,
                requests: requests / connections,
            };
            say(&format!("provision: {}", case.name()));
            comparisons.extend(case.measure(site, form).await?);
        }
        Ok(comparisons)
    }
}

struct Case {
    domains: usize,
    connections: usize,
    /// On each connection, one after the other.
    requests: usize,
}

impl Case {
    fn name(&self) -> String {
        format!("{} domains, {} connections", self.domains, self.connections)
    }

    /// The instance's id: no other has it.
    fn id(&self, whose: &str, round: usize, connection: usize, request: usize) -> String {
        let Self {
            domains, connections, ..
        } = self;
        format!("{whose}-{domains}-{connections}-{round}-{connection}-{request}")
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let mut inserters = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            inserters.push(Inserter::connect(site).await?);
            // Each has a connection of its own, which stays open.
            clients.push(reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?);
        }
        let (floors, products) = in_turns(
            form.rounds(),
            async |round| self.floor(&mut inserters, round).await,
            async |round| self.product(site, &clients, round).await,
        )
        .await?;
        p50_and_p99(&self.name(), &floors, &products, GOAL)
    }

    /// How long each took, the quickest first.
    async fn floor(&self, inserters: &mut [Inserter], round: usize) -> anyhow::Result<Vec<Duration>> {
        let connections = inserters
            .iter_mut()
            .enumerate()
            .map(|(connection, inserter)| async move {
                let mut took = Vec::new();
                for request in 0..self.requests {
                    let id = self.id("floor", round, connection, request);
                    let domains = domains(&id, self.domains);
                    let parameters = ordinary(ORGANIZATION, &domains)?;
                    let wanted = Wanted {
                        instance: &id,
                        tenant: ORGANIZATION,
                        settings: &parameters.settings,
                        request: &parameters.request,
                        domains: &domains,
                    };
                    let began = Instant::now();
                    inserter.insert(&wanted).await?;
                    took.push(began.elapsed());
                }
                anyhow::Ok(took)
            });
        Ok(sorted(try_join_all(connections).await?))
    }

    async fn product(&self, site: &Site, clients: &[reqwest::Client], round: usize) -> anyhow::Result<Vec<Duration>> {
        let connections = clients.iter().enumerate().map(|(connection, http)| async move {
            let mut took = Vec::new();
            for request in 0..self.requests {
                let id = self.id("provisioned", round, connection, request);
                let body = provision_body(ORGANIZATION, json!({"domains": domains(&id, self.domains)}));
                let began = Instant::now();
                provision(site, http, &id, &body).await?;
                took.push(began.elapsed());
            }
            anyhow::Ok(took)
        });
        Ok(sorted(try_join_all(connections).await?))
    }
}

async fn provision(site: &Site, http: &reqwest::Client, id: &str, body: &serde_json::Value) -> anyhow::Result<()> {
    let endpoints = site.stack.endpoints();
    let url = format!(
        "{}/v2/service_instances/{id}?accepts_incomplete=true",
        endpoints.broker_url
    );
    let answer = http
        .put(url)
        .basic_auth(&endpoints.broker_username, Some(&endpoints.broker_password))
        .header("X-Broker-API-Version", "2.17")
        .json(body)
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status == 202, "{id}: {status} {text}");
    Ok(())
}

fn sorted(of_connections: Vec<Vec<Duration>>) -> Vec<Duration> {
    let mut all = of_connections.concat();
    all.sort_unstable();
    all
}
