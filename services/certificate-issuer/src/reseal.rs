//! `certificate-issuer reseal`: reseals everything that is sealed by an older key with the newest one.

use store::{KeyRing, Store};

/// Reseals everything and prints a summary to standard output.
///
/// # Errors
/// When something could not be opened, which then remains sealed by its old key; database errors.
pub(crate) async fn run(store: &Store, ring: &KeyRing) -> anyhow::Result<()> {
    let done = store.reseal(ring).await?;
    println!("sealed again: {}", done.resealed);
    for (id, count) in &done.by_key {
        println!("sealed by key {id}: {count}");
    }
    if done.unopened.is_empty() {
        return Ok(());
    }
    let unopened: Vec<String> = done
        .unopened
        .iter()
        .map(|(why, count)| format!("{why} ({count} times)"))
        .collect();
    anyhow::bail!("left unchanged, since they can't be opened: {}", unopened.join("; "))
}
