//! Generates the code that follows from the table of stores. A row has a kind, its name in SQL, and the module with
//! `Store` and its settings, `Args`.

macro_rules! stores {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $module:ident;)+) => {
        /// A certificate store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)+
        }

        impl Kind {
            /// The kind's name in SQL.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }

        /// The stores' settings.
        #[derive(Debug, Clone, clap::Args)]
        pub struct StoreArgs {
            $(#[command(flatten)] $module: $module::Args,)+
        }

        /// The stores.
        pub struct Stores {
            $($module: Arc<$module::Store>,)+
        }

        impl Stores {
            /// With their settings, and clients with this configuration.
            pub fn new(args: StoreArgs, sdk: &SdkConfig) -> Self {
                Self {
                    $($module: Arc::new($module::Store::new(args.$module, sdk)),)+
                }
            }

            /// The store of that kind.
            pub fn of(&self, kind: Kind) -> &dyn CertificateStore {
                match kind {
                    $(Kind::$kind => &*self.$module,)+
                }
            }

            /// All of them.
            pub fn all(&self) -> Vec<(Kind, Arc<dyn CertificateStore>)> {
                vec![$((Kind::$kind, self.$module.clone() as Arc<dyn CertificateStore>),)+]
            }
        }
    };
}
