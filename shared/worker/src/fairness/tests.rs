use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::*;

/// Takes all seats that the instance can have now.
fn fill<'s>(seats: &'s Seats, tenant: &str, instance: &str) -> Vec<Place<'s>> {
    std::iter::from_fn(|| at(seats, tenant, instance, Instant::now())).collect()
}

fn at<'s>(seats: &'s Seats, tenant: &str, instance: &str, now: Instant) -> Option<Place<'s>> {
    match seats.place(tenant, instance, now) {
        Room::Now(mut place) => {
            place.begins(now);
            Some(place)
        }
        Room::Soon { .. } | Room::Later(_) => None,
    }
}

/// An attempt of the instance that has ended at once.
fn is_quick(seats: &Seats, tenant: &str, instance: &str) {
    drop(at(seats, tenant, instance, Instant::now()));
}

#[test]
fn those_at_work_leave_room_for_one_more() {
    let seats = Seats::new(16, 16);
    let first = fill(&seats, "large", "a");
    let second = fill(&seats, "large", "b");
    assert_eq!(
        (first.len(), second.len()),
        (4, 2),
        "a tenant's own instances share, too"
    );
    let other = fill(&seats, "small", "c");
    assert_eq!(other.len(), 2);
    assert!(at(&seats, "third", "d", Instant::now()).is_some());
    drop((first, second));
    drop(other);
    assert!(seats.are_free());
}

#[test]
fn a_slow_record_makes_no_instance_slow() {
    let seats = Seats::new(16, 16);
    let before = Instant::now() - QUICK * 2;
    let mut place = at(&seats, "tenant", "a", before).expect("a free seat");
    place.ends(before + QUICK / 2);
    assert_eq!(seats.book().slow_ones("tenant", Instant::now()).count(), 0);
    drop(place);
    assert_eq!(seats.book().is_quick("a", Instant::now()), Some(true));
    drop(at(&seats, "tenant", "b", before - QUICK));
    assert_eq!(seats.book().is_quick("b", Instant::now()), Some(false));
}

#[test]
fn no_tenant_gets_the_last_seat_of_two_by_many_instances() {
    let seats = Seats::new(2, 16);
    let many: Vec<_> = (0..200)
        .filter_map(|number| at(&seats, "large", &format!("i{number}"), Instant::now()))
        .collect();
    assert_eq!(many.len(), 1);
    assert!(at(&seats, "small", "c", Instant::now()).is_some());
}

#[test]
fn an_instance_that_is_known_to_be_quick_has_three_quarters_until_one_of_its_tenants_is_slow() {
    let seats = Seats::new(16, 16);
    is_quick(&seats, "a", "1");
    let all = fill(&seats, "a", "1");
    assert_eq!(all.len(), 9);
    let next = fill(&seats, "a", "2");
    assert_eq!(next.len(), 2, "the tenant's other instance finds room");
    drop(next);
    let other = fill(&seats, "b", "4");
    assert_eq!(other.len(), 2, "not known yet");
    drop(all);
    assert_eq!(fill(&seats, "a", "1").len(), 8, "half for each of two");
    drop(other);

    let slow = at(&seats, "a", "3", Instant::now() - 2 * QUICK);
    assert_eq!(fill(&seats, "a", "1").len(), 2, "of 8 for two instances and one more");
    drop(slow);
}

#[test]
fn quick_ones_of_several_tenants_leave_a_quarter() {
    let seats = Seats::new(16, 16);
    is_quick(&seats, "a", "1");
    is_quick(&seats, "b", "2");
    let first = fill(&seats, "a", "1");
    let second = fill(&seats, "b", "2");
    assert_eq!((first.len(), second.len()), (9, 3), "12 of 16");
    let other = fill(&seats, "c", "3");
    assert_eq!(other.len(), 2, "four are free for those who come");
    assert!(fill(&seats, "a", "1").is_empty());
    drop(first);
    assert_eq!(fill(&seats, "b", "2").len(), 5, "8 in all");
    let slow = at(&seats, "b", "4", Instant::now() - 2 * QUICK);
    assert!(slow.is_some());
    assert!(
        fill(&seats, "b", "2").is_empty(),
        "no more while one of its tenant's is slow"
    );
}

#[test]
fn a_quick_instance_vouches_for_no_other() {
    let seats = Seats::new(16, 16);
    is_quick(&seats, "a", "1");
    let quick = at(&seats, "a", "1", Instant::now());
    assert!(quick.is_some());
    let new: Vec<_> = (0..20)
        .filter_map(|number| at(&seats, "a", &format!("new{number}"), Instant::now()))
        .collect();
    assert_eq!(new.len(), 8, "the tenant's share without it");
}

#[test]
fn what_is_put_off_of_a_quick_instance_comes_again_by_what_it_has_in_the_long_run() {
    let seats = Seats::new(16, 16);
    let tenants = ["a", "b", "c"];
    for tenant in tenants {
        is_quick(&seats, tenant, tenant);
    }
    let held = tenants.map(|tenant| fill(&seats, tenant, tenant));
    assert_eq!(held.each_ref().map(Vec::len), [9, 3, 2]);
    let usual = |tenant| seats.book().share(16, tenant, tenant, Instant::now()).usual;
    assert_eq!(tenants.map(usual), [6; 3], "a third, whoever was first");
    assert_eq!(usual("d"), 1, "not known yet");
}

#[test]
fn a_message_waits_while_half_of_the_share_flows_and_is_put_off_when_it_does_not() {
    let seats = Seats::new(16, 16);
    let now = Instant::now();
    let slow = now - 2 * QUICK;
    let mut held: Vec<_> = [slow, slow, now, now].map(|since| at(&seats, "a", "1", since)).into();
    let Room::Soon {
        until,
        share: 4,
        known: false,
    } = seats.place("a", "1", now)
    else {
        panic!("two of four are quick")
    };
    assert!(until > now + QUICK_AT_FIRST && until < now + QUICK);
    held.pop();
    held.push(at(&seats, "a", "1", slow));
    assert!(matches!(seats.place("a", "1", now), Room::Later(delay) if delay >= SOONEST));
    assert!(at(&seats, "b", "2", now).is_some(), "another tenant has its own");
}

#[tokio::test]
async fn a_message_that_waits_gets_the_place_that_is_left() {
    let seats = Seats::new(16, 16);
    let mut held = fill(&seats, "a", "1");
    let (seat, ()) = tokio::join!(seats.take("a", "1"), async { drop(held.pop()) });
    assert!(seat.is_ok());
}

#[tokio::test]
async fn a_message_that_waits_is_put_off_when_the_others_turn_out_to_be_slow() {
    let seats = Seats::new(16, 16);
    let almost = Instant::now() - (QUICK_AT_FIRST - Duration::from_millis(50));
    let _held = [(); 4].map(|()| at(&seats, "a", "1", almost));
    let began = Instant::now();
    assert!(seats.take("a", "1").await.is_err());
    assert!(began.elapsed() < QUICK);
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let seats = Seats::new(4, 4);
    let held = fill(&seats, "a", "1");
    let waiting: FuturesUnordered<_> = (0..6).map(async |_| seats.take("a", "1").await.map(drop)).collect();
    let (taken, ()) = tokio::join!(waiting.collect::<Vec<_>>(), async { drop(held) });
    assert_eq!(
        taken.iter().filter(|seat| seat.is_err()).count(),
        4,
        "half of four, while nothing is known"
    );
}

#[test]
fn nobody_waits_for_an_instance_that_is_known_to_be_slow() {
    let seats = Seats::new(16, 16);
    drop(at(&seats, "a", "1", Instant::now() - 4 * QUICK));
    let _held = fill(&seats, "a", "1");
    assert!(matches!(seats.place("a", "1", Instant::now()), Room::Later(_)));
}

#[tokio::test]
async fn with_one_seat_it_is_one_after_the_other() {
    let seats = Seats::new(1, 16);
    let first = seats.take("a", "1").await.ok().unwrap();
    let mut second = Box::pin(seats.take("b", "2"));
    tokio::select! {
        biased;
        _ = &mut second => panic!("there is one seat"),
        () = std::future::ready(()) => {}
    }
    drop(first);
    assert!(second.await.is_ok());
}

#[test]
fn what_is_put_off_comes_again_as_fast_as_there_is_room_and_not_all_at_once() {
    let mut book = Book::default();
    let now = Instant::now();
    book.times_of("a", now).takes = Duration::from_secs(10);
    let delays: Vec<u64> = (0..200).map(|_| book.put_off("a", 4, now).as_millis() as u64).collect();
    assert_eq!(delays[..3], [250, 2_750, 5_250], "every 10 s 4 of them");
    assert_eq!(delays[199], LATEST.as_millis() as u64);
    assert_eq!(book.put_off("b", 4, now), SOONEST, "another instance has its own");
}
