//! Why a command could not do its work: exit code 2.

/// Why nothing could be checked or done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The database doesn't know the id.
    #[error(
        "there is no instance {0:?} in this database. Its id is what `cf service NAME --guid` prints, or `cdnctl \
         instances --domain NAME`. Is DATABASE_URL that of the broker which has it? An instance whose provision was refused was never stored"
    )]
    Unknown(String),
    /// The request makes no sense in the current state.
    #[error("{0}")]
    Refused(String),
    /// The database did not respond.
    #[error("the database can't be queried (`cdnctl doctor` says more)")]
    Database(#[from] store::StoreError),
    /// RabbitMQ did not respond.
    #[error("RabbitMQ can't be queried (`cdnctl doctor` says more)")]
    Queues(#[from] messaging::MessagingError),
    /// AWS did not respond.
    #[error("CloudFront can't be queried (`distribution doctor` says more)")]
    CloudFront(#[from] aws::Failure),
    /// The configured AWS partition has no known CloudFront.
    #[error(transparent)]
    Region(#[from] aws::UnsupportedRegion),
    /// A file of a live check can't be read or written.
    #[error("{path} can't be used")]
    Folder {
        /// The path.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The report can't be written.
    #[error("the report can't be written")]
    Report(#[from] serde_json::Error),
}

impl CommandError {
    pub(crate) fn unknown(id: &str) -> Self {
        Self::Unknown(id.to_owned())
    }
}
