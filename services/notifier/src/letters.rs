//! The work: a message wakes a letter up. It is leased, sent, and what came of it is recorded.

mod ended;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lettre::Address;
use messaging::{Delivery, Message, Trace};
use notices::PaceArgs;
use pipeline::{Schedule, Service, WakeUp};
use secrecy::ExposeSecret as _;
use store::{Lease, LeasedLetter, LetterWakeUp, NoticeRing, Store, StoreError};
use telemetry::with_causes;
use tracing::Instrument as _;
use tracing::field::Empty;
use worker::{Chore, Desk, HandlerError, Work};

use crate::letters::ended::{Ended, record};
use crate::mail::{Head, Writer, content};
use crate::smtp::{Phase, Smtp, Trouble};

/// Makes letters of notices.
const COLLECT: &str = "collecting notices";
/// Finds what is to be told since time has passed.
const REMIND: &str = "looking for what does not get done";
/// How much less often: hours count there.
const REMIND_LESS: u32 = 4;
/// Deletes what is no longer needed.
const PRUNE: &str = "pruning notices";
/// How often.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// With messages still in the queue, a letter's message may just be behind them: so many times longer it counts as published.
const BACKLOG_PATIENCE: u32 = 10;

/// The letters of this process.
pub(crate) struct Letters {
    smtp: Smtp,
    writer: Writer,
    ring: NoticeRing,
    retry: Schedule,
    pace: PaceArgs,
    collect_every: Duration,
    store: Store,
    in_hand: AtomicUsize,
}

impl Letters {
    pub(crate) fn new(
        smtp: Smtp,
        writer: Writer,
        ring: NoticeRing,
        retry: Schedule,
        pace: PaceArgs,
        collect_every: Duration,
        store: Store,
    ) -> Self {
        Self {
            smtp,
            writer,
            ring,
            retry,
            pace,
            collect_every,
            store,
            in_hand: AtomicUsize::new(0),
        }
    }
}

#[async_trait::async_trait]
impl Work for Letters {
    const SERVICE: Service = Service::Notifier;

    async fn deliver(desk: &Arc<Desk<Self>>, delivery: &Delivery) {
        let Some(message) = desk.message(delivery).await else {
            return;
        };
        let _held = Held::new(&desk.work.in_hand);
        let span = tracing::info_span!(
            "delivery", otel.name = "send-mail", otel.kind = "consumer", letter = %message.step, attempt = message.attempt,
            kind = Empty, recipient = Empty
        );
        let trace = delivery.trace();
        telemetry::follow(&span, trace.parent.clone());
        telemetry::link(&span, trace.previous.clone());
        let letter = message.step.to_string();
        let work = crash_points::within("send-mail", &letter, async {
            let handled = attempt(desk, message, &trace).await;
            crash_points::at("before-ack");
            desk.conclude(delivery, message, handled).await;
        });
        work.instrument(span).await;
    }

    fn is_idle(&self) -> bool {
        self.in_hand.load(Ordering::Relaxed) == 0
    }

    async fn lost(desk: &Desk<Self>, grace: Duration, backlog: bool, most: u32) -> Result<Vec<WakeUp>, StoreError> {
        let grace = if backlog { grace * BACKLOG_PATIENCE } else { grace };
        let lost = desk.store.sweep_letters(grace, most).await?;
        Ok(lost.into_iter().map(wake_up).collect())
    }

    async fn not_published(store: &Store, wake_ups: &[WakeUp]) -> Result<(), StoreError> {
        let letters = wake_ups.iter().map(|wake_up| LetterWakeUp {
            letter: wake_up.step,
            attempt: wake_up.attempt,
            delay: wake_up.delay,
        });
        store.letters_not_published(&letters.collect::<Vec<_>>()).await
    }

    fn chores(&self) -> Vec<Chore> {
        let chore = |name, interval| Chore { name, interval };
        vec![
            chore(COLLECT, self.collect_every),
            chore(REMIND, self.collect_every * REMIND_LESS),
            chore(PRUNE, PRUNE_EVERY),
        ]
    }

    async fn chore(&self, name: &'static str) -> Result<(), HandlerError> {
        let PaceArgs {
            notice_window,
            notices_per_tenant,
            notify_todo_after,
        } = self.pace;
        match name {
            COLLECT => {
                self.store.collect_notices(notice_window, notices_per_tenant).await?;
            }
            REMIND => {
                let found = self.store.remind(notify_todo_after).await?;
                if found > 0 {
                    tracing::info!(found, "what does not get done is to be told");
                }
            }
            _ => {
                self.store.prune_notices().await?;
            }
        }
        Ok(())
    }
}

/// A letter's wake-up as a message carries it: the letter is in the step's place.
fn wake_up(letter: LetterWakeUp) -> WakeUp {
    WakeUp {
        service: Service::Notifier,
        step: letter.letter,
        attempt: letter.attempt,
        delay: letter.delay,
    }
}

/// A message in hand.
struct Held<'l>(&'l AtomicUsize);

impl<'l> Held<'l> {
    fn new(in_hand: &'l AtomicUsize) -> Self {
        in_hand.fetch_add(1, Ordering::Relaxed);
        Self(in_hand)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn attempt(desk: &Desk<Letters>, message: Message, trace: &Trace) -> Result<(), StoreError> {
    let lease = desk.work.smtp.lease();
    let letter = match desk.store.lease_letter(message.step, message.attempt, lease).await? {
        Lease::Leased(letter) => letter,
        Lease::Moot => {
            tracing::info!("there is nothing to tell any more");
            return Ok(());
        }
        Lease::Stale => {
            metrics::counter!("deliveries_stale_total", "service" => Service::Notifier.as_str()).increment(1);
            return Ok(());
        }
    };
    tracing::Span::current()
        .record("kind", letter.kind.as_str())
        .record("recipient", letter.shortened.as_str());
    crash_points::at("before-send");
    let ended = send(desk, &letter).await;
    crash_points::at("before-record");
    let again = record(desk, &letter, &ended).await?;
    crash_points::at("before-publish");
    if let Some(again) = again {
        desk.publish(&[wake_up(again)], trace).await;
    }
    Ok(())
}

/// Sends it, and says what came of it: nothing that happens here is an error of the delivery.
async fn send(desk: &Desk<Letters>, letter: &LeasedLetter) -> Ended {
    let Letters {
        smtp,
        writer,
        ring,
        retry,
        ..
    } = &desk.work;
    let again = |words: String| Ended::again(letter, retry, words);
    let address = match ring.address(letter) {
        Ok(address) => address,
        Err(error) => {
            tracing::error!(
                error = with_causes(&error),
                "the address can't be opened: check NOTICE_KEYS"
            );
            return again("the address can't be opened: check NOTICE_KEYS".to_owned());
        }
    };
    let Ok(to) = address.expose_secret().parse::<Address>() else {
        return Ended::given_up("the address is none", true);
    };
    let written = match &letter.content {
        Some(kept) => Ok(kept.clone()),
        None => content(letter.kind, &letter.instances, &letter.told),
    };
    let content = match written {
        Ok(content) => content,
        Err(error) => {
            tracing::error!(error = with_causes(&error), "the letter can't be written");
            return again("the letter can't be written".to_owned());
        }
    };
    let mail = match writer.mail(Head::from(letter), &content, to.clone(), ring.keys()) {
        Ok(mail) => mail,
        Err(error) => {
            tracing::error!(error = with_causes(&error), "the letter can't be written");
            return again("the letter can't be written".to_owned());
        }
    };
    let offered = tokio::select! {
        offered = smtp.offer(&to) => offered,
        () = desk.abandoned.cancelled() => Err(stopped(Phase::Connect)),
    };
    let offered = match offered {
        Ok(offered) => offered,
        Err(trouble) => return Ended::of(letter, retry, &trouble, address.expose_secret()),
    };
    // As late as possible: from here on, whoever dies may have sent it. It also fences a process that was frozen until its lease was over.
    if let Err(error) = desk.store.keep_content(letter, &content).await {
        offered.end();
        desk.judge(&error);
        return match error {
            StoreError::Stale => Ended::TakenOver,
            error => again(with_causes(&error)),
        };
    }
    crash_points::at("before-data");
    let sent = tokio::select! {
        (result, connection) = offered.send(&mail) => {
            connection.end();
            result
        }
        () = desk.abandoned.cancelled() => Err(stopped(Phase::Content)),
    };
    match sent {
        Ok(answer) => Ended::Sent(answer),
        Err(trouble) => Ended::of(letter, retry, &trouble, address.expose_secret()),
    }
}

/// The grace period of the shutdown is over.
fn stopped(phase: Phase) -> Trouble {
    Trouble::lost(phase, "this process was ended".to_owned())
}
