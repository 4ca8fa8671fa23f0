//! Finds which names an owner's documents have, and numbered names that are free. A chunk sends a
//! bounded number of queries, however many documents have a name.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query};
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, DocumentName, Timestamp, UserId};

/// The longest name, in characters.
const LONGEST: usize = 255;

/// What may follow the last dot of a name and be kept behind its number, with the dot.
const LONGEST_EXTENSION: usize = 20;

/// How many more numbers than needed are tried together.
const WINDOW: u32 = 16;

/// How often numbers are tried before a name is given up. Only small gaps between taken numbers
/// need more than two.
const ROUNDS: usize = 8;

/// How many numbers between a taken and a free one each query checks.
const POINTS: u32 = 16;

/// A name, and the newest document that has it.
#[derive(FromQueryResult)]
struct TakenRow {
    name: String,
    document_id: Option<Uuid>,
}

/// Returns of each of `names` the newest document of the owner that has it and isn't archived. With
/// `before`, documents created since then don't count.
pub(super) async fn find_taken(
    transaction: &DatabaseTransaction,
    owner: UserId,
    names: &[&str],
    before: Option<Timestamp>,
) -> Result<HashMap<String, DocumentId>, DbError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    // One step along the index for each name, whose rows are in the order of their ids, however
    // many documents have it.
    let since = if before.is_some() {
        " AND documents.id < $3"
    } else {
        ""
    };
    let sql = format!(
        "SELECT x.value AS name, (SELECT documents.id FROM documents WHERE documents.owner_id = $2 \
         AND documents.name = x.value AND documents.status <> 'archived'{since} \
         ORDER BY documents.id DESC LIMIT 1) AS document_id FROM ({}) x",
        transaction.dialect().texts()
    );
    let mut values = vec![parameter(names)?, owner.0.into()];
    values.extend(before.map(|before| least_id(before).into()));
    let mut found = HashMap::new();
    for row in query(transaction, sql, values).await? {
        let row = TakenRow::from_query_result(&row, "")?;
        if let Some(document) = row.document_id {
            found.insert(row.name, DocumentId(document));
        }
    }
    Ok(found)
}

/// An id that sorts before all that were created at `moment` or later (RFC 9562, section 5.7).
fn least_id(moment: Timestamp) -> Uuid {
    let milliseconds = u128::try_from(moment.as_micros() / 1000).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

/// Returns for each of `names`, which are taken, a numbered name that is free, each a different one;
/// `None` if no number that was tried is free.
pub(super) async fn find_free(
    transaction: &DatabaseTransaction,
    owner: UserId,
    names: &[DocumentName],
    used: &mut HashSet<String>,
) -> Result<Vec<Option<DocumentName>>, DbError> {
    let ledger = Ledger { transaction, owner };
    let mut found = vec![None; names.len()];
    let mut open = searches(names);
    for round in 0..ROUNDS {
        if round > 0 {
            ledger.skip(&mut open, used).await?;
        }
        let windows = open.iter().flat_map(|search| {
            let numbers = search.window();
            numbers.filter_map(|number| search.stem.candidate(number))
        });
        let taken = ledger.taken(windows).await?;
        for search in &mut open {
            for number in search.window() {
                let Some(place) = search.waiting.last() else {
                    break;
                };
                search.next = number + 1;
                if let Some(free) = search.stem.free(number, &taken, used) {
                    used.insert(free.as_str().to_owned());
                    found[*place] = Some(free);
                    search.waiting.pop();
                }
            }
        }
        open.retain(|search| !search.waiting.is_empty());
        if open.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// The searches for `names`. Names that could get the same numbered name, because their stems are
/// cut to make room for the number, share a search, which gives each number once.
fn searches(names: &[DocumentName]) -> Vec<Search<'_>> {
    let mut searches: HashMap<(&str, &str), Search<'_>> = HashMap::new();
    for (place, name) in names.iter().enumerate().rev() {
        let whole = Stem::of(name.as_str());
        let cut = whole.cut();
        match searches.entry((cut.stem, cut.extension)) {
            Entry::Occupied(mut other) => {
                let other = other.get_mut();
                if other.stem != whole {
                    other.stem = cut;
                }
                other.waiting.push(place);
            }
            Entry::Vacant(none) => {
                none.insert(Search {
                    stem: whole,
                    waiting: vec![place],
                    next: 2,
                });
            }
        }
    }
    searches.into_values().collect()
}

/// The search for numbers behind one stem.
struct Search<'a> {
    stem: Stem<'a>,
    /// Who needs one, the first of them last.
    waiting: Vec<usize>,
    /// The number to go on with.
    next: u32,
}

impl Search<'_> {
    fn window(&self) -> std::ops::Range<u32> {
        let needed = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.next..self.next.saturating_add(needed).saturating_add(WINDOW)
    }
}

/// What a number is put behind, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stem<'a> {
    stem: &'a str,
    extension: &'a str,
}

impl<'a> Stem<'a> {
    fn of(name: &'a str) -> Self {
        let (stem, extension) = match name.rfind('.') {
            Some(at) if at > 0 && name[at..].chars().count() <= LONGEST_EXTENSION => {
                name.split_at(at)
            }
            _ => (name, ""),
        };
        Self { stem, extension }
    }

    /// As much of it as the longest number leaves room for.
    fn cut(self) -> Self {
        Self {
            stem: self.beside(&self.suffix(u32::MAX)),
            ..self
        }
    }

    fn suffix(self, number: u32) -> String {
        format!(" ({number}){}", self.extension)
    }

    /// The stem, cut so that the suffix has room.
    fn beside(self, suffix: &str) -> &'a str {
        let room = LONGEST.saturating_sub(suffix.chars().count());
        let end = self.stem.char_indices().nth(room);
        self.stem[..end.map_or(self.stem.len(), |(end, _)| end)].trim_end()
    }

    /// `report.pdf` and 2 are `report (2).pdf`. A stem that leaves no room is cut.
    fn candidate(self, number: u32) -> Option<DocumentName> {
        let suffix = self.suffix(number);
        format!("{}{suffix}", self.beside(&suffix)).parse().ok()
    }

    /// The candidate, if neither the ledger nor the chunk has it.
    fn free(
        self,
        number: u32,
        taken: &HashSet<String>,
        used: &HashSet<String>,
    ) -> Option<DocumentName> {
        let is_free =
            |name: &DocumentName| !taken.contains(name.as_str()) && !used.contains(name.as_str());
        self.candidate(number).filter(is_free)
    }
}

struct Ledger<'a> {
    transaction: &'a DatabaseTransaction,
    owner: UserId,
}

impl Ledger<'_> {
    /// Returns which of them are taken.
    async fn taken(
        &self,
        names: impl Iterator<Item = DocumentName>,
    ) -> Result<HashSet<String>, DbError> {
        let names: Vec<_> = names.collect();
        let names: Vec<_> = names.iter().map(DocumentName::as_str).collect();
        let taken = find_taken(self.transaction, self.owner, &names, None).await?;
        Ok(taken.into_keys().collect())
    }

    /// Moves searches past numbers that are taken, by doubling the step until one is free, then by
    /// bisection. Drops those for which none is found.
    async fn skip(
        &self,
        open: &mut Vec<Search<'_>>,
        used: &HashSet<String>,
    ) -> Result<(), DbError> {
        let steps = |next: u32| {
            let additional =
                (0..u32::BITS - 1).map_while(move |power| next.checked_add(1 << power));
            std::iter::once(next).chain(additional)
        };
        let asked = open.iter().flat_map(|search| {
            let numbers = steps(search.next);
            numbers.filter_map(|number| search.stem.candidate(number))
        });
        let taken = self.taken(asked).await?;
        let mut gaps: Vec<_> = open
            .iter()
            .map(|search| {
                let mut gap = Gap {
                    taken: search.next - 1,
                    free: None,
                };
                let is_free = |number| search.stem.free(number, &taken, used).is_some();
                gap.narrow(steps(search.next), is_free);
                gap
            })
            .collect();
        let is_open = |gap: &Gap| gap.free.is_some() && gap.points().next().is_some();
        while gaps.iter().any(is_open) {
            let asked = open.iter().zip(&gaps).filter(|(_, gap)| is_open(gap));
            let asked = asked.flat_map(|(search, gap)| {
                let numbers = gap.points();
                numbers.filter_map(|number| search.stem.candidate(number))
            });
            let taken = self.taken(asked).await?;
            for (search, gap) in open.iter().zip(&mut gaps).filter(|(_, gap)| is_open(gap)) {
                let points: Vec<_> = gap.points().collect();
                let is_free = |number| search.stem.free(number, &taken, used).is_some();
                gap.narrow(points.into_iter(), is_free);
            }
        }
        for (search, gap) in open.iter_mut().zip(&gaps) {
            search.next = gap.free.unwrap_or(search.next);
        }
        let mut gaps = gaps.iter();
        open.retain(|_| gaps.next().is_some_and(|gap| gap.free.is_some()));
        Ok(())
    }
}

/// A taken number, and a free one behind it.
struct Gap {
    taken: u32,
    free: Option<u32>,
}

impl Gap {
    /// Numbers between the two, evenly spaced; none if they are neighbours.
    fn points(&self) -> impl Iterator<Item = u32> + use<> {
        let (taken, free) = (self.taken, self.free.unwrap_or(self.taken));
        let step = (free.saturating_sub(taken) / POINTS).max(1);
        (1..POINTS)
            .map_while(move |point| taken.checked_add(step * point))
            .take_while(move |number| *number < free)
    }

    /// Narrows the gap by what is known of `points`, in ascending order.
    fn narrow(&mut self, points: impl Iterator<Item = u32>, is_free: impl Fn(u32) -> bool) {
        for number in points {
            if is_free(number) {
                self.free = Some(number);
                break;
            }
            self.taken = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(name: &str, number: u32) -> String {
        Stem::of(name)
            .candidate(number)
            .unwrap()
            .as_str()
            .to_owned()
    }

    #[test]
    fn a_number_stands_before_the_extension() {
        assert_eq!(numbered("report.pdf", 2), "report (2).pdf");
        assert_eq!(numbered("README", 10), "README (10)");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
    }

    #[test]
    fn every_name_of_full_length_has_room_for_every_number() {
        let names = [
            format!("{}.txt", "ä".repeat(251)),
            format!("a.{}", "x".repeat(253)),
            format!(".{}", "x".repeat(254)),
            format!("{}.{}", "x".repeat(235), "y".repeat(19)),
            "\u{1f468}\u{200d}".repeat(127) + "x",
            format!("{}.a b c", "- ".repeat(124) + "x"),
            ".".repeat(255),
        ];
        for name in names {
            assert!(name.parse::<DocumentName>().is_ok(), "{name}");
            let mut seen = HashSet::new();
            for number in [2, 3, 10, 99, 100_000, u32::MAX] {
                let numbered = numbered(&name, number);
                assert!(numbered.chars().count() <= LONGEST, "{numbered}");
                assert!(numbered.contains(&format!(" ({number})")), "{numbered}");
                assert!(seen.insert(numbered));
            }
        }
    }

    #[test]
    fn names_that_are_cut_to_the_same_share_their_numbers() {
        let parsed = |names: &[String]| -> Vec<DocumentName> {
            names.iter().map(|name| name.parse().unwrap()).collect()
        };
        let alike = |end: usize| format!("{}{end:05}", "q".repeat(250));
        let long: Vec<_> = (0..600).map(alike).collect();
        let long = parsed(&long);
        let [search] = searches(&long).try_into().ok().unwrap();
        assert_eq!(search.waiting.len(), 600);
        let seen: HashSet<_> = (2..602)
            .map(|number| search.stem.candidate(number))
            .collect();
        assert_eq!(seen.len(), 600);
        // Whatever the number, those of different searches get different names.
        let names: Vec<_> = (0..2000)
            .map(|index| {
                format!(
                    "{}{}.a{}",
                    "ä".repeat(230),
                    "-".repeat(index % 20),
                    index / 20
                )
            })
            .chain(["a.txt", "a.txt", "b.txt", "a"].map(str::to_owned))
            .collect();
        let names = parsed(&names);
        let searches = searches(&names);
        for number in [2, 10, 99_999, u32::MAX] {
            let given: HashSet<_> = searches
                .iter()
                .map(|search| search.stem.candidate(number))
                .collect();
            assert_eq!(given.len(), searches.len());
        }
        let waiting: usize = searches.iter().map(|search| search.waiting.len()).sum();
        assert_eq!(waiting, names.len());
        let of_a = searches
            .iter()
            .find(|search| search.stem == Stem::of("a.txt"));
        assert_eq!(of_a.unwrap().waiting, [2001, 2000]);
    }

    #[test]
    fn a_gap_is_narrowed_to_neighbours_in_few_questions() {
        for last in [2_u32, 3, 17, 1000, 99_999, 1 << 30] {
            let mut gap = Gap {
                taken: 2,
                free: Some(u32::MAX),
            };
            let mut questions = 0;
            while gap.points().next().is_some() {
                let points: Vec<_> = gap.points().collect();
                gap.narrow(points.into_iter(), |number| number > last);
                questions += 1;
            }
            assert_eq!((gap.taken, gap.free), (last, Some(last + 1)));
            assert!(questions <= 9, "{questions}");
        }
    }
}
