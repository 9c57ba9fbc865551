//! Many writers at once: nothing is lost.

use futures_util::future::join_all;

use crate::client::{Settings, adds, removes, set, values};
use crate::world::{BOTH, ZONE, world};

#[tokio::test]
async fn sixteen_at_once_lose_nothing() {
    for server in BOTH {
        let (writer, at) = (Settings::of(server).open().await, world().address(server));
        let own = |n: usize| format!("own{n}.{ZONE}");
        let shared = format!("shared.{ZONE}");
        let value = |n: usize| format!("value-{n}");
        let write = async |n: usize| {
            let changes = [adds(&own(n), &[&value(n)]), adds(&shared, &[&value(n)])];
            writer.apply(&changes).await
        };
        for result in join_all((0..16).map(write)).await {
            result.unwrap_or_else(|problem| panic!("{server:?}: {problem}"));
        }
        let all: Vec<String> = (0..16).map(value).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(values(at, &shared), set(&all), "{server:?}");
        for (n, value) in all.iter().enumerate() {
            assert_eq!(values(at, &own(n)), set(&[value]), "{server:?}");
        }
        // Half of them end while the others are renewed.
        let again = async |n: usize| {
            let change = if n.is_multiple_of(2) {
                removes(&shared, &[all[n]])
            } else {
                adds(&shared, &[all[n]])
            };
            writer.apply(&[change]).await
        };
        for result in join_all((0..16).map(again)).await {
            result.unwrap_or_else(|problem| panic!("{server:?}: {problem}"));
        }
        let odd: Vec<&str> = all.iter().copied().skip(1).step_by(2).collect();
        assert_eq!(values(at, &shared), set(&odd), "{server:?}");
    }
}
