//! One probe of the challenge file: every address of the host, and of each host that a redirect leads to, concurrently.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::FuturesUnordered;
use telemetry::Call;
use tokio::time::{Instant, timeout_at};

use super::fetch::{self, Response};
use super::names::Names;
use super::target::Target;
use super::{Http01, HttpFailure, HttpInPlace, HttpProblem, Redirected, compare};
use crate::shown;

/// The most requests of one probe: hosts' owners could multiply them by redirecting each address to a different target.
const MOST_REQUESTS: usize = 32;
/// How long to wait for the other addresses once one has returned something else.
const COURTESY: Duration = Duration::from_secs(1);

/// The inputs of a probe.
pub(super) struct Walk<'a> {
    pub(super) http: &'a Http01,
    pub(super) names: &'a Names<'a>,
    pub(super) expected: &'a pipeline::proof::Http01,
    pub(super) deadline: Instant,
}

/// A target, and the targets whose redirects led to it.
#[derive(Debug, Clone)]
struct Visit {
    target: Target,
    passed: Vec<Target>,
}

/// A completed step.
enum Step {
    Found(Visit, Result<Vec<IpAddr>, HttpProblem>),
    Fetched(Visit, IpAddr, Result<Response, HttpProblem>),
}

/// The results of the addresses.
#[derive(Default)]
struct Outcome {
    in_place: Vec<IpAddr>,
    wrong: Vec<Redirected>,
    passed_over: Vec<Redirected>,
    /// Targets that are or were visited: redirects of several addresses usually lead to the same one.
    known: HashSet<Target>,
    requests: usize,
}

impl Walk<'_> {
    pub(super) async fn from(&self, first: Target) -> Result<HttpInPlace, HttpFailure> {
        let mut outcome = Outcome::default();
        let mut running: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        running.push(self.find(Visit {
            target: first,
            passed: Vec::new(),
        }));
        // Every step has its own limit, the deadline; a wrong response decides the result earlier.
        let mut until = self.deadline + COURTESY;
        while let Ok(Some(step)) = timeout_at(until, running.next()).await {
            for next in self.take(step, &mut outcome) {
                running.push(next);
            }
            if !outcome.wrong.is_empty() {
                until = until.min(Instant::now() + COURTESY);
            }
        }
        outcome.judged()
    }

    /// The next steps.
    fn take(&self, step: Step, outcome: &mut Outcome) -> Vec<BoxFuture<'_, Step>> {
        match step {
            Step::Found(visit, Ok(addresses)) => {
                let left = MOST_REQUESTS - outcome.requests.min(MOST_REQUESTS);
                if left < addresses.len() {
                    let host = shown::plain(visit.target.host.as_bytes());
                    let limit = MOST_REQUESTS;
                    outcome.missed(&visit, HttpProblem::TooMany { host, limit });
                }
                outcome.requests += addresses.len().min(left);
                let addresses = addresses.into_iter().take(left);
                addresses.map(|address| self.fetch(visit.clone(), address)).collect()
            }
            Step::Found(visit, Err(problem)) | Step::Fetched(visit, _, Err(problem)) => {
                outcome.missed(&visit, problem);
                Vec::new()
            }
            Step::Fetched(visit, address, Ok(response)) => self.answered(visit, address, response, outcome),
        }
    }

    fn answered(
        &self,
        mut visit: Visit,
        address: IpAddr,
        response: Response,
        outcome: &mut Outcome,
    ) -> Vec<BoxFuture<'_, Step>> {
        match self.http.next(&visit.target, &visit.passed, address, &response) {
            Err(problem) => outcome.missed(&visit, problem),
            Ok(None) => match compare(address, response.body, self.expected) {
                Ok(address) => outcome.in_place.push(address),
                Err(problem) => outcome.missed(&visit, problem),
            },
            Ok(Some(next)) => {
                if outcome.known.insert(next.clone()) {
                    visit.passed.push(std::mem::replace(&mut visit.target, next));
                    return vec![self.find(visit)];
                }
            }
        }
        Vec::new()
    }

    /// The host's addresses that may be connected to.
    fn find(&self, visit: Visit) -> BoxFuture<'_, Step> {
        async move {
            let host = || shown::plain(visit.target.host.as_bytes());
            let found = match timeout_at(self.deadline, self.names.of(&visit.target.host)).await {
                Err(_) => Err(self.slow(None)),
                Ok(Err(failure)) => Err(HttpProblem::Name {
                    host: host(),
                    failure: Box::new(failure),
                }),
                Ok(Ok(addresses)) => match addresses.is_empty() {
                    true => Err(HttpProblem::NotPublic { host: host() }),
                    false => Ok(addresses),
                },
            };
            Step::Found(visit, found)
        }
        .boxed()
    }

    fn fetch(&self, visit: Visit, address: IpAddr) -> BoxFuture<'_, Step> {
        async move {
            let call = Call::begin("http-01", "GET");
            let got = self.get(&visit.target, address).await;
            call.ended(&match &got {
                // The class of the status: a domain's owner must not be able to create a time series for each possible
                // code.
                Ok(response) => format!("{}xx", response.status.as_u16() / 100),
                Err(HttpProblem::Slow { .. }) => "timeout".to_owned(),
                Err(_) => "lost".to_owned(),
            });
            if got.as_ref().err().is_none_or(|problem| !problem.is_passed_over()) {
                self.names.tells(address);
            }
            Step::Fetched(visit, address, got)
        }
        .boxed()
    }

    async fn get(&self, target: &Target, ip: IpAddr) -> Result<Response, HttpProblem> {
        let address = SocketAddr::new(ip, target.port);
        let now = Instant::now();
        // Half of the remaining time, so that a redirect from another address of the host can still be followed.
        let connecting = now + self.deadline.saturating_duration_since(now) / 2;
        let stream = match timeout_at(connecting, fetch::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(HttpProblem::NoConnection { address, why }),
            Err(_) => {
                let why = "no connection in time".to_owned();
                return Err(HttpProblem::NoConnection { address, why });
            }
        };
        match timeout_at(self.deadline, fetch::get(target, stream, &self.http.tls)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(why)) => Err(HttpProblem::Broken {
                address,
                why: shown::plain(why.as_bytes()),
            }),
            Err(_) => Err(self.slow(Some(ip))),
        }
    }

    fn slow(&self, address: Option<IpAddr>) -> HttpProblem {
        HttpProblem::Slow {
            address,
            after: self.http.timeout,
        }
    }
}

impl Outcome {
    fn missed(&mut self, visit: &Visit, problem: HttpProblem) {
        let passed_over = problem.is_passed_over();
        let wrong = Redirected {
            redirected_to: (!visit.passed.is_empty()).then(|| visit.target.to_string()),
            problem,
        };
        match passed_over {
            true => self.passed_over.push(wrong),
            false => self.wrong.push(wrong),
        }
    }

    /// Skipped addresses count only when there are no others.
    fn judged(mut self) -> Result<HttpInPlace, HttpFailure> {
        self.in_place.sort_unstable();
        if self.wrong.is_empty() && !self.in_place.is_empty() {
            return Ok(HttpInPlace {
                addresses: self.in_place,
                left_out: self.passed_over.into_iter().map(|wrong| wrong.problem).collect(),
            });
        }
        if self.wrong.is_empty() {
            self.wrong = self.passed_over;
        }
        self.wrong.sort_by_key(ToString::to_string);
        Err(HttpFailure {
            in_place: self.in_place,
            wrong: self.wrong,
        })
    }
}
