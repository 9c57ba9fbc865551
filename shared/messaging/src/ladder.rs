//! The delay ladder: one durable queue per delay, so that no message waits behind a longer one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// RabbitMQ takes no longer `x-message-ttl` (about 49 days).
const LONGEST_MS: u64 = u32::MAX as u64;

/// The delays that exist as queues, growing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    rungs_ms: Vec<u64>,
}

impl Default for Ladder {
    /// 250 ms to 1 h, each a quarter longer than the one before: a delay is rounded up by at most a quarter.
    fn default() -> Self {
        const LONGEST: f64 = 3_600_000.0;
        let mut rungs_ms = Vec::new();
        let mut rung = 250.0_f64;
        while rung < LONGEST {
            rungs_ms.push(rung.round() as u64);
            rung *= 1.25;
        }
        rungs_ms.push(LONGEST as u64);
        Self { rungs_ms }
    }
}

impl Ladder {
    /// Every rung, in milliseconds.
    pub fn rungs_ms(&self) -> &[u64] {
        &self.rungs_ms
    }

    /// The rung for a delay: the shortest that is long enough, else the longest (the wake-up then rings early and is
    /// set anew). None when the delay is so short that waiting is not worth a hop.
    pub fn rung_ms(&self, delay: Duration) -> Option<u64> {
        let wanted = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let shortest = self.rungs_ms.first()?;
        if wanted < shortest / 2 {
            return None;
        }
        self.rungs_ms
            .iter()
            .find(|rung| **rung >= wanted)
            .or(self.rungs_ms.last())
            .copied()
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.rungs_ms.iter().map(u64::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl FromStr for Ladder {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let rungs_ms = text
            .split(',')
            .map(|part| part.trim().parse::<u64>())
            .collect::<Result<Vec<u64>, _>>()
            .map_err(|_| "milliseconds are expected, separated by commas, such as 250,500,1000".to_string())?;
        let growing = rungs_ms.windows(2).all(|pair| pair[0] < pair[1]);
        if !growing || rungs_ms.first().is_none_or(|first| *first == 0) {
            return Err("the delays must grow, and the first be at least 1".to_string());
        }
        if rungs_ms.last().is_some_and(|last| *last > LONGEST_MS) {
            return Err(format!("a delay can't be longer than {LONGEST_MS} (49 days)"));
        }
        Ok(Self { rungs_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_takes_the_next_longer_rung() {
        let ladder: Ladder = "100,1000,5000".parse().unwrap();
        for (delay, rung) in [
            (0, None),
            (49, None),
            (50, Some(100)),
            (100, Some(100)),
            (101, Some(1000)),
            (99_999, Some(5000)),
        ] {
            assert_eq!(ladder.rung_ms(Duration::from_millis(delay)), rung, "{delay} ms");
        }
    }

    #[test]
    fn the_default_rounds_up_by_at_most_a_quarter_and_reads_back() {
        let ladder = Ladder::default();
        for ms in (250..3_600_000).step_by(997) {
            let rung = ladder.rung_ms(Duration::from_millis(ms)).unwrap();
            assert!(rung >= ms && rung as f64 <= ms as f64 * 1.2501 + 1.0, "{ms} → {rung}");
        }
        assert_eq!(ladder.to_string().parse::<Ladder>().unwrap(), ladder);
        assert!("5,5".parse::<Ladder>().is_err());
        assert!("".parse::<Ladder>().is_err());
        assert!("4294967295".parse::<Ladder>().is_ok());
        assert!("4294967296".parse::<Ladder>().is_err());
    }
}
