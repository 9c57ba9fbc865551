//! Which domains a check looks at: a few, the next time the next ones. Pure.

use pipeline::outside::MOST_DOMAINS;

/// Those that are looked at now, of the sorted ones of an instance, and where the next check begins, if they are not all.
pub(crate) fn in_turn<'d>(domains: &'d [String], begin: Option<&str>) -> (Vec<&'d str>, Option<&'d str>) {
    // The one that was to be the next may have gone since.
    let first = begin.and_then(|begin| domains.iter().position(|domain| domain.as_str() >= begin));
    let mut all = domains
        .iter()
        .cycle()
        .skip(first.unwrap_or(0))
        .take(domains.len())
        .map(String::as_str);
    let now = all.by_ref().take(MOST_DOMAINS).collect();
    (now, all.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number:02}.example.com")).collect()
    }

    #[test]
    fn a_few_are_looked_at_and_the_next_time_the_next_ones() {
        let twenty = names(20);
        let (first, next) = in_turn(&twenty, None);
        assert_eq!(first, &twenty[..8]);
        let (second, next) = in_turn(&twenty, next);
        assert_eq!(second, &twenty[8..16]);
        let (third, next) = in_turn(&twenty, next);
        assert_eq!(third[..4], twenty[16..]);
        assert_eq!(third[4..], twenty[..4]);
        assert_eq!(next, Some("04.example.com"));
    }

    #[test]
    fn a_domain_that_has_gone_since_is_left_out() {
        let twenty = names(20);
        assert_eq!(in_turn(&twenty, Some("08.example")).0[0], "08.example.com");
        assert_eq!(in_turn(&twenty, Some("zz.example.com")).0[0], "00.example.com");
    }

    #[test]
    fn few_are_all_looked_at() {
        for count in [0, 1, MOST_DOMAINS] {
            let all = names(count);
            let (now, next) = in_turn(&all, Some("00.example.com"));
            assert_eq!((now.len(), next), (count, None));
        }
    }
}
