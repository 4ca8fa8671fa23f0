//! One page of a list, found through the index of its order, or of what is rare in it.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement};

use super::ListRequest;
use super::matching::matching;
use super::words::{may_be_rare, source};
use crate::db::batch::query;
use crate::db::entities::document;
use crate::db::values::Values;
use crate::db::{Database, DbError};
use crate::domain::Document;

/// The documents behind the place that the request names, in its order. Documents
/// that come or go meanwhile make no other one appear twice or not at all.
pub async fn list_page(db: &Database, request: &ListRequest) -> Result<Vec<Document>, DbError> {
    let (sql, values) = statement(db, request).await?;
    let statement = Statement::from_sql_and_values(db.backend(), sql, values);
    let rows = if db.backend() == DbBackend::Postgres && may_be_rare(&request.filter) {
        planned_anew(db, statement).await?
    } else {
        select(db.reader(), statement).await?
    };
    rows.into_iter().map(Document::try_from).collect()
}

/// How the database would find the page, line by line, in its own words.
pub async fn explain_page(db: &Database, request: &ListRequest) -> Result<Vec<String>, DbError> {
    let (sql, values) = statement(db, request).await?;
    let (explain, column) = match db.backend() {
        DbBackend::Postgres => ("EXPLAIN (COSTS OFF)", 0),
        _ => ("EXPLAIN QUERY PLAN", 3),
    };
    let rows = query(db.reader(), format!("{explain} {sql}"), values).await?;
    rows.into_iter()
        .map(|row| Ok(row.try_get_by_index(column)?))
        .collect()
}

async fn select(
    connection: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<document::Model>, DbError> {
    Ok(document::Entity::find()
        .from_raw_sql(statement)
        .all(connection)
        .await?)
}

/// Whether the index of the metadata, or of the parts of names, or that of the order is the
/// better one depends on how rare the wanted value is: a plan that was made for any won't do.
async fn planned_anew(
    db: &Database,
    statement: Statement,
) -> Result<Vec<document::Model>, DbError> {
    use sea_orm::TransactionTrait;

    let transaction = db.reader().begin().await?;
    transaction
        .execute_unprepared("SET LOCAL plan_cache_mode = force_custom_plan")
        .await?;
    let rows = select(&transaction, statement).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// The statement of a page and its values. Where an index of words is asked first, a document
/// that changes in between is as if the page had been asked for before or after that.
async fn statement(
    db: &Database,
    request: &ListRequest,
) -> Result<(String, Vec<sea_orm::Value>), DbError> {
    let mut values = Values::default();
    let source = source(db.reader(), request.owner, &request.filter, &mut values).await?;
    let mut conditions = matching(db.backend(), request.owner, &request.filter, &mut values);
    let key = request.sort.key.as_str();
    let (beyond, direction) = if request.sort.descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some(position) = &request.after {
        let [value, id] = position.values().map(|value| values.bind(value));
        let behind = format!(" AND (documents.{key}, documents.id) {beyond} ({value}, {id})");
        conditions.push_str(&behind);
    }
    // The limit is written out: a plan made without it would be one for many rows.
    let sql = format!(
        "SELECT documents.* FROM {source} WHERE {conditions} \
         ORDER BY documents.{key} {direction}, documents.id {direction} LIMIT {}",
        request.limit
    );
    Ok((sql, values.into_vec()))
}
