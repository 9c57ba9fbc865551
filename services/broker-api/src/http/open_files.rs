//! How many files and connections the system lets this process open.

/// Left for PostgreSQL, RabbitMQ and other files.
const OTHERS: usize = 64;

/// The wished number of connections, or fewer if the system's limit on open files requires it.
pub(crate) fn at_most(wished: usize) -> usize {
    let Some(limit) = std::fs::read_to_string("/proc/self/limits")
        .ok()
        .as_deref()
        .and_then(soft)
    else {
        return wished;
    };
    let possible = limit.saturating_sub(OTHERS).max(1);
    if wished > possible {
        tracing::warn!(
            wished,
            possible,
            "MAX_CONNECTIONS is more than this process may open; raise its limit of open files (ulimit -n)"
        );
    }
    wished.min(possible)
}

/// The soft limit in Linux' /proc/<pid>/limits; `None` when it is unlimited.
fn soft(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(soft(limits), Some(1024));
        assert_eq!(
            soft("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(soft(""), None);
        assert_eq!(at_most(1), 1);
    }
}
