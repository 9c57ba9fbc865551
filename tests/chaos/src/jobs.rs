//! What the platform's users want: a pure function of the seed.

use std::time::Duration;

use crate::random::Random;

/// How a domain is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The set-once TXT record.
    Persist,
    /// This order's TXT record.
    Dns01,
    /// A redirect of the old web server.
    Http01,
}

/// What becomes of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It stays until the end of the run.
    Keep,
    /// Created, and removed so long after that.
    Remove(Duration),
    /// Removed so long after it was asked for, however far it is then.
    Cancel(Duration),
}

/// One instance's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The instance's id.
    pub id: String,
    /// Its organization.
    pub organization: String,
    /// Its domains and how each is proved.
    pub domains: Vec<(String, Way)>,
    /// What becomes of it.
    pub course: Course,
}

impl Job {
    /// How many operations it makes before the end of the run.
    pub fn operations(&self) -> usize {
        match self.course {
            Course::Keep => 1,
            Course::Remove(_) | Course::Cancel(_) => 2,
        }
    }
}

/// Job after job, without an end.
pub fn jobs(seed: u64) -> impl Iterator<Item = Job> {
    let mut random = Random::new(seed, "jobs");
    (0_u32..).map(move |number| {
        let course = match random.between(0, 99) {
            0..20 => Course::Keep,
            20..65 => Course::Remove(Duration::from_millis(random.between(0, 5_000))),
            _ => Course::Cancel(Duration::from_millis(random.between(0, 15_000))),
        };
        let domains = (0..random.between(1, 5))
            .map(|domain| {
                let way = match random.between(0, 99) {
                    0..70 => Way::Persist,
                    70..88 => Way::Dns01,
                    _ => Way::Http01,
                };
                (format!("d{domain}.i{number:04}.example.com"), way)
            })
            .collect();
        Job {
            id: format!("chaos-{seed}-{number:04}"),
            organization: format!("organization-{}", random.between(1, 30)),
            domains,
            course,
        }
    })
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
        assert!((1..=5).all(|count| of(1).iter().any(|job| job.domains.len() == count)));
    }
}
