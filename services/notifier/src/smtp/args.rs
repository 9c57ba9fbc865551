//! Settings of the mail server.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use humantime::Duration;
use lettre::message::Mailbox;
use pipeline::Schedule;
use secret::Secret;

secret::setting!(
    pub(crate) SmtpUrl,
    "smtp-url",
    "SMTP_URL",
    required,
    "Address of the mail server that takes the broker's mails: smtp://user:password@host:587 (STARTTLS, which the server has to offer) or \
     smtps://user:password@host:465 (TLS from the start). Without user and password it has to take them from this machine's address. \
     smtp://127.0.0.1:25?tls=none is plain text, for a server on the same machine only."
);

/// How mails are handed over.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Mail")]
pub(crate) struct SmtpArgs {
    #[command(flatten)]
    pub(crate) smtp_url: Secret<SmtpUrl>,
    /// PEM file of the CAs that may have issued the mail server's certificate. Unset: the system's CAs.
    #[arg(long, env, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) smtp_ca_file: Option<PathBuf>,
    /// Who mails come from, such as "CDN broker <cdn@example.com>": also the address to which what can't be delivered is sent back, and its
    /// domain is the name that is said in EHLO and in each Message-ID.
    #[arg(long, env)]
    pub(crate) smtp_from: Mailbox,
    /// How long connecting, TLS and authentication may take together; at most 5m.
    #[arg(long, env, default_value = "30s", value_parser = at_most::<300>)]
    pub(crate) smtp_connect_timeout: Duration,
    /// How long sender and recipient may take together, and then the command DATA; at most 5m.
    #[arg(long, env, default_value = "2m", value_parser = at_most::<300>)]
    pub(crate) smtp_command_timeout: Duration,
    /// How long the mail itself may take, until the server says that it has it; at most 15m. A shorter one than 10m doubles mails
    /// (RFC 5321 §4.5.3.2.6).
    #[arg(long, env, default_value = "10m", value_parser = at_most::<900>)]
    pub(crate) smtp_data_timeout: Duration,
    /// When a mail that was not taken is tried again (first, factor, max, jitter). It is given up 4 days after it was due.
    #[arg(long, env, default_value = "first=1m,factor=4,max=4h")]
    pub(crate) mail_retry: Schedule,
}

fn at_most<const SECONDS: u64>(text: &str) -> Result<Duration, String> {
    let limit: Duration = text.parse().map_err(|error| format!("{error}: write 30s"))?;
    match limit.as_secs_f64() {
        seconds if seconds > 0.0 && seconds <= SECONDS as f64 => Ok(limit),
        _ => Err(format!("more than 0s and at most {SECONDS}s")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        smtp: SmtpArgs,
    }

    fn parse(more: &[&str]) -> Result<Line, clap::Error> {
        let file = std::env::temp_dir().join(format!("notifier-smtp-url-{}", std::process::id()));
        std::fs::write(&file, "smtps://us:s3cret@mail.example").unwrap();
        let file = format!("--smtp-url-file={}", file.display());
        let least = ["test", "--smtp-from=CDN <cdn@example.com>", &file];
        Line::try_parse_from(least.iter().chain(more))
    }

    #[test]
    fn a_time_limit_has_its_most_and_the_password_does_not_print() {
        let line = parse(&[]).unwrap();
        assert_eq!(line.smtp.smtp_from.email.domain(), "example.com");
        assert!(!format!("{line:?}").contains("s3cret"));
        for flag in [
            "--smtp-connect-timeout=0s",
            "--smtp-command-timeout=6m",
            "--smtp-data-timeout=16m",
        ] {
            assert!(parse(&[flag]).is_err(), "{flag}");
        }
    }
}
