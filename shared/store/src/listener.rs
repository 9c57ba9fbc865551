//! A connection of its own, on which PostgreSQL notifies changes.

use std::future::poll_fn;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection};
use tokio_util::task::AbortOnDropHandle;

use crate::connection::DatabaseArgs;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::tls::Address;

/// A connection that listens to one channel.
pub(crate) struct Listener {
    /// For statements.
    pub(crate) client: Client,
    notices: mpsc::UnboundedReceiver<String>,
    _driver: AbortOnDropHandle<()>,
}

impl Listener {
    /// Connects, and runs the statement `listen …`. From then on nothing that is notified is missed.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached, or refuses.
    pub(crate) async fn connect(args: &DatabaseArgs, application: &str, listen: Statement) -> Result<Self, StoreError> {
        let ca_file = args.database_ca_file.as_deref();
        let mut address = Address::read(
            args.database_url.expose(),
            ca_file.filter(|path| !path.as_os_str().is_empty()),
        )?;
        let connector = address.connector()?;
        address
            .config
            .application_name(application)
            .connect_timeout(Duration::from_secs(5))
            // The reader doesn't wait longer.
            .options("-c statement_timeout=3s");
        let connected = address.config.connect(connector).await;
        let (client, connection) = connected.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let (sender, notices) = mpsc::unbounded_channel();
        let driver = AbortOnDropHandle::new(tokio::spawn(drive(connection, sender)));
        listen.batch(&client).await?;
        Ok(Self {
            client,
            notices,
            _driver: driver,
        })
    }

    /// Waits for the next notification. What it is of: its payload.
    ///
    /// # Errors
    /// When the connection has ended.
    pub(crate) async fn next(&mut self) -> Result<String, StoreError> {
        let notice = self.notices.recv().await;
        notice.ok_or_else(|| StoreError::Unavailable("the connection has ended".into()))
    }

    /// Forgets what was notified until now.
    pub(crate) fn forget(&mut self) {
        while self.notices.try_recv().is_ok() {}
    }
}

/// Drives the connection until its end; then the sender is gone.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: mpsc::UnboundedSender<String>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            // Its reader is gone: so is this task, in a moment.
            let _ = notices.send(notification.payload().to_owned());
        }
    }
}
