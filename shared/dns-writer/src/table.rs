//! Generates the code that follows from the table of writers. A row has a kind, its name in the setting, and the module
//! with `Writer` and its settings, `Args`.

macro_rules! writers {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $module:ident;)+) => {
        /// A kind of DNS server.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
        pub enum Kind {
            $($(#[$doc])* #[value(name = $name)] $kind,)+
        }

        /// The settings of every kind.
        #[derive(Debug, Clone, clap::Args)]
        pub(crate) struct WriterArgs {
            $(#[command(flatten)] $module: $module::Args,)+
        }

        impl WriterArgs {
            /// The writer of that kind for the zone. It connects to nothing.
            pub(crate) async fn open(self, kind: Kind, zone: &str) -> Result<Arc<dyn DnsWriter>, InvalidSetting> {
                match kind {
                    $(Kind::$kind => Ok(Arc::new($module::Writer::open(self.$module, zone).await?)),)+
                }
            }
        }
    };
}
