//! The delay queues: one durable queue per delay, so that no message waits behind a longer one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use pipeline::Delays;

/// The longest `x-message-ttl` that RabbitMQ accepts (about 49 days).
const LONGEST_MS: u64 = u32::MAX as u64;

/// The delays for which queues exist, in increasing order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayQueues {
    all_ms: Vec<u64>,
}

impl Default for DelayQueues {
    /// 250 ms to 1 h, each a quarter longer than the previous: a delay is rounded up by at most a quarter.
    fn default() -> Self {
        const LONGEST: f64 = 3_600_000.0;
        let mut all_ms = Vec::new();
        let mut delay = 250.0_f64;
        while delay < LONGEST {
            all_ms.push(delay.round() as u64);
            delay *= 1.25;
        }
        all_ms.push(LONGEST as u64);
        Self { all_ms }
    }
}

impl DelayQueues {
    /// Every delay, in milliseconds.
    pub fn all_ms(&self) -> &[u64] {
        &self.all_ms
    }

    /// Every delay.
    pub fn delays(&self) -> Delays {
        self.all_ms.iter().copied().map(Duration::from_millis).collect()
    }

    /// The queue for a delay, by its milliseconds: the shortest that is long enough, else the longest (the wake-up is
    /// then delivered early and published again). None when the delay is so short that waiting is not worth a hop.
    pub fn ms_for(&self, delay: Duration) -> Option<u64> {
        let wanted = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let shortest = self.all_ms.first()?;
        if wanted < shortest / 2 {
            return None;
        }
        self.all_ms
            .iter()
            .find(|ms| **ms >= wanted)
            .or(self.all_ms.last())
            .copied()
    }
}

impl fmt::Display for DelayQueues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.all_ms.iter().map(u64::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl FromStr for DelayQueues {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let all_ms = text
            .split(',')
            .map(|part| part.trim().parse::<u64>())
            .collect::<Result<Vec<u64>, _>>()
            .map_err(|_| "milliseconds are expected, separated by commas, such as 250,500,1000".to_string())?;
        let growing = all_ms.windows(2).all(|pair| pair[0] < pair[1]);
        if !growing || all_ms.first().is_none_or(|first| *first == 0) {
            return Err("the delays must grow, and the first be at least 1".to_string());
        }
        if all_ms.last().is_some_and(|last| *last > LONGEST_MS) {
            return Err(format!("a delay can't be longer than {LONGEST_MS} (49 days)"));
        }
        Ok(Self { all_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_takes_the_next_longer_queue() {
        let queues: DelayQueues = "100,1000,5000".parse().unwrap();
        for (delay, queue) in [
            (0, None),
            (49, None),
            (50, Some(100)),
            (100, Some(100)),
            (101, Some(1000)),
            (99_999, Some(5000)),
        ] {
            assert_eq!(queues.ms_for(Duration::from_millis(delay)), queue, "{delay} ms");
        }
    }

    #[test]
    fn the_default_rounds_up_by_at_most_a_quarter_and_reads_back() {
        let queues = DelayQueues::default();
        for ms in (250..3_600_000).step_by(997) {
            let queue = queues.ms_for(Duration::from_millis(ms)).unwrap();
            assert!(
                queue >= ms && queue as f64 <= ms as f64 * 1.2501 + 1.0,
                "{ms} → {queue}"
            );
        }
        assert_eq!(queues.to_string().parse::<DelayQueues>().unwrap(), queues);
        assert!("5,5".parse::<DelayQueues>().is_err());
        assert!("".parse::<DelayQueues>().is_err());
        assert!("4294967295".parse::<DelayQueues>().is_ok());
        assert!("4294967296".parse::<DelayQueues>().is_err());
    }
}
