//! One connection for one mail. Every phase has a deadline of its own: lettre's time limit covers no more than the TCP connection (its issue 1027).
//! The connection is ended in a task of its own: to wait for the reply to QUIT would widen the time in which a crash doubles a mail.

use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use telemetry::Call;
use tokio::time::{Instant, timeout, timeout_at};

use crate::smtp::relay::{Relay, RelayError, Security};
use crate::smtp::{Phase, SmtpArgs, Trouble};

/// The longest that a goodbye may take.
const QUITTING: Duration = Duration::from_secs(5);
/// What a lease is longer than all phases together: reads and writes of the database.
const SPARE: Duration = Duration::from_secs(20);

/// Why there is no mail server. Contains no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SmtpError {
    /// The address can't be used.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The file of CAs can't be read.
    #[error("SMTP_CA_FILE")]
    File(#[source] std::io::Error),
    /// TLS can't be set up.
    #[error("SMTP_CA_FILE: TLS can't be set up")]
    Tls(#[source] Error),
}

/// The mail server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Smtp {
    shared: Arc<Shared>,
}

struct Shared {
    relay: Relay,
    /// None with plain text.
    tls: Option<TlsParameters>,
    from: Address,
    hello: ClientId,
    connecting: Duration,
    command: Duration,
    content: Duration,
}

/// A server that has accepted sender and recipient, and gets the mail next.
pub(crate) struct Offered {
    connection: AsyncSmtpConnection,
    smtp: Smtp,
}

impl Smtp {
    /// The mail server of the settings.
    pub(crate) fn new(args: &SmtpArgs) -> Result<Self, SmtpError> {
        let relay = Relay::parse(args.smtp_url.expose())?;
        let tls = match relay.security {
            Security::Plain => None,
            Security::Tls | Security::StartTls => Some(trust(&relay, args)?),
        };
        let from = args.smtp_from.email.clone();
        Ok(Self {
            shared: Arc::new(Shared {
                hello: ClientId::Domain(from.domain().to_owned()),
                relay,
                tls,
                from,
                connecting: args.smtp_connect_timeout.into(),
                command: args.smtp_command_timeout.into(),
                content: args.smtp_data_timeout.into(),
            }),
        })
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        self.shared.relay.to_string()
    }

    /// How long connecting may take.
    pub(crate) fn connecting(&self) -> Duration {
        self.shared.connecting
    }

    /// How long nobody else may have a letter that is being sent: longer than an attempt can take.
    pub(crate) fn lease(&self) -> Duration {
        self.shared.connecting + self.shared.command * 2 + self.shared.content + SPARE
    }

    /// Connects and authenticates, and says goodbye.
    pub(crate) async fn greet(&self) -> Result<(), Trouble> {
        quit(self.open().await?).await;
        Ok(())
    }

    /// Connects, and names sender and recipient.
    pub(crate) async fn offer(&self, to: &Address) -> Result<Offered, Trouble> {
        let mut connection = self.open().await?;
        let limit = self.shared.command;
        let deadline = Instant::now() + limit;
        let mail = Mail::new(Some(self.shared.from.clone()), Vec::new());
        let sender = within(Phase::Sender, deadline, limit, connection.command(mail));
        let accepted = match sender.await {
            Ok(_) => {
                let rcpt = Rcpt::new(to.clone(), Vec::new());
                within(Phase::Recipient, deadline, limit, connection.command(rcpt)).await
            }
            refused => refused,
        };
        match accepted {
            Ok(_) => Ok(Offered {
                connection,
                smtp: self.clone(),
            }),
            Err(trouble) => {
                tokio::spawn(quit(connection));
                Err(trouble)
            }
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let limit = self.shared.connecting;
        let deadline = Instant::now() + limit;
        let mut connection = within(Phase::Connect, deadline, limit, self.connect()).await?;
        if let Some(credentials) = &self.shared.relay.credentials {
            let auth = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            within(Phase::Auth, deadline, limit, auth).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let Shared { relay, tls, hello, .. } = &*self.shared;
        let at_once = tls.clone().filter(|_| relay.security == Security::Tls);
        let place = (relay.host.as_str(), relay.port);
        let limit = Some(self.shared.connecting);
        let mut connection = AsyncSmtpConnection::connect_tokio1(place, limit, hello, at_once, None).await?;
        if let (Security::StartTls, Some(tls)) = (relay.security, tls) {
            // Refuses a server that doesn't offer it.
            connection.starttls(tls.clone(), hello).await?;
        }
        Ok(connection)
    }
}

impl Offered {
    /// Hands the mail over. `Ok`: what the server said when it had it. The connection is returned in any case.
    pub(crate) async fn send(mut self, mail: &[u8]) -> (Result<String, Trouble>, Self) {
        let result = self.hand_over(mail).await;
        (result, self)
    }

    async fn hand_over(&mut self, mail: &[u8]) -> Result<String, Trouble> {
        let Shared { command, content, .. } = *self.smtp.shared;
        let data = within(
            Phase::Data,
            Instant::now() + command,
            command,
            self.connection.command(Data),
        );
        data.await?;
        let sent = within(
            Phase::Content,
            Instant::now() + content,
            content,
            self.connection.message(mail),
        );
        let reply = sent.await?;
        match reply.code().severity {
            Severity::PositiveCompletion => Ok(words(&reply)),
            // Neither yes nor no.
            _ => Err(Trouble::lost(Phase::Content, words(&reply))),
        }
    }

    /// Says goodbye, and waits for nothing.
    pub(crate) fn end(self) {
        tokio::spawn(quit(self.connection));
    }
}

fn words(reply: &Response) -> String {
    let lines: Vec<&str> = reply.message().collect();
    format!("{} {}", reply.code(), lines.join(" "))
}

async fn quit(mut connection: AsyncSmtpConnection) {
    // Whether it answers makes no difference any more.
    let _ = timeout(QUITTING, connection.quit()).await;
}

fn trust(relay: &Relay, args: &SmtpArgs) -> Result<TlsParameters, SmtpError> {
    let builder = TlsParameters::builder(relay.host.clone());
    let file = args.smtp_ca_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let builder = match file {
        None => builder,
        Some(path) => {
            let pem = std::fs::read(path).map_err(SmtpError::File)?;
            let roots = Certificate::from_pem(&pem).map_err(SmtpError::Tls)?;
            builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(roots)
        }
    };
    builder.build().map_err(SmtpError::Tls)
}

/// A phase, until its deadline.
async fn within<T>(
    phase: Phase,
    deadline: Instant,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    let call = Call::begin("smtp", phase.as_str());
    crash_points::call();
    let result = match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Trouble::of(phase, &error)),
        Err(_elapsed) => Err(Trouble::silence(phase, limit)),
    };
    crash_points::answer();
    match &result {
        Ok(_) => call.ended("done"),
        Err(trouble) => call.ended(&trouble.label()),
    }
    result
}
