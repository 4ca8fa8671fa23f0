//! Names for the entries of an archive that any system can unpack: no path but
//! the name, nothing reserved, and no two that some file system takes for one.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use unicode_normalization::UnicodeNormalization;

/// The longest name, in bytes: file systems take 255, and unpackers add some.
const LONGEST: usize = 200;

/// Names that Windows gives to devices, whatever extension follows.
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// The names of an archive so far. It keeps a few dozen bytes for each.
#[derive(Debug, Default)]
pub struct Names {
    /// What names look like to the least exact file system.
    taken: HashSet<u64>,
    /// The same of what numbers are put behind → the number to try next. Names that are cut to
    /// make room for a number share it.
    next: HashMap<u64, u32>,
    keys: RandomState,
    #[cfg(test)]
    tries: usize,
}

impl Names {
    /// No name is taken but these, which the archive has a use for.
    #[must_use]
    pub fn reserving(reserved: &[&str]) -> Self {
        let mut names = Self::default();
        for name in reserved {
            let key = names.key(name);
            names.taken.insert(key);
        }
        names
    }

    /// A safe name like `name` that no other entry has; from now on it is taken.
    /// A name that is taken gets a number: `report (2).pdf`.
    pub fn take(&mut self, name: &str) -> String {
        let safe = safe(name);
        if self.taken.insert(self.key(&safe)) {
            return safe;
        }
        let stem = self.key(&numbered(&safe, u32::MAX));
        let next = self.next.get(&stem).copied().unwrap_or(2);
        for number in next.. {
            #[cfg(test)]
            {
                self.tries += 1;
            }
            let numbered = numbered(&safe, number);
            if self.taken.insert(self.key(&numbered)) {
                self.next.insert(stem, number.saturating_add(1));
                return numbered;
            }
        }
        safe
    }

    /// Names that differ only in case or normal form have one key. Two others may share
    /// one by a rare chance; then the second gets a number that it didn't need.
    fn key(&self, name: &str) -> u64 {
        self.keys.hash_one(folded(name))
    }
}

/// A name without the differences that some file system doesn't see.
pub(crate) fn folded(name: &str) -> String {
    name.nfkc()
        .collect::<String>()
        .to_lowercase()
        .nfkc()
        .collect()
}

/// `report.pdf` and 2 are `report (2).pdf`.
fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = split(name);
    let suffix = format!(" ({number}){extension}");
    format!(
        "{}{suffix}",
        shortened(stem, LONGEST.saturating_sub(suffix.len()))
    )
}

/// Stem and extension, the latter with its dot, if it is short enough to be one.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 20 => name.split_at(at),
        _ => (name, ""),
    }
}

fn shortened(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let text = &text[..text.floor_char_boundary(most)];
    text.trim_end_matches([' ', '.'])
}

fn safe(name: &str) -> String {
    let clean: String = name.chars().map(safe_character).collect();
    let clean = clean.trim_start().trim_end_matches([' ', '.']);
    let (stem, extension) = split(clean);
    let stem = shortened(stem, LONGEST - extension.len());
    match stem {
        "" | "." | ".." => format!("_{extension}"),
        stem if is_device(stem) => format!("_{stem}{extension}"),
        stem => format!("{stem}{extension}"),
    }
}

fn safe_character(character: char) -> char {
    match character {
        '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        character if turns(character) || character.is_control() => '_',
        character => character,
    }
}

/// What turns the direction of writing shows a name as another one.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

fn is_device(stem: &str) -> bool {
    let first = folded(stem.split('.').next().unwrap_or(stem).trim_end());
    DEVICES.contains(&first.as_str())
        || NUMBERED_DEVICES.iter().any(|device| {
            first.strip_prefix(device).is_some_and(|number| {
                number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit())
            })
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn twins_are_told_apart_by_a_number() {
        let mut names = Names::reserving(&["manifest.json"]);
        let mut take = |name| names.take(name);
        assert_eq!(take("report.pdf"), "report.pdf");
        assert_eq!(take("report.pdf"), "report (2).pdf");
        assert_eq!(take("Report.PDF"), "Report (3).PDF");
        assert_eq!(take("report (2).pdf"), "report (2) (2).pdf");
        assert_eq!(take("caf\u{e9}"), "caf\u{e9}");
        assert_eq!(take("cafe\u{301}"), "cafe\u{301} (2)");
        assert_eq!(take("Manifest.json"), "Manifest (2).json");
    }

    #[test]
    fn what_a_system_reserves_is_not_used() {
        let mut names = Names::default();
        for (name, safe) in [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("C:\\boot.ini", "C__boot.ini"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("com\u{b9}", "_com\u{b9}"),
            ("trailing. . .", "trailing"),
            ("  ", "_"),
            ("...", "_ (2)"),
            ("a\u{202e}fdp.exe", "a_fdp.exe"),
            ("tab\there", "tab_here"),
            ("console", "console"),
        ] {
            assert_eq!(names.take(name), safe, "{name}");
        }
    }

    #[test]
    fn twins_cost_no_more_than_others_wherever_they_differ() {
        const MOST: usize = 20_000;
        let long = "q".repeat(185);
        let kinds: [&dyn Fn(usize) -> String; 6] = [
            &|_| "same.txt".to_owned(),
            &|index| format!("{}.txt", if index % 2 == 0 { "same" } else { "SAME" }),
            // They differ behind what is kept beside a number.
            &|index| format!("{long}{index:015}"),
            &|index| format!("{long}{index:011}.pdf"),
            &|index| {
                format!(
                    "{long}{}{index:010}",
                    if index % 2 == 0 { "\u{e9}" } else { "e\u{301}" }
                )
            },
            // Numbers that are taken before their turn.
            &|index| {
                if index < MOST / 2 {
                    format!("a ({index})")
                } else {
                    "a".to_owned()
                }
            },
        ];
        for kind in kinds {
            let mut names = Names::default();
            let given = (0..MOST).map(kind).collect::<Vec<_>>();
            let taken: HashSet<_> = given
                .iter()
                .chain(&given)
                .map(|name| names.take(name))
                .collect();
            assert_eq!(taken.len(), 2 * MOST, "{}", given[1]);
            assert!(names.tries <= 4 * MOST, "{}: {}", given[1], names.tries);
        }
    }

    proptest! {
        #[test]
        fn every_name_is_safe_and_unique(given in proptest::collection::vec(".{0,300}", 1..40)) {
            let mut names = Names::default();
            let mut seen = HashSet::new();
            for name in given.iter().chain(&given) {
                let name = names.take(name);
                prop_assert!(!name.is_empty() && name.len() <= 220, "{name}");
                prop_assert!(!name.contains(['/', '\\', ':', '\0']), "{name}");
                prop_assert!(!name.ends_with([' ', '.']) && name != "..", "{name}");
                prop_assert!(!name.chars().any(char::is_control), "{name}");
                prop_assert!(seen.insert(folded(&name)), "{name}");
            }
        }
    }
}
