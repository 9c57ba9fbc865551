//! `cdnctl log-level`: the log level of every service, changed while they run.

use std::time::Duration;

use store::{Actor, DatabaseArgs, Store, StoreError};

use crate::exit::Exit;
use crate::{out, shown};

/// The longest time for which a level can be set: after that nobody remembers it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Shows or sets what every service logs, for a while.
///
/// All processes follow within seconds, none is restarted, and those that start later follow, too. Once the time is over
/// each one's RUST_LOG counts again.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Log level")]
pub struct Args {
    /// A level, then what differs: `debug`, or `info,distribution=debug,worker=trace`. Without it: shows what is set.
    #[arg(value_parser = directives)]
    pub directives: Option<String>,
    /// For how long; at most a day.
    #[arg(long = "for", default_value = "1h", value_parser = lasting)]
    pub lasting: humantime::Duration,
    /// Back to RUST_LOG at once.
    #[arg(long, conflicts_with = "directives")]
    pub reset: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

fn directives(text: &str) -> Result<String, String> {
    telemetry::check_directives(text).map(|()| text.to_owned())
}

fn lasting(text: &str) -> Result<humantime::Duration, String> {
    let lasting: humantime::Duration = text.parse().map_err(|error| format!("{error}: write 30m or 2h"))?;
    match Duration::from(lasting) {
        Duration::ZERO => Err("--reset ends it now".to_owned()),
        longer if longer > LONGEST => Err("at most 24h".to_owned()),
        _ => Ok(lasting),
    }
}

/// Sets the level, and prints the resulting state.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, StoreError> {
    let store = Store::new(&args.database, "cdnctl")?;
    let level = if args.reset {
        store.acting(actor).reset_log_level().await?;
        None
    } else if let Some(directives) = &args.directives {
        Some(
            store
                .acting(actor)
                .set_log_level(directives, args.lasting.into())
                .await?,
        )
    } else {
        store.log_level().await?
    };
    out::line(match level {
        Some(level) => format!(
            "{} until {}, then RUST_LOG",
            level.directives,
            shown::moment(level.until)
        ),
        None => "RUST_LOG of each service".to_owned(),
    });
    Ok(Exit::AllWell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_is_set_for_ever() {
        assert_eq!(lasting("90m").unwrap().as_secs(), 5400);
        for (bad, says) in [("0s", "--reset"), ("25h", "at most 24h"), ("soon", "30m"), ("", "30m")] {
            let told = lasting(bad).unwrap_err();
            assert!(told.contains(says), "{bad}: {told}");
        }
    }
}
