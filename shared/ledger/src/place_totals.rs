//! What rows refer to in each place, what is to be removed there, and which places they refer to that aren't known.

use sea_orm::QueryResult;
use storage::StorageRouter;
use url::Url;

use super::batch::query;
use super::references::SOURCES;
use super::{Database, DbError};

/// Sorts behind every key, and before what isn't in the place.
const BEHIND_KEYS: &str = "~";

/// The most unknown places that are found.
const MOST: usize = 20;

/// What rows refer to in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceTotal {
    /// The number of objects.
    pub objects: u64,
    /// Their bytes, as far as rows know them.
    pub bytes: u64,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceRole {
    /// New documents.
    Store,
    /// Uploads until they are active.
    Staging,
    /// Both of these.
    Both,
    /// Documents from earlier.
    More,
    /// Rows refer to it, and it isn't configured.
    Unknown,
}

impl PlaceRole {
    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Staging => "staging",
            Self::Both => "both",
            Self::More => "more",
            Self::Unknown => "unknown",
        }
    }
}

/// A place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPlace {
    /// Its URL.
    pub url: String,
    /// What it is for.
    pub role: PlaceRole,
    /// What rows refer to in it.
    pub total: PlaceTotal,
    /// The objects that no row refers to any more, and that are to be removed.
    pub discarded: u64,
}

/// Lists the configured places, and those that rows refer to beyond them.
pub async fn list_places(
    db: &Database,
    places: &StorageRouter,
) -> Result<Vec<ListedPlace>, DbError> {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for storage in places.distinct() {
        let url = storage.place();
        let role = if url == places.store().place() {
            if places.are_one() {
                PlaceRole::Both
            } else {
                PlaceRole::Store
            }
        } else if url == places.staging().place() {
            PlaceRole::Staging
        } else {
            PlaceRole::More
        };
        known.push(url.clone());
        found.push((url.to_string(), role));
    }
    let unknown = unknown_places(db, &known).await?.into_iter();
    found.extend(unknown.map(|url| (url, PlaceRole::Unknown)));
    let mut listed = Vec::new();
    for (url, role) in found {
        let total = place_total(db, &url).await?;
        let discarded = discarded_in(db, &url).await?;
        listed.push(ListedPlace {
            url,
            role,
            total,
            discarded,
        });
    }
    Ok(listed)
}

/// Counts the objects that rows refer to in `place`, and their bytes.
pub async fn place_total(db: &Database, place: &str) -> Result<PlaceTotal, DbError> {
    let bytewise = db.dialect().bytewise();
    let mut total = PlaceTotal::default();
    for source in SOURCES {
        let (table, column, size, needs) = (source.table, source.column, source.size, source.needs);
        let sql = format!(
            "SELECT count(*), CAST(COALESCE(sum(CAST({size} AS bigint)), 0) AS bigint) \
             FROM {table} WHERE {column}{bytewise} > $1 AND {column}{bytewise} < $2 AND {needs}"
        );
        let values = [place.into(), format!("{place}{BEHIND_KEYS}").into()];
        if let Some(row) = query(db.reader(), sql, values).await?.first() {
            total.objects += number(row, 0)?;
            total.bytes += number(row, 1)?;
        }
    }
    Ok(total)
}

/// Counts the objects that are to be removed from `place`.
async fn discarded_in(db: &Database, place: &str) -> Result<u64, DbError> {
    let bytewise = db.dialect().bytewise();
    let sql =
        format!("SELECT count(*) FROM discards WHERE url{bytewise} > $1 AND url{bytewise} < $2");
    let values = [place.into(), format!("{place}{BEHIND_KEYS}").into()];
    let rows = query(db.reader(), sql, values).await?;
    rows.first().map_or(Ok(0), |row| number(row, 0))
}

fn number(row: &QueryResult, column: usize) -> Result<u64, DbError> {
    let value: i64 = row.try_get_by_index(column)?;
    Ok(value.unsigned_abs())
}

/// Returns the places of objects that rows refer to, but for `known`: the first twenty of them. Each
/// costs a look into the index of each column, whatever there is.
pub async fn unknown_places(db: &Database, known: &[Url]) -> Result<Vec<String>, DbError> {
    let mut known: Vec<String> = known
        .iter()
        .map(|place| place.as_str().to_owned())
        .collect();
    known.sort();
    let mut unknown = Vec::new();
    let mut after = String::new();
    for place in known {
        find_between(db, &after, &place, &mut unknown).await?;
        after = format!("{place}{BEHIND_KEYS}");
    }
    // URLs begin with a lower-case letter.
    find_between(db, &after, BEHIND_KEYS, &mut unknown).await?;
    Ok(unknown)
}

async fn find_between(
    db: &Database,
    after: &str,
    until: &str,
    found: &mut Vec<String>,
) -> Result<(), DbError> {
    let mut after = after.to_owned();
    while found.len() < MOST
        && let Some(url) = first_between(db, &after, until).await?
    {
        let place = place_of(&url);
        after = format!("{place}{BEHIND_KEYS}");
        found.push(place);
    }
    Ok(())
}

/// Returns the first URL in any row that sorts between two texts.
async fn first_between(db: &Database, after: &str, until: &str) -> Result<Option<String>, DbError> {
    let bytewise = db.dialect().bytewise();
    let one = |(table, column): (&str, &str)| {
        format!(
            "SELECT * FROM (SELECT {column}{bytewise} AS url FROM {table} \
             WHERE {column}{bytewise} > $1 AND {column}{bytewise} < $2 \
             ORDER BY {column}{bytewise} LIMIT 1) AS {table}_{column}"
        )
    };
    let sources = SOURCES.iter().map(|source| (source.table, source.column));
    let all: Vec<_> = sources.map(one).collect();
    let sql = format!("{} ORDER BY 1 LIMIT 1", all.join(" UNION ALL "));
    let rows = query(db.reader(), sql, [after.into(), until.into()]).await?;
    rows.first()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .transpose()
}

/// The place of an object: its URL without the key, which is a folder and a name.
fn place_of(url: &str) -> String {
    let mut ends = url.rmatch_indices('/').map(|(end, _)| end);
    let end = ends.nth(1).map_or(url.len(), |end| end + 1);
    url[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_url_without_the_key() {
        for (url, place) in [
            ("s3://bucket/a/3f/018b", "s3://bucket/a/"),
            ("file:///data/3f/018b", "file:///data/"),
            ("odd", "odd"),
        ] {
            assert_eq!(place_of(url), place);
        }
    }
}
