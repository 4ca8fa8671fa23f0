//! Finds the documents that match a filter, in an order. SQLite can't test what metadata contains:
//! there each document that matches the rest of the filter is decoded once.

use std::collections::HashSet;

use sea_orm::Value;
use serde_json::Map;
use uuid::Uuid;

use super::matching::matching;
use super::words::source;
use super::{DocumentFilter, Position, Sort};
use crate::DbError;
use crate::batch::parameter;
use crate::search::Search;
use crate::values::Values;
use domain::{DocumentId, Metadata, UserId, read_json};

/// The most documents whose metadata is in memory at once.
const DECODED: usize = 100;

/// The fewest and the most positions that are read at once before documents are decoded.
const POSITIONS: [usize; 2] = [DECODED, 2_000];

/// A search for documents.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whose documents.
    pub owner: UserId,
    /// Which of them.
    pub filter: &'a DocumentFilter,
    /// In which order.
    pub sort: Sort,
}

impl Question<'_> {
    /// What must be decoded to be answered, if the database can't say.
    pub fn decoded(&self, search: &Search) -> Option<&Metadata> {
        match (search.dialect().matches_metadata(), &self.filter.metadata) {
            (false, Some(metadata)) if !metadata.as_object().is_empty() => Some(metadata),
            _ => None,
        }
    }

    /// The statement that gives `columns` of at most `limit` documents behind `after`.
    pub async fn statement(
        &self,
        search: &Search,
        columns: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<(String, Vec<Value>), DbError> {
        let mut values = Values::default();
        let source = source(search, self.owner, self.filter, &mut values).await?;
        let mut conditions = matching(search.dialect(), self.owner, self.filter, &mut values);
        let key = self.sort.key.as_str();
        let (beyond, direction) = if self.sort.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        if let Some(position) = after {
            let [value, id] = position.values().map(|value| values.bind(value));
            let behind = format!(" AND (documents.{key}, documents.id) {beyond} ({value}, {id})");
            conditions.push_str(&behind);
        }
        // The limit is written out: a plan made without it would be one for many rows.
        let sql = format!(
            "SELECT {columns} FROM {source} WHERE {conditions} \
             ORDER BY documents.{key} {direction}, documents.id {direction} LIMIT {limit}"
        );
        Ok((sql, values.into_vec()))
    }

    /// The positions of at most `limit` documents behind `after`.
    async fn positions(
        &self,
        search: &Search,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Position>, DbError> {
        let columns = format!("documents.id, documents.{}", self.sort.key.as_str());
        let (sql, values) = self.statement(search, &columns, after, limit).await?;
        let rows = search.query(sql, values).await?;
        rows.iter()
            .map(|row| Position::of_row(row, self.sort))
            .collect()
    }
}

/// The next documents of a question, and the position behind them, if there may be more.
#[derive(Debug, Default)]
pub struct Stretch {
    /// The documents, in the order.
    pub documents: Vec<DocumentId>,
    /// The position behind which the search continues.
    pub next: Option<Position>,
}

/// The next documents, at most `limit`, whose metadata contains `wanted`.
pub async fn decode_and_find(
    search: &Search,
    question: Question<'_>,
    wanted: &Metadata,
    after: Option<Position>,
    limit: usize,
) -> Result<Stretch, DbError> {
    let mut stretch = Stretch {
        next: after,
        ..Stretch::default()
    };
    let [mut looked_up, most] = POSITIONS;
    while stretch.documents.len() < limit {
        let after = stretch.next.take();
        let positions = question
            .positions(search, after.as_ref(), looked_up)
            .await?;
        let is_last = positions.len() < looked_up;
        for few in positions.chunks(DECODED) {
            let containing = containing(search, few, wanted).await?;
            for position in few {
                if stretch.documents.len() == limit {
                    return Ok(stretch);
                }
                if containing.contains(&position.document()) {
                    stretch.documents.push(position.document());
                }
                stretch.next = Some(position.clone());
            }
        }
        if is_last {
            stretch.next = None;
            break;
        }
        looked_up = (looked_up * 2).min(most);
    }
    Ok(stretch)
}

/// Those of the documents whose metadata contains `wanted`. What can't be read contains nothing.
async fn containing(
    search: &Search,
    positions: &[Position],
    wanted: &Metadata,
) -> Result<HashSet<DocumentId>, DbError> {
    let documents: Vec<_> = positions.iter().map(Position::document).collect();
    let sql = format!(
        "SELECT id, metadata FROM documents WHERE id IN ({})",
        search.dialect().ids()
    );
    let mut texts: Vec<(Uuid, String)> = Vec::new();
    for row in search.query(sql, [parameter(&documents)?]).await? {
        texts.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let wanted = wanted.clone();
    let look = move || -> HashSet<DocumentId> {
        let contains = |text: &str| {
            let object: Option<Map<String, serde_json::Value>> = read_json(text.as_bytes()).ok();
            object.is_some_and(|object| Metadata::stored(object).contains(&wanted))
        };
        let containing = texts.iter().filter(|(_, text)| contains(text));
        containing.map(|(id, _)| DocumentId(*id)).collect()
    };
    // Long enough to be kept off the threads that serve everybody.
    let found = tokio::task::spawn_blocking(look).await;
    search.check_time()?;
    found.map_err(|error| DbError::from(sea_orm::DbErr::Custom(error.to_string())))
}

/// All documents of a question, in its order, or `most` of them.
pub async fn find_ids(
    search: &Search,
    question: Question<'_>,
    most: usize,
) -> Result<Vec<DocumentId>, DbError> {
    if let Some(wanted) = question.decoded(search) {
        let found = decode_and_find(search, question, wanted, None, most).await?;
        return Ok(found.documents);
    }
    let positions = question.positions(search, None, most).await?;
    Ok(positions.iter().map(Position::document).collect())
}
