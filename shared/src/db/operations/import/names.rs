//! Names that are taken among an owner's documents, and free ones like them.

use std::collections::{HashMap, HashSet};

use sea_orm::ConnectionTrait;

use crate::db::DatabaseTransaction;
use crate::db::DbError;
use crate::db::batch::{parameter, query};
use crate::db::ledger_sql::texts;
use crate::domain::{DocumentId, DocumentName, UserId};

/// The longest name.
const LONGEST: usize = 255;

/// How many numbers are tried together at first; then twice as many.
const FIRST_TRIES: u32 = 16;

/// Of each of `names`, the newest document of the owner that has it and isn't archived.
pub async fn taken(
    transaction: &DatabaseTransaction,
    owner: UserId,
    names: &[&str],
) -> Result<HashMap<String, DocumentId>, DbError> {
    let sql = format!(
        "SELECT name, id FROM documents WHERE owner_id = $2 AND status <> 'archived' \
         AND name IN ({}) ORDER BY created_at, id",
        texts(transaction.get_database_backend())
    );
    let found = query(transaction, sql, [parameter(names)?, owner.0.into()]).await?;
    found
        .into_iter()
        .map(|row| {
            Ok((
                row.try_get_by_index(0)?,
                DocumentId(row.try_get_by_index(1)?),
            ))
        })
        .collect()
}

/// For each of `names`, which are taken, one that is free: with the next number, and none of
/// them twice.
pub async fn free(
    transaction: &DatabaseTransaction,
    owner: UserId,
    names: &[DocumentName],
    used: &mut HashSet<String>,
) -> Result<Vec<DocumentName>, DbError> {
    let mut found: Vec<Option<DocumentName>> = vec![None; names.len()];
    let (mut from, mut tries) = (2, FIRST_TRIES);
    while found.iter().any(Option::is_none) {
        let wanted: HashSet<&DocumentName> = names
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(name, _)| name)
            .collect();
        let candidates: Vec<String> = wanted
            .iter()
            .flat_map(|name| (from..from + tries).map(|number| numbered(name.as_str(), number)))
            .collect();
        let asked: Vec<_> = candidates.iter().map(String::as_str).collect();
        let taken = taken(transaction, owner, &asked).await?;
        for (name, found) in names.iter().zip(&mut found) {
            if found.is_some() {
                continue;
            }
            let candidates = (from..from + tries).map(|number| numbered(name.as_str(), number));
            let mut free = candidates
                .filter(|candidate| !taken.contains_key(candidate))
                .filter(|candidate| !used.contains(candidate));
            let free = free.find_map(|candidate| candidate.parse::<DocumentName>().ok());
            if let Some(free) = free {
                used.insert(free.as_str().to_owned());
                *found = Some(free);
            }
        }
        from += tries;
        tries = tries.saturating_mul(2).min(4096);
    }
    Ok(found.into_iter().flatten().collect())
}

/// `report.pdf` and 2 are `report (2).pdf`.
fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    let suffix = format!(" ({number}){extension}");
    let room = LONGEST.saturating_sub(suffix.chars().count());
    let stem: String = stem.chars().take(room).collect();
    format!("{}{suffix}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_before_the_extension_and_within_the_longest_name() {
        assert_eq!(numbered("report.pdf", 2), "report (2).pdf");
        assert_eq!(numbered("README", 10), "README (10)");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        let long = format!("{}.txt", "ä".repeat(251));
        let numbered = numbered(&long, 12);
        assert_eq!(numbered.chars().count(), 255);
        assert!(numbered.ends_with("ä (12).txt"));
        assert!(numbered.parse::<DocumentName>().is_ok());
    }
}
