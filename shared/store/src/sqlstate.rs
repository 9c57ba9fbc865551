//! The meaning of PostgreSQL's error codes for the caller (SQLSTATE; PostgreSQL's manual, appendix A "PostgreSQL Error
//! Codes"): whether a retry is worthwhile.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Why a statement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// PostgreSQL is unavailable: starting, stopping, or out of connections or space; or the connection broke.
    Away,
    /// The statement conflicted with others or took too long; or this server takes no writes just now. It succeeds
    /// later.
    Passing,
    /// The statement, or what it would write, is wrong: it is refused again until somebody changes the program, the
    /// schema or the permissions.
    Refused,
}

impl Fault {
    pub(crate) fn of(error: &Error) -> Self {
        match error.code() {
            _ if is_outdated_plan(error) => Self::Passing,
            Some(code) => Self::of_code(code),
            None if error.is_closed() => Self::Away,
            None => Self::of_cause(error),
        }
    }

    pub(crate) fn of_code(code: &SqlState) -> Self {
        match code {
            // A primary that has become a standby.
            &SqlState::READ_ONLY_SQL_TRANSACTION
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | &SqlState::QUERY_CANCELED
            | &SqlState::LOCK_NOT_AVAILABLE
            | &SqlState::OBJECT_IN_USE
            | &SqlState::SYSTEM_ERROR
            | &SqlState::IO_ERROR => Self::Passing,
            code => Self::of_class(code.code()),
        }
    }

    fn of_class(code: &str) -> Self {
        let in_class = |class: &str| code.starts_with(class);
        // Connection exception, insufficient resources, operator intervention.
        if ["08", "53", "57P"].into_iter().any(in_class) {
            return Self::Away;
        }
        // Transaction rollback, and PostgreSQL 17's transaction_timeout, for which tokio-postgres has no constant.
        if ["40", "25P04"].into_iter().any(in_class) {
            return Self::Passing;
        }
        Self::Refused
    }

    /// Without a code, the statement never reached PostgreSQL, or the answer could not be read.
    fn of_cause(error: &Error) -> Self {
        match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
            // Too long, or with a NUL in its text: it can't be sent.
            Some(cause) if cause.kind() == io::ErrorKind::InvalidInput => Self::Refused,
            Some(_) => Self::Away,
            None => Self::Refused,
        }
    }
}

/// A prepared statement whose result has other types since a migration ("cached plan must not change result type"). Its code says
/// only FEATURE_NOT_SUPPORTED; the routine is the same in every language (PostgreSQL, `plancache.c`).
pub(crate) fn is_outdated_plan(error: &Error) -> bool {
    let routine = error.as_db_error().and_then(DbError::routine);
    routine == Some("RevalidateCachedQuery")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_worth_asking_again() {
        let table = [
            (
                Fault::Away,
                &[
                    SqlState::CONNECTION_EXCEPTION,
                    SqlState::CONNECTION_DOES_NOT_EXIST,
                    SqlState::CONNECTION_FAILURE,
                    SqlState::SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
                    SqlState::SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION,
                    SqlState::PROTOCOL_VIOLATION,
                    SqlState::INSUFFICIENT_RESOURCES,
                    SqlState::DISK_FULL,
                    SqlState::OUT_OF_MEMORY,
                    SqlState::TOO_MANY_CONNECTIONS,
                    SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::DATABASE_DROPPED,
                ][..],
            ),
            (
                Fault::Passing,
                &[
                    SqlState::TRANSACTION_ROLLBACK,
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                    SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
                    SqlState::LOCK_NOT_AVAILABLE,
                    SqlState::OBJECT_IN_USE,
                    SqlState::QUERY_CANCELED,
                    SqlState::READ_ONLY_SQL_TRANSACTION,
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    SqlState::from_code("25P04"),
                    SqlState::SYSTEM_ERROR,
                    SqlState::IO_ERROR,
                ],
            ),
            (
                Fault::Refused,
                &[
                    SqlState::FEATURE_NOT_SUPPORTED,
                    SqlState::CARDINALITY_VIOLATION,
                    SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                    SqlState::DIVISION_BY_ZERO,
                    SqlState::NOT_NULL_VIOLATION,
                    SqlState::FOREIGN_KEY_VIOLATION,
                    SqlState::UNIQUE_VIOLATION,
                    SqlState::CHECK_VIOLATION,
                    SqlState::EXCLUSION_VIOLATION,
                    SqlState::IN_FAILED_SQL_TRANSACTION,
                    SqlState::INVALID_SQL_STATEMENT_NAME,
                    SqlState::INVALID_PASSWORD,
                    SqlState::INVALID_CATALOG_NAME,
                    SqlState::SYNTAX_ERROR,
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    SqlState::UNDEFINED_TABLE,
                    SqlState::UNDEFINED_COLUMN,
                    SqlState::UNDEFINED_FUNCTION,
                    SqlState::DATATYPE_MISMATCH,
                    SqlState::INDETERMINATE_DATATYPE,
                    SqlState::AMBIGUOUS_COLUMN,
                    SqlState::WITH_CHECK_OPTION_VIOLATION,
                    SqlState::STATEMENT_TOO_COMPLEX,
                    SqlState::TOO_MANY_ARGUMENTS,
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    SqlState::RAISE_EXCEPTION,
                    SqlState::INTERNAL_ERROR,
                    SqlState::UNDEFINED_FILE,
                    SqlState::DATA_CORRUPTED,
                    SqlState::INDEX_CORRUPTED,
                    SqlState::from_code("ZZ999"),
                ],
            ),
        ];
        for (fault, codes) in table {
            for code in codes {
                assert_eq!(Fault::of_code(code), fault, "{}", code.code());
            }
        }
    }
}
