//! The known name that was probably meant.

/// The maximum number of edits between a name and the name that was probably meant.
const MOST_EDITS: usize = 3;

/// The nearest of the known names, if one is near: case, and hyphens versus underscores, make no difference.
pub fn did_you_mean<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let given = folded(unknown);
    if given.chars().count() > 40 {
        return None;
    }
    known
        .iter()
        .map(|known| (strsim::levenshtein(&given, &folded(known)), *known))
        // With a third of its letters changed it is a different name.
        .filter(|(edits, known)| *edits <= MOST_EDITS.min(known.len() / 3))
        .min()
        .map(|(_, known)| known)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
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
            assert_eq!(did_you_mean(given, &known), near, "{given}");
        }
    }
}
