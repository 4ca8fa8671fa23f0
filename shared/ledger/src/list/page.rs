//! One page of a list, found through its sort index, or through the index of a selective filter.

use std::collections::HashMap;
use std::time::Duration;

use super::find::{Question, decode_and_find};
use super::{ListRequest, Position};
use crate::batch::parameter;
use crate::dialect::Dialect;
use crate::search::Search;
use crate::tables::documents::{Found, shapes};
use crate::{Database, DbError};
use domain::{Document, DocumentId};

/// The time limit of the search for a page.
const TIME: Duration = Duration::from_secs(5);

/// Returns the documents after the position of the request, in its order. Documents that are added
/// or deleted between two pages make no other one appear twice or not at all; unreadable rows are
/// skipped. [`DbError::TimeLimit`] if it takes too long.
pub async fn list_page(db: &Database, request: &ListRequest) -> Result<Vec<Document>, DbError> {
    // Words are looked up before, and what SQLite can't test is read behind.
    let search = if request.filter.name_part.is_some() || request.filter.metadata.is_some() {
        db.search(request.owner, TIME).await?
    } else {
        db.search_once(request.owner, TIME).await?
    };
    let limit = request.limit as usize;
    let mut documents = Vec::new();
    let mut after = request.after.clone();
    while documents.len() < limit {
        let left = limit - documents.len();
        after = read_more(&search, request, (after, left), &mut documents).await?;
        if after.is_none() {
            break;
        }
    }
    search.end().await?;
    Ok(documents)
}

/// Returns the query plan of the page, line by line.
#[cfg(feature = "test-support")]
pub async fn explain_page(db: &Database, request: &ListRequest) -> Result<Vec<String>, DbError> {
    let (explain, column) = db.dialect().explain();
    let search = db.search(request.owner, TIME).await?;
    let (columns, limit) = (columns(db.dialect(), request), request.limit as usize);
    let question = question(request);
    let after = request.after.as_ref();
    let (sql, values) = question.statement(&search, &columns, after, limit).await?;
    let rows = search.query(format!("{explain} {sql}"), values).await?;
    rows.into_iter()
        .map(|row| Ok(row.try_get_by_index(column)?))
        .collect()
}

const fn question(request: &ListRequest) -> Question<'_> {
    Question {
        owner: request.owner,
        filter: &request.filter,
        sort: request.sort,
    }
}

/// The columns of a page: documents, and where each is in the order.
fn columns(dialect: Dialect, request: &ListRequest) -> String {
    let key = request.sort.key.as_str();
    format!("{}, documents.{key}", shapes(dialect))
}

/// Reads a number of documents after a position. Returns the position after which the list
/// continues, if it may.
async fn read_more(
    search: &Search,
    request: &ListRequest,
    (after, limit): (Option<Position>, usize),
    documents: &mut Vec<Document>,
) -> Result<Option<Position>, DbError> {
    let question = question(request);
    if let Some(wanted) = question.decoded(search) {
        let found = decode_and_find(search, question, wanted, after, limit).await?;
        documents.extend(read(search, &found.documents).await?);
        return Ok(found.next);
    }
    let columns = columns(search.dialect(), request);
    let statement = question.statement(search, &columns, after.as_ref(), limit);
    let (sql, values) = statement.await?;
    let rows = search.query(sql, values).await?;
    documents.extend(Found::read_shapes(&rows)?.documents);
    let last = rows.last().filter(|_| rows.len() == limit);
    last.map(|row| Position::of_row(row, request.sort))
        .transpose()
}

/// Returns documents by their ids, in that order.
async fn read(search: &Search, wanted: &[DocumentId]) -> Result<Vec<Document>, DbError> {
    let dialect = search.dialect();
    let sql = format!(
        "SELECT {} FROM documents WHERE id IN ({})",
        shapes(dialect),
        dialect.ids()
    );
    let rows = search.query(sql, [parameter(wanted)?]).await?;
    let found = Found::read_shapes(&rows)?.documents.into_iter();
    let mut found: HashMap<_, _> = found.map(|document| (document.id, document)).collect();
    Ok(wanted.iter().filter_map(|id| found.remove(id)).collect())
}
