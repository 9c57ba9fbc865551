//! The worker loop, the same in every service: consume → attempt → record → requeue → acknowledge; the sweeper that
//! runs next to it; shutdown; health. A service that runs steps implements a [`Handler`] and nothing else ([`Steps`]); one
//! whose queue wakes something else implements [`Work`]. See README.md.

mod args;
mod chore;
mod delivery;
mod desk;
mod fairness;
mod handler;
mod health;
mod log_level;
mod peers;
mod port;
mod run;
mod settings;
mod shared_args;
mod shutdown;
mod steps;
mod sweeper;
mod work;

pub use args::WorkerArgs;
pub use desk::Desk;
pub use handler::{Chore, Handler, HandlerError, Stop};
pub use health::{health_routes, liveness_route, serve_health};
pub use log_level::follow_log_level;
pub use port::listen;
pub use run::{WorkerError, migrate_when_there, run};
pub use settings::{SHARED, is_shared, settings};
pub use shared_args::{ProfileArgs, Responder, ResponderArgs};
pub use shutdown::shutdown_signal;
pub use steps::Steps;
pub use work::Work;
