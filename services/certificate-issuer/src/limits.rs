//! The CA's rate limits, applied before the CA refuses: a refused request counts against them as well.

use std::time::Duration;

/// A number of events within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) most: u32,
    pub(crate) within: Duration,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.most, humantime::format_duration(self.within))
    }
}

/// The limits of a CA; absent ones are unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// New orders per account.
    pub(crate) orders: Option<Rate>,
    /// New accounts per IP address.
    pub(crate) accounts: Option<Rate>,
    /// Certificates per registered domain, across all accounts.
    pub(crate) domain: Option<Rate>,
    /// Certificates with exactly the same set of names.
    pub(crate) same: Option<Rate>,
}

impl Limits {
    /// The longest period in which something is counted.
    pub(crate) fn longest(&self) -> Duration {
        let all = [self.orders, self.accounts, self.domain, self.same];
        all.into_iter()
            .flatten()
            .map(|rate| rate.within)
            .max()
            .unwrap_or_default()
    }
}

const THREE_HOURS: Duration = Duration::from_secs(3 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// <https://letsencrypt.org/docs/rate-limits/>
const LETS_ENCRYPT: Limits = Limits {
    orders: Some(Rate {
        most: 300,
        within: THREE_HOURS,
    }),
    accounts: Some(Rate {
        most: 10,
        within: THREE_HOURS,
    }),
    domain: Some(Rate { most: 50, within: WEEK }),
    same: Some(Rate { most: 5, within: WEEK }),
};

/// Which limits apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitsSetting {
    /// Let's Encrypt's limits at Let's Encrypt, none elsewhere.
    Auto,
    These(Limits),
}

impl std::str::FromStr for LimitsSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" | "" => return Ok(Self::Auto),
            "none" => return Ok(Self::These(Limits::default())),
            _ => {}
        }
        let mut limits = Limits::default();
        for part in text.split(',') {
            let unclear = || {
                format!(
                    "{part:?} is no limit: write auto, none, or such as orders=300/3h,accounts=10/3h,domain=50/7d,same=5/7d"
                )
            };
            let (name, rate) = part.trim().split_once('=').ok_or_else(unclear)?;
            let (most, within) = rate.split_once('/').ok_or_else(unclear)?;
            let rate = Rate {
                most: most.parse().ok().filter(|most| *most > 0).ok_or_else(unclear)?,
                within: humantime::parse_duration(within).map_err(|_| unclear())?,
            };
            *match name {
                "orders" => &mut limits.orders,
                "accounts" => &mut limits.accounts,
                "domain" => &mut limits.domain,
                "same" => &mut limits.same,
                _ => return Err(unclear()),
            } = Some(rate);
        }
        Ok(Self::These(limits))
    }
}

impl LimitsSetting {
    /// The limits for this directory.
    pub(crate) fn at(self, directory_url: &str) -> Limits {
        let host = directory_url.split('/').nth(2).unwrap_or_default();
        match self {
            Self::These(limits) => limits,
            // Staging has separate, larger limits.
            Self::Auto if host == "acme-v02.api.letsencrypt.org" => LETS_ENCRYPT,
            Self::Auto => Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_encrypts_limits_are_kept_to_there_and_others_as_they_are_set() {
        let auto: LimitsSetting = "auto".parse().unwrap();
        assert_eq!(auto.at("https://acme-v02.api.letsencrypt.org/directory"), LETS_ENCRYPT);
        assert_eq!(auto.at("https://localhost:14000/dir"), Limits::default());
        let told: LimitsSetting = "orders=300/3h, accounts=10/3h,domain=50/7d,same=5/7d".parse().unwrap();
        assert_eq!(told.at("https://ca.example/dir"), LETS_ENCRYPT);
        assert_eq!(
            [LETS_ENCRYPT.longest(), Limits::default().longest()],
            [WEEK, Duration::ZERO]
        );
        assert_eq!(
            "none"
                .parse::<LimitsSetting>()
                .unwrap()
                .at("https://acme-v02.api.letsencrypt.org/d"),
            Limits::default()
        );
        for bad in [
            "orders",
            "orders=3",
            "orders=0/3h",
            "order=3/3h",
            "orders=3/soon",
            "all",
        ] {
            let told = bad.parse::<LimitsSetting>().unwrap_err();
            assert!(told.contains("orders=300/3h"), "{told}");
        }
    }
}
