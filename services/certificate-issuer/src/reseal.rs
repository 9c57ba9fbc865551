//! `certificate-issuer reseal`: what every old sealing key has sealed is sealed by the newest.

use store::{KeyRing, Store};

/// Re-seals everything and tells on standard output what there is now.
///
/// # Errors
/// When something could not be opened, which is then still sealed by its old key; database errors.
pub(crate) async fn run(store: &Store, ring: &KeyRing) -> anyhow::Result<()> {
    let done = store.reseal(ring).await?;
    println!("sealed anew: {}", done.resealed);
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
    anyhow::bail!("left as they are, since they can't be opened: {}", unopened.join("; "))
}
