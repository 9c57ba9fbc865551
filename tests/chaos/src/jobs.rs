//! The requests of the platform's users: a pure function of the seed.

use std::time::Duration;

use crate::random::Random;

/// How a domain is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The set-once TXT record.
    Persist,
    /// The same, beside another organization's record that stays there.
    PersistBeside,
    /// At `_acme-challenge`: a CNAME to the broker's zone, set once, where it has one; else this order's TXT record.
    Dns01,
    /// A redirect on the old web server.
    Http01,
}

/// The course of the instance's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It stays until the end of the run.
    Keep,
    /// Created, and removed after this time.
    Remove(Duration),
    /// Removed this long after it was requested, whatever its progress.
    Cancel(Duration),
}

/// The update of an instance after its creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The caching settings.
    Settings {
        /// `default_ttl`, in seconds.
        default_ttl: u32,
    },
    /// One more domain, with a certificate that names it.
    Domain(String, Way),
}

/// One instance's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The instance's id.
    pub id: String,
    /// Its organization.
    pub organization: String,
    /// Its domains and the method that proves each.
    pub domains: Vec<(String, Way)>,
    /// The update after its creation.
    pub change: Option<Change>,
    /// The course of its life.
    pub course: Course,
}

impl Job {
    /// The number of operations before the end of the run.
    pub fn operations(&self) -> usize {
        let of_course = match self.course {
            Course::Keep => 1,
            Course::Remove(_) | Course::Cancel(_) => 2,
        };
        of_course + usize::from(self.change.is_some())
    }

    /// The domains that are proved at `_acme-challenge`.
    pub fn delegated(&self) -> impl Iterator<Item = &str> {
        self.domains
            .iter()
            .filter(|(_, way)| *way == Way::Dns01)
            .map(|(domain, _)| domain.as_str())
    }

    /// The job after the update.
    pub fn changed(&self) -> Self {
        let mut changed = self.clone();
        if let Some(Change::Domain(domain, way)) = &self.change {
            changed.domains.push((domain.clone(), *way));
        }
        changed
    }
}

/// An infinite sequence of jobs.
pub fn jobs(seed: u64) -> impl Iterator<Item = Job> {
    let mut random = Random::new(seed, "jobs");
    (0_u32..).map(move |number| {
        let course = match random.between(0, 99) {
            0..20 => Course::Keep,
            20..65 => Course::Remove(Duration::from_millis(random.between(0, 5_000))),
            _ => Course::Cancel(Duration::from_millis(random.between(0, 15_000))),
        };
        let domains = (0..random.between(1, 5))
            .map(|domain| (format!("d{domain}.i{number:04}.example.com"), way(&mut random)))
            .collect();
        let change = match random.between(0, 99) {
            _ if matches!(course, Course::Cancel(_)) => None,
            0..25 => Some(Change::Settings {
                default_ttl: number + 1,
            }),
            25..50 => Some(Change::Domain(
                format!("new.i{number:04}.example.com"),
                way(&mut random),
            )),
            _ => None,
        };
        Job {
            id: format!("chaos-{seed}-{number:04}"),
            organization: format!("organization-{}", random.between(1, 30)),
            domains,
            change,
            course,
        }
    })
}

fn way(random: &mut Random) -> Way {
    match random.between(0, 99) {
        0..70 => Way::Persist,
        70..88 => Way::Dns01,
        _ => Way::Http01,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_list_of_jobs_with_all_that_can_be_wished_for() {
        let of = |seed| jobs(seed).take(200).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for way in [Way::Persist, Way::Dns01, Way::Http01] {
            assert!(
                of(1)
                    .iter()
                    .any(|job| job.domains.iter().any(|(_, known)| *known == way))
            );
        }
        assert!(of(1).iter().any(|job| job.operations() == 1));
        assert!(of(1).iter().any(|job| matches!(job.course, Course::Cancel(_))));
        assert!(
            of(1)
                .iter()
                .any(|job| matches!(job.change, Some(Change::Settings { .. })))
        );
        assert!(of(1).iter().any(|job| matches!(job.change, Some(Change::Domain(..)))));
        assert!((1..=5).all(|count| of(1).iter().any(|job| job.domains.len() == count)));
    }
}
