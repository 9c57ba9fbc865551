//! What a tenant may request without having proved control of a domain.

use store::Bounds;

/// How much that nobody has proved yet one organization may ask for.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Unproved {
    /// The most service instances without a proved domain that one organization (or namespace) may have; a request for
    /// one more is refused. 0: no limit.
    #[arg(long, env, default_value_t = 50)]
    pub unproved_instances: u32,
    /// The most unproved domains that one organization (or namespace) may request, in all its service instances
    /// together; a request for more is refused. 0: no limit.
    #[arg(long, env, default_value_t = 500)]
    pub unproved_domains: u32,
}

impl Unproved {
    pub(crate) fn bounds(self) -> Bounds {
        Bounds {
            instances: self.unproved_instances,
            domains: self.unproved_domains,
        }
    }
}
