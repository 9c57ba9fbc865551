//! The live line: where the run is.

use std::sync::Arc;
use std::time::Duration;

use stack::Endpoints;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::evidence;
use crate::facts::Facts;

const EVERY: Duration = Duration::from_secs(5);

/// Says a line now and then, for ever.
pub(crate) async fn tell(facts: Arc<Facts>, endpoints: Endpoints, say: fn(&str)) {
    let mut client = None;
    loop {
        sleep(EVERY).await;
        let steps = match timeout(Duration::from_secs(2), steps(&endpoints, &mut client)).await {
            Ok(Ok(steps)) => steps,
            _ => {
                client = None;
                "the database is away".to_owned()
            }
        };
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
        say(&line);
    }
}

/// Waiting steps by kind, and the longest overdue.
async fn steps(endpoints: &Endpoints, client: &mut Option<Client>) -> anyhow::Result<String> {
    let connected = match client.take() {
        Some(connected) if !connected.is_closed() => connected,
        _ => evidence::database(endpoints).await?,
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
    if let Some((seconds, step)) = evidence::overdue(&connected)
        .await?
        .first()
        .filter(|(seconds, _)| *seconds > 10.0)
    {
        parts.push(format!("overdue {seconds:.0} s: {step}"));
    }
    *client = Some(connected);
    Ok(parts.join(", "))
}
