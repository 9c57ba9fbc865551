//! `cdnctl notices`: mails to tenants, and what does not get out.

use serde::Serialize;
use store::operator::{LetterFilter, LetterLine, NoticeLine};
use store::{Actor, DatabaseArgs};
use uuid::Uuid;

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists, shows or retries mails to tenants, or forgets an address.
///
/// An address is shown shortened, since nobody needs it here, and what a mail says is not shown. What is retried or forgotten is in `cdnctl audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with mails.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Shows mails, the newest first. Exit code 1 when one was given up.
    List(List),
    /// Shows one, with what it tells of.
    Show(Show),
    /// Has one that waits, or was given up, sent now: notifier's sweeper publishes it within SWEEP_INTERVAL (15 s). Exit code 1 when there is
    /// nothing to send.
    Retry(Retry),
    /// Forgets an address of an organization: nothing is sent there, and no service instance tells it anything until somebody writes it into `notify`
    /// again. It then has to confirm again.
    Forget(Forget),
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct List {
    /// Only those with news of this instance.
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,
    /// Only those that are not sent: they wait, are held until their address has confirmed, or were given up.
    #[arg(long)]
    pub unsent: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct Show {
    /// The mail's id, as `list` shows it.
    pub id: Uuid,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Arguments of `retry`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct Retry {
    /// The mail's id, as `list` shows it.
    pub id: Uuid,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Arguments of `forget`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct Forget {
    /// The recipient's id, as `show` shows it.
    pub recipient: Uuid,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Serialize)]
struct Report<'l> {
    #[serde(flatten)]
    letter: &'l LetterLine,
    notices: &'l [NoticeLine],
}

/// Runs the command.
///
/// # Errors
/// When the database can't be queried, an id is unknown, or the confirmation is missing.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    match &args.command {
        Command::List(args) => list(args).await,
        Command::Show(args) => show(args).await,
        Command::Retry(args) => retry(args, actor).await,
        Command::Forget(args) => forget(args, actor).await,
    }
}

async fn list(args: &List) -> Result<Exit, CommandError> {
    let filter = LetterFilter {
        instance: args.instance.as_deref(),
        unsent: args.unsent,
        limit: i64::from(args.limit),
    };
    let letters = database::open(&args.database).await?.letters(&filter).await?;
    out::either(args.json, &letters, || lines(&letters))?;
    let is_given_up = |letter: &LetterLine| letter.state == "given-up";
    Ok(if letters.iter().any(is_given_up) {
        Exit::NotWell
    } else {
        Exit::AllWell
    })
}

fn lines(letters: &[LetterLine]) -> Vec<String> {
    if letters.is_empty() {
        return vec!["no mail".to_owned()];
    }
    let rows: Vec<_> = letters.iter().map(row).collect();
    table::lines(
        ["ID", "MADE", "KIND", "STATE", "TO", "ORGANIZATION", "TRIES", "ANSWER"],
        &rows,
    )
}

fn row(letter: &LetterLine) -> [String; 8] {
    [
        letter.id.to_string(),
        shown::moment(letter.created_at),
        shown::plain(&letter.kind),
        shown::plain(&letter.state),
        shown::plain(&letter.to),
        shown::plain(&letter.tenant),
        letter.attempt.to_string(),
        letter.answer.as_deref().map_or_else(shown::none, shown::plain),
    ]
}

async fn show(args: &Show) -> Result<Exit, CommandError> {
    let found = database::open(&args.database).await?.letter(args.id).await?;
    let (letter, notices) = found.ok_or_else(|| unknown("mail", args.id))?;
    let report = Report {
        letter: &letter,
        notices: &notices,
    };
    out::either(args.json, &report, || facts(&letter, &notices))?;
    Ok(Exit::AllWell)
}

fn facts(letter: &LetterLine, notices: &[NoticeLine]) -> Vec<String> {
    let mut lines = vec![
        format!("{} {} to {}", letter.kind, letter.state, shown::plain(&letter.to)),
        format!("organization  {}", shown::plain(&letter.tenant)),
        format!(
            "recipient     {} ({})",
            letter.recipient,
            shown::plain(&letter.recipient_state)
        ),
        format!("made          {}", shown::moment(letter.created_at)),
        format!("due           {}", shown::moment_or_none(letter.due_at)),
        format!("ended         {}", shown::moment_or_none(letter.ended_at)),
        format!("tries         {}", letter.attempt),
        format!(
            "answer        {}",
            letter.answer.as_deref().map_or_else(shown::none, shown::plain)
        ),
    ];
    if letter.maybe_doubled {
        lines.push(
            "It may have been sent twice: a try ended after the mail server had all of it, and before it said so."
                .to_owned(),
        );
    }
    lines.extend(notices.iter().map(|notice| {
        format!(
            "{}  {}  {}",
            shown::moment(notice.born_at),
            shown::plain(&notice.event),
            shown::plain(&notice.instance)
        )
    }));
    lines
}

async fn retry(args: &Retry, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    store.letter(args.id).await?.ok_or_else(|| unknown("mail", args.id))?;
    let (told, exit) = match store.acting(actor).retry_letter(args.id).await? {
        Some(to) => (format!("sent now to {}", shown::plain(&to)), Exit::AllWell),
        None => (
            "nothing to send: it was sent, is being sent, is not true any more, or its address has not confirmed or wants nothing".to_owned(),
            Exit::NotWell,
        ),
    };
    out::line(told);
    Ok(exit)
}

async fn forget(args: &Forget, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    confirm(&format!("recipient {} is forgotten", args.recipient), args.yes)?;
    let forgotten = store.acting(actor).forget_recipient(args.recipient).await?;
    let to = forgotten.ok_or_else(|| unknown("recipient", args.recipient))?;
    out::line(format!("forgotten: {}", shown::plain(&to)));
    Ok(Exit::AllWell)
}

fn unknown(what: &str, id: Uuid) -> CommandError {
    CommandError::Refused(format!(
        "there is no {what} {id} in this database; `cdnctl notices list` has the ids of mails, and `cdnctl notices show` those of recipients"
    ))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn letter() -> LetterLine {
        LetterLine {
            id: Uuid::from_u128(7),
            kind: "digest".to_owned(),
            state: "given-up".to_owned(),
            tenant: "org-1".to_owned(),
            recipient: Uuid::from_u128(8),
            to: "o…s@example.com".to_owned(),
            recipient_state: "confirmed".to_owned(),
            attempt: 2,
            created_at: datetime!(2026-12-01 3:00:07.5 UTC),
            due_at: None,
            ended_at: Some(datetime!(2026-12-01 4:00 UTC)),
            answer: Some("550 no\x1b[2J such user".to_owned()),
            maybe_doubled: true,
        }
    }

    #[test]
    fn a_mail_is_one_harmless_line() {
        let lines = lines(&[letter()]);
        assert_eq!(lines.len(), 2);
        let begin =
            "00000000-0000-0000-0000-000000000007  2026-12-01T03:00:07Z  digest  given-up  o…s@example.com  org-1 ";
        assert!(lines[1].starts_with(begin), "{}", lines[1]);
        assert!(lines[1].ends_with("550 no\\u{1b}[2J such user"), "{}", lines[1]);
        assert_eq!(super::lines(&[]), ["no mail"]);
    }

    #[test]
    fn all_that_is_known_of_one_is_shown() {
        let notice = NoticeLine {
            instance: "i-1".to_owned(),
            event: "failed".to_owned(),
            born_at: datetime!(2026-12-01 3:00 UTC),
        };
        let lines = facts(&letter(), &[notice]);
        assert_eq!(lines[0], "digest given-up to o…s@example.com");
        assert_eq!(
            lines[2],
            "recipient     00000000-0000-0000-0000-000000000008 (confirmed)"
        );
        assert!(lines[8].starts_with("It may have been sent twice"), "{lines:#?}");
        assert_eq!(lines[9], "2026-12-01T03:00:00Z  failed  i-1");
    }
}
