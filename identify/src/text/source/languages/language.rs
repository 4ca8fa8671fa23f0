//! A language, the line patterns (tells) that identify it, and the lines that they are matched
//! against.

use crate::numbers;

/// A language and its tells.
pub(in crate::text::source) struct Language {
    pub(in crate::text::source) media_type: &'static str,
    /// The score from which content alone is believed.
    pub(in crate::text::source) enough: usize,
    pub(super) tells: &'static [Tell],
}

/// One tell: a line that starts with the first, holds the second and ends with
/// the third string (empty strings always fit), worth so much, counted twice
/// at most.
pub(super) struct Tell(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) usize,
);

impl Language {
    pub(in crate::text::source) fn score(&self, lines: &Lines<'_>) -> usize {
        self.tells
            .iter()
            .map(|tell| tell.hits(lines) * tell.3)
            .sum()
    }
}

impl Tell {
    fn hits(&self, lines: &Lines<'_>) -> usize {
        let fitting = |line: &&&str| {
            line.starts_with(self.0) && line.ends_with(self.2) && line.contains(self.1)
        };
        if let Some(first) = self.0.bytes().next() {
            return lines.by_first_byte[usize::from(first)]
                .iter()
                .filter(fitting)
                .take(2)
                .count();
        }
        let rarest = if self.1.is_empty() { self.2 } else { self.1 };
        if !numbers::contains(lines.joined.as_bytes(), rarest.as_bytes()) {
            return 0;
        }
        lines.all.iter().filter(fitting).take(2).count()
    }
}

/// Lines of code, arranged so that most tells need not look at most of them.
pub(in crate::text::source) struct Lines<'a> {
    all: Vec<&'a str>,
    by_first_byte: Vec<Vec<&'a str>>,
    joined: String,
}

impl<'a> Lines<'a> {
    pub(in crate::text::source) fn new(all: Vec<&'a str>) -> Self {
        let mut by_first_byte = vec![Vec::new(); 256];
        for line in &all {
            if let Some(first) = line.bytes().next() {
                by_first_byte[usize::from(first)].push(*line);
            }
        }
        let joined = all.join("\n");
        Self {
            all,
            by_first_byte,
            joined,
        }
    }
}
