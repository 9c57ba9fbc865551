//! How a text survives a terminal. The `cf` CLI breaks the message at blanks, wherever its count from the beginning of
//! the text (not of the line) reaches the terminal's width, and begins the next line with 14 blanks (cli ccfd649d,
//! `util/ui/ui.go`, `displayWrappingTableWithWidth`). So text that is to be copied contains no blank, each record has a
//! line of its own, and no other line is longer than what fits next to the 14 blanks in 80 columns.

/// The maximum length of a line that is neither name nor value.
pub(super) const WIDTH: usize = 66;
/// The prefix of a folded line's continuation. Nothing else begins with this many blanks.
const FOLD: &str = "\n    ";

/// A text, line by line.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A text that begins with these words.
    pub(super) fn of(words: &str) -> Self {
        let mut text = Self::default();
        for line in words.split('\n') {
            text.say(line);
        }
        text
    }

    /// A line of words, folded where it is too long; a word that is longer is not broken.
    pub(super) fn say(&mut self, words: &str) {
        self.begin_line();
        let mut width = 0;
        for (at, word) in words.split(' ').enumerate() {
            let length = word.chars().count();
            if at > 0 && width + 1 + length > WIDTH {
                self.0.push_str(FOLD);
                width = FOLD.len() - 1;
            } else if at > 0 {
                self.0.push(' ');
                width += 1;
            }
            self.0.push_str(word);
            width += length;
        }
    }

    /// A line that is not folded: names and values, for copying.
    pub(super) fn record(&mut self, line: &str) {
        self.begin_line();
        self.0.push_str(line);
    }

    /// Another text's lines.
    pub(super) fn append(&mut self, other: Self) {
        if !other.is_empty() {
            self.record(&other.0);
        }
    }

    /// Another text's lines, after an empty line.
    pub(super) fn append_apart(&mut self, other: Self) {
        if !self.is_empty() && !other.is_empty() {
            self.0.push('\n');
        }
        self.append(other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn begin_line(&mut self) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
    }
}

/// The text with folded lines joined again, for output that is not a terminal.
pub fn unfolded(text: &str) -> String {
    text.replace(FOLD, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_at_blanks_and_unfolded_again() {
        let name = format!("{}.example.com", "a".repeat(80));
        let said =
            format!("the record of {name} is not in place, and so it is waited for; set it as it is shown above");
        let mut text = Text::default();
        text.say(&said);
        let text = text.into_string();
        assert!(text.contains(&name), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH || line.contains(&name), "{line}");
        }
        assert_eq!(unfolded(&text), said);
    }
}
