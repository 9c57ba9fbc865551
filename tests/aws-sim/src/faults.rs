//! Faults that the admin endpoint plants: refusals, delays, lost responses, dropped connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access::matches;
use crate::error::ApiError;
use crate::ids;

/// One planted fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls: `UpdateDistribution`, `iam:UploadServerCertificate`, `iam:*`, `*`.
    pub operation: String,
    /// Error code to answer; without it (and without `close`) the fault only delays.
    #[serde(default)]
    pub code: Option<String>,
    /// HTTP status that goes with the code.
    #[serde(default = "Fault::default_status")]
    pub status: u16,
    /// Message that goes with the code.
    #[serde(default)]
    pub message: Option<String>,
    /// How many calls it hits, then it is gone. Without `times` and `percent`: one.
    #[serde(default)]
    pub times: Option<u32>,
    /// Share of the calls it hits, 0 to 100.
    #[serde(default)]
    pub percent: Option<u8>,
    /// Do the work first, then answer the error or drop the connection.
    #[serde(default)]
    pub after_effect: bool,
    /// Wait so many milliseconds first.
    #[serde(default)]
    pub delay_ms: u64,
    /// Drop the connection instead of answering.
    #[serde(default)]
    pub close: bool,
}

impl Fault {
    fn default_status() -> u16 {
        400
    }

    fn hits(&self, service: &str, operation: &str, draws: &mut Draws) -> bool {
        let named = matches(&self.operation, operation) || matches(&self.operation, &format!("{service}:{operation}"));
        named && self.percent.is_none_or(|percent| draws.percent() < percent)
    }

    /// How long to wait first.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// The error to return, if any.
    pub fn error(&self) -> Option<ApiError> {
        let code = self.code.as_deref()?;
        let message = self.message.clone().unwrap_or_else(|| match code {
            "Throttling" | "ThrottlingException" => "Rate exceeded".to_owned(),
            _ => "Injected by the simulator's admin endpoint.".to_owned(),
        });
        Some(ApiError::new(code, self.status, message))
    }
}

/// The source of `percent`'s random numbers: the system, or a sequence that starts from a seed (SplitMix64).
#[derive(Debug, Default)]
struct Draws(Option<u64>);

impl Draws {
    /// A number below 100.
    fn percent(&mut self) -> u8 {
        let Some(state) = &mut self.0 else {
            return ids::percent();
        };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % 100) as u8
    }
}

#[derive(Debug, Default)]
struct Planted {
    faults: Vec<Fault>,
    draws: Draws,
}

/// The planted faults; the first that matches a call applies.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Planted>);

impl Faults {
    fn planted(&self) -> MutexGuard<'_, Planted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plants a fault.
    pub fn add(&self, mut fault: Fault) {
        if fault.times.is_none() && fault.percent.is_none() {
            fault.times = Some(1);
        }
        self.planted().faults.push(fault);
    }

    /// From now on `percent` uses the sequence of this seed: the same calls in the same order get the same faults.
    pub fn seed(&self, seed: u64) {
        self.planted().draws = Draws(Some(seed));
    }

    /// The fault that applies to this call; consumes one use of it.
    pub fn take(&self, service: &str, operation: &str) -> Option<Fault> {
        let mut planted = self.planted();
        let Planted { faults, draws } = &mut *planted;
        let at = faults.iter().position(|fault| fault.hits(service, operation, draws))?;
        if let Some(times) = &mut faults[at].times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                return Some(faults.remove(at));
            }
        }
        Some(faults[at].clone())
    }

    /// The currently planted faults.
    pub fn all(&self) -> Vec<Fault> {
        self.planted().faults.clone()
    }

    /// Removes all faults; a seed stays.
    pub fn clear(&self) {
        self.planted().faults.clear();
    }
}
