//! The order in which Route 53 lists names: by their labels from the right (API reference, "ListResourceRecordSets":
//! `com.example.www.`, and the trailing dot counts).

/// A name's place in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(String);

impl Place {
    /// The place of a name, with or without a trailing dot.
    pub(super) fn of(name: &str) -> Self {
        let mut place = String::with_capacity(name.len() + 1);
        for label in plain(name).rsplit('.') {
            place.push_str(label);
            place.push('.');
        }
        Self(place)
    }

    /// Whether this is a name below the other.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self != other && self.0.starts_with(&other.0)
    }
}

/// A name as the broker writes it: in lower case, without a trailing dot.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_below_a_zone_stand_together_after_it() {
        let mut names = [
            "a-z.example",
            "az.example",
            "b.a.example",
            "a.example",
            "example",
            "z.b.a.example",
            "ba.example",
        ];
        names.sort_by_key(|name| Place::of(name));
        assert_eq!(
            names,
            [
                "example",
                "a-z.example",
                "a.example",
                "b.a.example",
                "z.b.a.example",
                "az.example",
                "ba.example"
            ]
        );
        let zone = Place::of("A.example.");
        let below: Vec<_> = names.iter().filter(|name| Place::of(name).is_below(&zone)).collect();
        assert_eq!(below, [&"b.a.example", &"z.b.a.example"]);
    }
}
