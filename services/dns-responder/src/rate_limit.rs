//! Response rate limiting by token buckets, as in Knot's mod-rrl: one for each network of clients and class of answer. It makes
//! the server useless for sending its answers to a forged address.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::answer::Class;

/// A bucket for each remainder of the hash; a network that meets another one's shares its bucket. 65,536 of 16 bytes.
const BUCKETS: usize = 1 << 16;
/// Of this many answers beyond the limit one is sent, so short that it can't do harm, so that a resolver comes again with a
/// cookie or by TCP.
const SLIP: u32 = 2;

/// What is to be done with an answer by UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Send,
    /// Send only that it isn't sent: with TC, or with a cookie.
    Slip,
    /// Send nothing.
    Drop,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Microseconds after the start at which it is full again, rounded up; before that it has less.
    full_at: u64,
    beyond: u32,
}

/// The buckets.
pub struct RateLimit {
    /// How long one answer takes to be refilled, in microseconds.
    interval: u64,
    begun: Instant,
    /// Its key is random, so that nobody can choose networks that share a bucket.
    hasher: RandomState,
    buckets: Mutex<Vec<Bucket>>,
}

impl RateLimit {
    /// At most this many answers a second, after a burst of as many.
    pub fn new(per_second: std::num::NonZeroU32) -> Self {
        Self {
            interval: 1_000_000 / u64::from(per_second.get()),
            begun: Instant::now(),
            hasher: RandomState::new(),
            buckets: Mutex::new(vec![Bucket::default(); BUCKETS]),
        }
    }

    /// Counts an answer of this class to this address, and says whether it may be sent.
    pub fn judge(&self, to: IpAddr, class: Class, now: Instant) -> Verdict {
        let at = self.hasher.hash_one((network(to), class)) % BUCKETS as u64;
        let now = u64::try_from(now.duration_since(self.begun).as_micros()).unwrap_or(u64::MAX);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) else {
            return Verdict::Send;
        };
        let full_at = bucket.full_at.max(now) + self.interval;
        // A burst is one second's answers.
        if full_at - now <= 1_000_000 {
            bucket.full_at = full_at;
            return Verdict::Send;
        }
        bucket.beyond = bucket.beyond.wrapping_add(1);
        match bucket.beyond % SLIP {
            0 => Verdict::Slip,
            _ => Verdict::Drop,
        }
    }
}

/// What one client may choose its addresses from: /24 or /56.
pub(crate) type Network = u64;

/// The network of an address.
pub(crate) fn network(address: IpAddr) -> Network {
    match address {
        IpAddr::V4(address) => u64::from(u32::from(address) >> 8),
        // Bit 63 tells it from IPv4.
        IpAddr::V6(address) => (u128::from(address) >> 72) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_and_class_gets_its_rate_and_of_the_rest_every_second_slips() {
        let limit = RateLimit::new(NonZeroU32::new(10).unwrap());
        let now = Instant::now();
        let verdicts = |to: &str, class, now, times| -> Vec<Verdict> {
            (0..times).map(|_| limit.judge(address(to), class, now)).collect()
        };
        let burst = verdicts("192.0.2.1", Class::NoName, now, 10);
        assert_eq!(burst, [Verdict::Send; 10]);
        let beyond = verdicts("192.0.2.200", Class::NoName, now, 4);
        assert_eq!(beyond, [Verdict::Drop, Verdict::Slip, Verdict::Drop, Verdict::Slip]);
        for (to, class) in [
            ("192.0.2.1", Class::Value),
            ("192.0.3.1", Class::NoName),
            ("2001:db8::1", Class::NoName),
        ] {
            assert_eq!(verdicts(to, class, now, 1), [Verdict::Send], "{to} {class:?}");
        }
        // 100 ms for each answer.
        let later = verdicts("192.0.2.1", Class::NoName, now + Duration::from_millis(350), 4);
        assert_eq!(later[..3], [Verdict::Send; 3]);
        assert_ne!(later[3], Verdict::Send);
    }

    #[test]
    fn addresses_of_one_customer_are_one_network() {
        assert_eq!(network(address("192.0.2.1")), network(address("192.0.2.254")));
        assert_ne!(network(address("192.0.2.1")), network(address("192.0.3.1")));
        assert_eq!(
            network(address("2001:db8:1:200::1")),
            network(address("2001:db8:1:2ff::9"))
        );
        assert_ne!(
            network(address("2001:db8:1:200::1")),
            network(address("2001:db8:1:300::1"))
        );
    }

    /// 3 networks share a bucket on average; that 20 do is a matter of one in a million.
    #[test]
    fn forged_addresses_of_many_networks_take_no_answer_from_each_other_and_those_of_one_network_do() {
        let sent = |forged: &dyn Fn(u32) -> u32| {
            let (limit, now) = (RateLimit::new(NonZeroU32::new(20).unwrap()), Instant::now());
            let judged = |number: &u32| limit.judge(IpAddr::from(forged(*number).to_be_bytes()), Class::NoName, now);
            (0..200_000_u32)
                .filter(|number| judged(number) == Verdict::Send)
                .count()
        };
        // Each in a network of its own, all over the Internet.
        assert_eq!(sent(&|number| number.wrapping_mul(2_654_435_761)), 200_000);
        assert_eq!(sent(&|number| 0xc000_0200 | (number % 256)), 20);
    }
}
