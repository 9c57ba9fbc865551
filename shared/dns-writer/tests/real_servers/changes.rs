//! What is written is there, and nothing else changes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dns_writer::{TxtChange, TxtSet, Written};

use crate::client::{Settings, adds, removes, set, values, values_if_answered};
use crate::world::{BOTH, IN_PARENT, OTHERS, PARENT, Primary, ZONE, world};

#[tokio::test]
async fn two_values_at_one_name_come_and_go_one_by_one() {
    for server in BOTH {
        let (writer, at) = (Settings::of(server).open().await, world().address(server));
        let name = format!("two.{ZONE}");
        assert_eq!(writer.apply(&[adds(&name, &["one"])]).await.unwrap(), Written(None));
        writer.apply(&[adds(&name, &["two"])]).await.unwrap();
        assert_eq!(values(at, &name), set(&["one", "two"]), "{server:?}");
        writer.apply(&[removes(&name, &["one"])]).await.unwrap();
        assert_eq!(values(at, &name), set(&["two"]), "{server:?}");
        let both = TxtChange {
            remove: vec!["two".to_owned()],
            ..adds(&name, &["three"])
        };
        writer.apply(&[both]).await.unwrap();
        assert_eq!(values(at, &name), set(&["three"]), "{server:?}");
        writer.apply(&[removes(&name, &["three"])]).await.unwrap();
        assert_eq!(values(at, &name), set(&[]), "{server:?}");
    }
}

#[tokio::test]
async fn a_change_may_be_repeated() {
    for server in BOTH {
        let (writer, at) = (Settings::of(server).open().await, world().address(server));
        let name = format!("repeated.{ZONE}");
        for _ in 0..2 {
            writer.apply(&[adds(&name, &["one"])]).await.unwrap();
            assert_eq!(values(at, &name), set(&["one"]), "{server:?}");
        }
        for _ in 0..2 {
            let absent = [removes(&name, &["one"]), removes(&format!("never.{ZONE}"), &["x"])];
            writer.apply(&absent).await.unwrap();
            assert_eq!(values(at, &name), set(&[]), "{server:?}");
        }
    }
}

#[tokio::test]
async fn each_address_of_a_name_is_tried() {
    let at = world().address(Primary::Bind);
    let settings = Settings {
        // Also ::1, where nothing listens.
        server: format!("localhost:{}", at.port()),
        ..Settings::of(Primary::Bind)
    };
    let name = format!("by-name.{ZONE}");
    settings.open().await.apply(&[adds(&name, &["one"])]).await.unwrap();
    assert_eq!(values(at, &name), set(&["one"]));
}

#[tokio::test]
async fn as_many_values_as_allowed_are_one_message() {
    for server in BOTH {
        let (writer, at) = (Settings::of(server).open().await, world().address(server));
        let names: Vec<String> = (0..writer.most_values()).map(|n| format!("n{n}.many.{ZONE}")).collect();
        let changes: Vec<TxtChange> = names.iter().map(|name| adds(name, &["value"])).collect();
        writer.apply(&changes).await.unwrap();
        for name in &names {
            assert_eq!(values(at, name), set(&["value"]), "{server:?}");
        }
        let largest = "x".repeat(255);
        let name = format!("{}.{}.{ZONE}", "l".repeat(63), "m".repeat(63));
        writer.apply(&[adds(&name, &[&largest])]).await.unwrap();
        assert_eq!(values(at, &name), set(&[&largest]), "{server:?}");
    }
}

#[tokio::test]
async fn the_zone_may_be_above_the_delegation_zone_and_the_key_of_any_algorithm() {
    for server in BOTH {
        for key in &OTHERS {
            let settings = Settings {
                zone: IN_PARENT.to_owned(),
                in_zone: PARENT.to_owned(),
                ..Settings::of(server).with_key(key)
            };
            let name = format!("{}.{IN_PARENT}", key.name);
            settings.open().await.apply(&[adds(&name, &["one"])]).await.unwrap();
            assert_eq!(values(world().address(server), &name), set(&["one"]), "{server:?}");
        }
    }
}

#[tokio::test]
async fn the_list_is_what_is_below_the_delegation_zone() {
    for server in BOTH {
        let settings = Settings {
            zone: IN_PARENT.to_owned(),
            in_zone: PARENT.to_owned(),
            ..Settings::of(server)
        };
        let writer = settings.open().await;
        let name = format!("listed.{IN_PARENT}");
        // More than one message of a transfer.
        let names: Vec<String> = (0..100).map(|n| format!("n{n}.{name}")).collect();
        let long = "x".repeat(250);
        for values in ["a", "b", "c", "d"].map(|one| format!("{one}{long}")) {
            let changes: Vec<TxtChange> = names.iter().map(|name| adds(name, &[&values])).collect();
            writer.apply(&changes).await.unwrap();
        }
        writer.apply(&[adds(&name, &["one", "two"])]).await.unwrap();
        let listed = writer.list().await.unwrap();
        let TxtSet { values, .. } = listed.iter().find(|set| set.name == name).unwrap().clone();
        assert_eq!(values.into_iter().collect::<BTreeSet<_>>(), set(&["one", "two"]));
        assert_eq!(
            listed
                .iter()
                .filter(|set| names.contains(&set.name) && set.values.len() == 4)
                .count(),
            100
        );
        assert!(
            listed.iter().all(|set| set.name.ends_with(&format!(".{IN_PARENT}"))),
            "{server:?}: {listed:?}"
        );
        assert!(writer.is_everywhere(&Written(None)).await.unwrap());
    }
}

#[tokio::test]
async fn a_secondary_server_is_notified() {
    let writer = Settings::of(Primary::Knot).open().await;
    let name = format!("notified.{ZONE}");
    let begun = Instant::now();
    writer.apply(&[adds(&name, &["one"])]).await.unwrap();
    let written = begun.elapsed();
    while values_if_answered(world().secondary(), &name) != Some(set(&["one"])) {
        assert!(begun.elapsed() < Duration::from_secs(15), "{}", world().folder.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "written after {written:?}, at the secondary after {:?}",
        begun.elapsed()
    );
}
