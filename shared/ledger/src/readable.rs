//! Reads rows so that one that can't be decoded doesn't fail the others.

use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryTrait, Select};
use tracing::warn;

use super::DbError;

/// Those of `rows` that can be read, in their order. The others are skipped, with a warning.
pub fn readable<R, T>(
    rows: impl IntoIterator<Item = R>,
    mut read: impl FnMut(R) -> Result<T, DbError>,
) -> Vec<T> {
    let rows = rows.into_iter();
    let readable = rows.filter_map(|row| match read(row) {
        Ok(read) => Some(read),
        Err(error) => {
            unreadable(&error);
            None
        }
    });
    readable.collect()
}

/// The rows that `select` finds and that can be read.
pub async fn find_readable<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
) -> Result<Vec<E::Model>, DbError> {
    let statement = select.build(connection.get_database_backend());
    let rows = connection.query_all_raw(statement).await?;
    let read = |row| Ok(E::Model::from_query_result(&row, "")?);
    Ok(readable(rows, read))
}

/// Warns that a row is skipped.
pub fn unreadable(error: &DbError) {
    warn!(%error, "a row can't be read, and is passed by");
}

/// A page of a list that is filled by repeated queries: unreadable rows don't shorten it.
#[derive(Debug)]
pub struct ReadablePage<T, K> {
    /// The rows that could be read.
    items: Vec<T>,
    /// The row after which the page continues.
    pub behind: Option<K>,
    most: usize,
    is_full: bool,
}

impl<T, K> ReadablePage<T, K> {
    /// Starts a page of at most `most` rows after a row, or at the beginning.
    pub fn behind(row: Option<K>, most: u64) -> Self {
        Self {
            items: Vec::new(),
            behind: row,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            is_full: false,
        }
    }

    /// Whether more rows have to be queried.
    pub const fn wants_more(&self) -> bool {
        !self.is_full
    }

    /// Adds the next rows, of which `most` were queried.
    pub fn add<R>(
        &mut self,
        rows: Vec<R>,
        key: impl Fn(&R) -> Result<K, DbError>,
        read: impl FnMut(R) -> Result<T, DbError>,
    ) -> Result<(), DbError> {
        let last = rows.last().map(key).transpose()?;
        let is_last = rows.len() < self.most || last.is_none();
        self.behind = last.or(self.behind.take());
        self.items.extend(readable(rows, read));
        self.items.truncate(self.most);
        self.is_full = is_last || self.items.len() == self.most;
        Ok(())
    }

    /// Returns the page.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of a list of `rows`, of which odd ones can't be read, and how often was asked.
    fn page(rows: u32, most: u64) -> (Vec<u32>, usize) {
        let mut page = ReadablePage::behind(None, most);
        let mut asked = 0;
        while page.wants_more() {
            let first = page.behind.map_or(0, |last| last + 1);
            let found = (first..rows).take(usize::try_from(most).unwrap());
            let read = |row: u32| match row % 2 {
                0 => Ok(row),
                _ => Err(DbError::corrupt("table", "column", row)),
            };
            page.add(found.collect(), |row| Ok(*row), read).unwrap();
            asked += 1;
        }
        (page.into_items(), asked)
    }

    #[test]
    fn a_page_is_full_or_the_last() {
        assert_eq!(page(0, 3), (vec![], 1));
        assert_eq!(page(2, 3), (vec![0], 1));
        assert_eq!(page(3, 3), (vec![0, 2], 2));
        assert_eq!(page(9, 3), (vec![0, 2, 4], 2));
        assert_eq!(page(9, 1), (vec![0], 1));
        assert_eq!(page(4, 100), (vec![0, 2], 1));
    }
}
