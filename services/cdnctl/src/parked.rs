//! `cdnctl parked`: the notes that workers left for the operator, and messages that RabbitMQ dead-lettered.

use std::collections::HashMap;

use messaging::operator::{Hand, Parked, Queues};
use messaging::{AmqpArgs, MessagingError};
use serde::Serialize;
use store::operator::StepPlace;
use store::{Acting, Actor, DatabaseArgs, Intent, OnParked, ParkedMessage, StoreError};
use uuid::Uuid;

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists, replays or drops what is in the parking queue.
///
/// Each message has an id that is made of its content, so it is always the same. Nothing is lost if this program is killed: a message
/// leaves the parking queue only after RabbitMQ has confirmed it in the other queue. While the program reads, no other sees the messages.
/// What is replayed or dropped is in `cdnctl audit`, with two entries: the intent, and what came of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do with them.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with parked messages.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Shows them, each with its reason and the step and instance that it is about.
    List(List),
    /// Sends them to their service's queue again, once the cause is fixed. Exit code 1 when one could not be sent.
    Replay(Replay),
    /// Deletes them. The steps stay: a message is only a wake-up, and the sweeper publishes it again for a step that still waits.
    Drop(Drop),
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Parked")]
pub struct List {
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// Where they are.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Parked")]
pub struct Replay {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Where they are.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `drop`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Parked")]
pub struct Drop {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Where they are.
    #[command(flatten)]
    pub places: Places,
}

/// Which messages.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Their ids, as `list` shows them.
    pub ids: Vec<String>,
    /// All of them.
    #[arg(long)]
    pub all: bool,
}

/// Queues and database.
#[derive(Debug, clap::Args)]
pub struct Places {
    /// The services' queues.
    #[command(flatten)]
    pub amqp: AmqpArgs,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// A message, and what it is about.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    service: Option<&'static str>,
    reason: String,
    /// The wake-up's attempt; none when it can't be understood.
    attempt: Option<i32>,
    step: Option<Uuid>,
    place: Option<StepPlace>,
    body: String,
}

/// Runs the command.
///
/// # Errors
/// When the database or RabbitMQ can't be queried, or the confirmation is missing.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    match &args.command {
        Command::List(args) => list(args).await,
        Command::Replay(args) => replay(args, actor).await,
        Command::Drop(args) => discard(args, actor).await,
    }
}

async fn list(args: &List) -> Result<Exit, CommandError> {
    let queues = Queues::connect(&args.places.amqp, "cdnctl").await?;
    let hand = queues.parked().await?;
    let lines = told(&args.places, &hand).await;
    hand.open().await?;
    queues.close().await;
    let lines = lines?;
    out::either(args.json, &lines, || text(&lines))?;
    Ok(if lines.is_empty() { Exit::AllWell } else { Exit::NotWell })
}

async fn replay(args: &Replay, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.places.database).await?;
    let acting = store.acting(actor);
    let queues = Queues::connect(&args.places.amqp, "cdnctl").await?;
    let hand = queues.parked().await?;
    let (chosen, mut well) = choose(&hand, &args.which);
    let intents = intend(&acting, OnParked::Replay, &chosen).await?;
    for (message, intent) in chosen.into_iter().zip(intents) {
        let replayed = hand.replay(message).await;
        match &replayed {
            Ok(()) => {
                let to = message.service.map_or("", pipeline::Service::as_str);
                let again = match &message.content {
                    Ok(_) => "",
                    Err(_) => ", which can't understand it and will park it again unless it was upgraded",
                };
                out::line(format!("{}  sent to {to}{again}", message.id));
            }
            Err(error) => {
                well = false;
                out::line(format!(
                    "{}  stays parked: {}",
                    message.id,
                    telemetry::with_causes(error)
                ));
            }
        }
        settle(&acting, intent, &replayed).await?;
    }
    hand.open().await?;
    queues.close().await;
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

async fn discard(args: &Drop, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.places.database).await?;
    let acting = store.acting(actor);
    let queues = Queues::connect(&args.places.amqp, "cdnctl").await?;
    let hand = queues.parked().await?;
    let (chosen, well) = choose(&hand, &args.which);
    let ids: Vec<&str> = chosen.iter().map(|message| message.id.as_str()).collect();
    if !ids.is_empty() {
        confirm(
            &format!("Throws away {} messages: {}", ids.len(), ids.join(" ")),
            args.yes,
        )?;
    }
    let intents = intend(&acting, OnParked::Drop, &chosen).await?;
    for (message, intent) in chosen.into_iter().zip(intents) {
        let dropped = hand.drop(message).await;
        if dropped.is_ok() {
            out::line(format!("{}  dropped", message.id));
        }
        settle(&acting, intent, &dropped).await?;
        dropped?;
    }
    hand.open().await?;
    queues.close().await;
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

/// The selected messages, and whether all requested ones exist.
fn choose<'h>(hand: &'h Hand, which: &Which) -> (Vec<&'h Parked>, bool) {
    let messages = hand.messages();
    let mut well = true;
    for id in &which.ids {
        if !messages.iter().any(|message| message.id == *id) {
            well = false;
            out::line(format!("{}  is not parked", shown::plain(id)));
        }
    }
    let chosen = messages
        .iter()
        .filter(|message| which.all || which.ids.contains(&message.id));
    (chosen.collect(), well)
}

/// Records what is about to be done, before anything is.
async fn intend(acting: &Acting<'_>, on: OnParked, chosen: &[&Parked]) -> Result<Vec<Intent>, StoreError> {
    let messages: Vec<ParkedMessage<'_>> = chosen
        .iter()
        .map(|message| ParkedMessage {
            id: &message.id,
            service: message.service.map(pipeline::Service::as_str),
            reason: &message.reason,
            step: step(message),
        })
        .collect();
    acting.intend(on, &messages).await
}

async fn settle(acting: &Acting<'_>, intent: Intent, outcome: &Result<(), MessagingError>) -> Result<(), StoreError> {
    let failure = outcome.as_ref().err().map(|error| telemetry::with_causes(error));
    acting.settle(intent, failure.as_deref()).await
}

async fn told(places: &Places, hand: &Hand) -> Result<Vec<Line>, CommandError> {
    let steps: Vec<Uuid> = hand.messages().iter().filter_map(step).collect();
    let places = database::open(&places.database).await?.places_of(&steps).await?;
    let places: HashMap<Uuid, StepPlace> = places.into_iter().map(|place| (place.step, place)).collect();
    let line = |message: &Parked| Line {
        id: message.id.clone(),
        service: message.service.map(pipeline::Service::as_str),
        reason: message.reason.clone(),
        attempt: message.content.as_ref().ok().map(|content| content.attempt),
        step: step(message),
        place: step(message).and_then(|step| places.get(&step).cloned()),
        body: String::from_utf8_lossy(message.body()).into_owned(),
    };
    Ok(hand.messages().iter().map(line).collect())
}

fn step(message: &Parked) -> Option<Uuid> {
    message.content.as_ref().ok().map(|content| content.step)
}

fn text(lines: &[Line]) -> Vec<String> {
    if lines.is_empty() {
        return vec!["nothing is parked".to_owned()];
    }
    let rows: Vec<_> = lines.iter().map(row).collect();
    table::lines(["ID", "SERVICE", "INSTANCE", "STEP", "NOW", "REASON"], &rows)
}

fn row(line: &Line) -> [String; 6] {
    let place = line.place.as_ref();
    [
        line.id.clone(),
        line.service.map_or_else(|| "unknown".to_owned(), str::to_owned),
        place.map_or_else(shown::none, |place| shown::clean(&place.instance)),
        match (place, line.step) {
            (Some(place), _) => shown::clean(format!("{} {}", place.kind, place.subject).trim_end()),
            (None, Some(_)) => "unknown".to_owned(),
            (None, None) => shown::none(),
        },
        place.map_or_else(shown::none, |place| place.state.clone()),
        shown::clean(&line.reason),
    ]
}
