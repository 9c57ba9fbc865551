//! Connections: plain for amqp://, with TLS for amqps://, whose certificate is always verified.

use std::path::Path;
use std::sync::Arc;

use ::tls::{Check, Problem, Roots};
use lapin::tcp::{AsyncTcpStream, RustlsConnector};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};

use crate::args::AmqpArgs;
use crate::error::{MessagingError, TlsRefused};

/// Opens a connection according to AMQP_URL and AMQP_CA_FILE.
///
/// # Errors
/// When they are invalid, RabbitMQ can't be reached, or its certificate is not what it should be.
pub(crate) async fn connect(args: &AmqpArgs, properties: ConnectionProperties) -> Result<Connection, MessagingError> {
    let uri: AMQPUri = args
        .amqp_url
        .expose()
        .parse()
        // Without the cause, which may quote the address.
        .map_err(|_| MessagingError::Setting("AMQP_URL can't be read; write amqps://user:password@host:port/vhost"))?;
    let ca_file = args.amqp_ca_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let connector = match (&uri.scheme, ca_file) {
        (AMQPScheme::AMQP, None) => None,
        (AMQPScheme::AMQP, Some(_)) => {
            return Err(MessagingError::Setting(
                "AMQP_CA_FILE is set, but AMQP_URL is amqp://, which verifies nothing; write amqps://",
            ));
        }
        (AMQPScheme::AMQPS, file) => Some(connector(file)?),
    };
    let runtime = lapin::runtime::default_runtime().map_err(refusal)?;
    Connection::connector(
        uri,
        runtime,
        async move |uri, runtime| {
            let host = uri.authority.host;
            let found = tokio::net::lookup_host((host.as_str(), uri.authority.port)).await?;
            let stream = AsyncTcpStream::connect(&runtime, found.collect::<Vec<_>>()).await?;
            Ok(match &connector {
                Some(connector) => stream.into_rustls(connector, &host).await?,
                None => stream,
            })
        },
        properties,
    )
    .await
    .map_err(refusal)
}

fn connector(ca_file: Option<&Path>) -> Result<RustlsConnector, MessagingError> {
    let config = ::tls::client_config(Check::Full, &Roots::from_file(ca_file), None).map_err(MessagingError::Trust)?;
    Ok(RustlsConnector::from(Arc::new(config)))
}

/// lapin's error or, for a TLS problem, the problem with its remedy.
fn refusal(error: lapin::Error) -> MessagingError {
    match Problem::find(&error) {
        Some(problem) => MessagingError::Tls(TlsRefused(problem)),
        None => MessagingError::Connection(error),
    }
}
