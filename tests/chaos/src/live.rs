//! The live line: the progress of the run.

use std::sync::Arc;
use std::time::Duration;

use stack::Endpoints;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::evidence;
use crate::facts::Facts;

/// One line per this many polls.
const LOOKS: u32 = 5;
const EVERY: Duration = Duration::from_secs(1);
/// A step that is overdue for longer than this is shown, in seconds.
const WORTH_SAYING: f64 = 10.0;
/// Longer lines would wrap.
const WIDTH: usize = 220;

/// Prints a line periodically, for ever.
pub async fn tell(facts: Arc<Facts>, endpoints: Endpoints, say: fn(&str)) {
    let mut client = None;
    for look in 1_u32.. {
        sleep(EVERY).await;
        let steps = match timeout(Duration::from_secs(2), steps(&endpoints, &mut client, &facts)).await {
            Ok(Ok(steps)) => steps,
            _ => {
                client = None;
                "the database is away".to_owned()
            }
        };
        if !look.is_multiple_of(LOOKS) {
            continue;
        }
        let seen = facts.seen();
        let ended = seen.operations.iter().filter(|asked| asked.ended.is_some()).count();
        let faults: Vec<&str> = seen.at_work.values().map(String::as_str).collect();
        let line = format!(
            "{:4.0} s  {ended}/{} ended  [{steps}]  {}",
            facts.began.elapsed().as_secs_f64(),
            seen.operations.len(),
            faults.join("; ")
        );
        drop(seen);
        say(&line.chars().take(WIDTH).collect::<String>());
    }
}

/// Waiting steps by kind, and the longest overdue.
async fn steps(endpoints: &Endpoints, client: &mut Option<Client>, facts: &Facts) -> anyhow::Result<String> {
    let connected = match client.take() {
        Some(connected) if !connected.is_closed() => connected,
        _ => endpoints.database().await?,
    };
    let rows = connected
        .query(
            "select s.kind, count(*) from steps s join operations o on o.id = s.operation_id \
             where s.state = 'waiting' and o.state = 'running' group by 1 order by 1",
            &[],
        )
        .await?;
    let mut parts: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.get::<_, String>(0), row.get::<_, i64>(1)))
        .collect();
    let overdue = evidence::overdue(&connected).await?;
    if let Some((seconds, step)) = overdue.first().filter(|(seconds, _)| *seconds > WORTH_SAYING) {
        parts.push(format!("overdue {seconds:.0} s: {step}"));
    }
    facts.overdue(overdue);
    *client = Some(connected);
    Ok(parts.join(", "))
}
