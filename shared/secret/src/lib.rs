//! Settings that are secrets: the environment variable `X`, or the file that `X_FILE` names (as Docker and Kubernetes
//! mount secrets), or a service binding of Cloud Foundry. Never a flag: everybody on the machine can read a process's
//! command line.

mod binding;
mod ring;

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser as _;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};
use secrecy::{ExposeSecret as _, SecretString};

pub use ring::{RingKey, read_ring};

/// The names of a secret setting. Implemented by [`setting!`].
pub trait Setting: 'static {
    /// The environment variable.
    const VARIABLE: &'static str;
    /// The environment variable that names a file: `VARIABLE` and `_FILE`.
    const FILE_VARIABLE: &'static str;
    /// The flag that would carry the secret, to be refused.
    const FLAG: &'static str;
    /// The flag that names the file.
    const FILE_FLAG: &'static str;
    /// Its description for `--help`.
    const HELP: &'static str;
    /// Whether the program requires it.
    const REQUIRED: bool;
    /// Address schemes with which a service binding of Cloud Foundry may provide it; none: no binding does.
    const SCHEMES: &'static [&'static str];
}

/// Declares a secret setting: `setting!(pub DatabaseUrl, "database-url", "DATABASE_URL", required, "Address of …")`;
/// `optional` instead of `required` for a setting that may be unset; `required bound ["postgres"]` for an address that
/// is taken from a service binding of Cloud Foundry when it is not set.
#[macro_export]
macro_rules! setting {
    (
        $visibility:vis $name:ident, $flag:literal, $variable:literal,
        $need:ident $(bound [$($scheme:literal),+])?, $help:expr
    ) => {
        #[doc = concat!("The secret setting ", $variable, ".")]
        $visibility struct $name;

        impl $crate::Setting for $name {
            const VARIABLE: &'static str = $variable;
            const FILE_VARIABLE: &'static str = concat!($variable, "_FILE");
            const FLAG: &'static str = $flag;
            const FILE_FLAG: &'static str = concat!($flag, "-file");
            const HELP: &'static str = $help;
            const REQUIRED: bool = $crate::setting!(@ $need);
            const SCHEMES: &'static [&'static str] = &[$($($scheme),+)?];
        }
    };
    (@ required) => {
        true
    };
    (@ optional) => {
        false
    };
}

/// The value of a secret setting. Never prints itself.
pub struct Secret<S> {
    value: SecretString,
    setting: PhantomData<fn() -> S>,
}

impl<S> Secret<S> {
    /// The secret; empty when it is optional and unset.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

impl<S> From<&str> for Secret<S> {
    fn from(value: &str) -> Self {
        Self {
            value: SecretString::from(value),
            setting: PhantomData,
        }
    }
}

impl<S> Clone for Secret<S> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            setting: PhantomData,
        }
    }
}

impl<S> fmt::Debug for Secret<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<S: Setting> clap::FromArgMatches for Secret<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let (name, file_name) = (S::VARIABLE, S::FILE_VARIABLE);
        if matches.value_source(name) == Some(ValueSource::CommandLine) {
            let text = format!(
                "--{} is refused: everybody on this machine can read a command line; set {name} in the environment, or \
                 {file_name} to a file that holds it",
                S::FLAG
            );
            return Err(refusal(ErrorKind::UnknownArgument, &text));
        }
        // An empty value counts as unset, since deployment templates often set empty values.
        let value = matches.get_one::<String>(name).filter(|value| !value.is_empty());
        let file = matches
            .get_one::<PathBuf>(file_name)
            .filter(|path| !path.as_os_str().is_empty());
        match (value, file) {
            (Some(_), Some(_)) => {
                let text = format!("{name} and {file_name} are both set; set one");
                Err(refusal(ErrorKind::ArgumentConflict, &text))
            }
            (Some(value), None) => Ok(Self::from(value.as_str())),
            (None, Some(path)) => read(path)
                .map(|value| Self::from(value.expose_secret()))
                .map_err(|why| {
                    refusal(
                        ErrorKind::ValueValidation,
                        &format!("{file_name}: {}: {why}", path.display()),
                    )
                }),
            (None, None) if S::REQUIRED => match binding::of_environment(S::SCHEMES) {
                Ok(Some(address)) => Ok(Self::from(address.expose_secret())),
                Ok(None) => {
                    let text = format!("neither {name} nor {file_name} is set: {}", S::HELP);
                    Err(refusal(ErrorKind::MissingRequiredArgument, &text))
                }
                Err(why) => {
                    let text = format!("{name} is not set, and VCAP_SERVICES does not have it: {why}");
                    Err(refusal(ErrorKind::ValueValidation, &text))
                }
            },
            (None, None) => Ok(Self::from("")),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<S: Setting> clap::Args for Secret<S> {
    fn augment_args(command: Command) -> Command {
        let value = Arg::new(S::VARIABLE)
            .long(S::FLAG)
            .env(S::VARIABLE)
            .hide_env_values(true)
            .help(S::HELP)
            .hide(true);
        let file = Arg::new(S::FILE_VARIABLE)
            .long(S::FILE_FLAG)
            .env(S::FILE_VARIABLE)
            .value_name("FILE")
            // clap's own path parser refuses an empty path.
            .value_parser(clap::builder::OsStringValueParser::new().map(PathBuf::from))
            .help(format!(
                "{} A secret: set {} in the environment, or name a file that holds it{}.",
                S::HELP,
                S::VARIABLE,
                if S::SCHEMES.is_empty() {
                    ""
                } else {
                    ", or bind a service of Cloud Foundry"
                }
            ));
        command.arg(value).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn refusal(kind: ErrorKind, text: &str) -> Error {
    Error::raw(kind, format!("{text}\n"))
}

/// The file's content without the trailing line break that editors and `echo` add.
///
/// # Errors
/// Why it can't be read, or that it is empty.
pub fn read(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("it is empty".into()),
        text => Ok(SecretString::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    setting!(
        Needed,
        "a-needed-secret",
        "A_NEEDED_SECRET",
        required,
        "What is needed."
    );
    setting!(Extra, "an-extra-secret", "AN_EXTRA_SECRET", optional, "What is not.");

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        needed: Secret<Needed>,
        #[command(flatten)]
        extra: Secret<Extra>,
    }

    fn file(content: &[u8]) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let flag = format!("--a-needed-secret-file={}", file.path().display());
        (file, flag)
    }

    #[test]
    fn a_file_is_read_without_its_last_line_break_only() {
        for content in ["hunter2 ", "hunter2 \n", "hunter2 \r\n"] {
            let (_kept, flag) = file(content.as_bytes());
            let line = Line::try_parse_from(["test", &flag]).unwrap();
            assert_eq!((line.needed.expose(), line.extra.expose()), ("hunter2 ", ""));
            assert!(!format!("{line:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_flag_that_carries_a_secret_is_refused_and_not_repeated() {
        for flag in ["--a-needed-secret=hunter2", "--an-extra-secret=hunter2"] {
            let (_kept, from_file) = file(b"x");
            let error = Line::try_parse_from(["test", &from_file, flag])
                .unwrap_err()
                .to_string();
            assert!(error.contains("is refused: everybody on this machine"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_unreadable_or_empty_is_named() {
        let error = |arguments: &[&str]| {
            Line::try_parse_from([&["test"], arguments].concat())
                .unwrap_err()
                .to_string()
        };
        assert!(error(&[]).contains("neither A_NEEDED_SECRET nor A_NEEDED_SECRET_FILE is set: What is needed."));
        let missing = error(&["--a-needed-secret-file=/nowhere/at/all"]);
        assert!(
            missing.contains("A_NEEDED_SECRET_FILE: /nowhere/at/all: No such file"),
            "{missing}"
        );
        for content in [&b""[..], b"\n"] {
            let (_kept, flag) = file(content);
            assert!(error(&[&flag]).contains("it is empty"));
        }
        let (_kept, flag) = file(b"hunter2\xff");
        assert!(error(&[&flag]).contains("UTF-8") && !error(&[&flag]).contains("hunter2"));
    }

    #[test]
    fn help_names_both_ways_and_no_value() {
        use clap::CommandFactory as _;
        let help = Line::command().render_long_help().to_string();
        for words in [
            "--a-needed-secret-file",
            "A_NEEDED_SECRET_FILE",
            "set A_NEEDED_SECRET in the environment",
        ] {
            assert!(help.contains(words), "{help}");
        }
        assert!(!help.contains("--a-needed-secret "), "{help}");
    }
}
