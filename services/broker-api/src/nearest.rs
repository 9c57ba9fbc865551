//! The known name that was probably meant.

/// The most edits between a name and what was probably meant.
const MOST_EDITS: usize = 3;

/// The nearest of the known names, if one is near: upper and lower case, hyphens and underscores count as the same.
pub(crate) fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let given = folded(unknown);
    if given.chars().count() > 40 {
        return None;
    }
    known
        .iter()
        .map(|known| (edits(&given, &folded(known)), *known))
        // A third of the name changed is another name.
        .filter(|(edits, known)| *edits <= MOST_EDITS.min(known.len() / 3))
        .min()
        .map(|(_, known)| known)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

/// Levenshtein's distance.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, from) in from.chars().enumerate() {
        let mut corner = at;
        row[0] = at + 1;
        for (column, to) in to.iter().enumerate() {
            let replaced = corner + usize::from(from != *to);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        let known = ["displayName", "plan_updateable", "free", "id"];
        for (given, near) in [
            ("displayname", Some("displayName")),
            ("display_name", Some("displayName")),
            ("dispalyName", Some("displayName")),
            ("plan_updatable", Some("plan_updateable")),
            ("fre", Some("free")),
            ("FREE", Some("free")),
            ("Plan-Updateable", Some("plan_updateable")),
            ("ids", None),
            ("price", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, &known), near, "{given}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
