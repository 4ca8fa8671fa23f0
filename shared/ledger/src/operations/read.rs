//! Operations and their items as their owners read them.

use sea_orm::QueryResult;

use super::rows;
use crate::batch::{parameter, query};
use crate::readable::ReadablePage;
use crate::values::Values;
use crate::{Database, DbError};
use domain::{ItemResult, Operation, OperationId, OperationItem, UserId};

/// The operation with that id, whoever owns it.
pub async fn find_operation(db: &Database, id: OperationId) -> Result<Option<Operation>, DbError> {
    let sql = format!(
        "SELECT {} FROM operations WHERE id = $1 AND expired_at IS NULL",
        rows::OPERATION
    );
    let found = query(db.reader(), sql, [id.0.into()]).await?;
    found.first().map(rows::operation).transpose()
}

/// A page of an owner's operations, newest first: those made before `before`.
#[derive(Clone, Copy, Debug)]
pub struct OperationPage {
    /// Whose operations.
    pub owner: UserId,
    /// The last operation of the page before.
    pub before: Option<OperationId>,
    /// The most operations.
    pub limit: u32,
}

/// A page of operations.
pub async fn list_operations(
    db: &Database,
    page: OperationPage,
) -> Result<Vec<Operation>, DbError> {
    let before = page.before.map(|before| before.0);
    let mut operations = ReadablePage::behind(before, page.limit.into());
    while operations.wants_more() {
        let mut values = Values::default();
        let mut conditions = format!(
            "owner_id = {} AND expired_at IS NULL",
            values.bind(page.owner.0)
        );
        if let Some(before) = operations.behind {
            conditions = format!("{conditions} AND id < {}", values.bind(before));
        }
        let sql = format!(
            "SELECT {} FROM operations WHERE {conditions} ORDER BY id DESC LIMIT {}",
            rows::OPERATION,
            page.limit
        );
        let found = query(db.reader(), sql, values.into_vec()).await?;
        let id = |row: &QueryResult| Ok(row.try_get("", "id")?);
        operations.add(found, id, |row| rows::operation(&row))?;
    }
    Ok(operations.into_items())
}

/// A page of an operation's items, in their order: those behind `after`.
#[derive(Clone, Copy, Debug)]
pub struct ItemPage {
    /// The operation.
    pub operation: OperationId,
    /// Only those with this result.
    pub result: Option<ItemResult>,
    /// The position of the last item of the page before.
    pub after: Option<u32>,
    /// The most items.
    pub limit: u32,
}

/// A page of items.
pub async fn list_operation_items(
    db: &Database,
    page: ItemPage,
) -> Result<Vec<OperationItem>, DbError> {
    let mut items = ReadablePage::behind(page.after.map(i64::from), page.limit.into());
    while items.wants_more() {
        let mut values = Values::default();
        let mut conditions = format!("operation_id = {}", values.bind(page.operation.0));
        if let Some(result) = page.result {
            // Written out, so that the index of what went wrong can serve it.
            conditions = format!("{conditions} AND result = '{result}'");
        }
        if let Some(after) = items.behind {
            conditions = format!("{conditions} AND position > {}", values.bind(after));
        }
        let sql = format!(
            "SELECT {} FROM operation_items WHERE {conditions} ORDER BY position LIMIT {}",
            rows::ITEM,
            page.limit
        );
        let found = query(db.reader(), sql, values.into_vec()).await?;
        let position = |row: &QueryResult| Ok(row.try_get("", "position")?);
        items.add(found, position, |row| rows::item(&row))?;
    }
    Ok(items.into_items())
}

/// Those of `operations` that are over, gone ones included: one question for all who wait.
pub async fn find_ended(
    db: &Database,
    operations: &[OperationId],
) -> Result<Vec<OperationId>, DbError> {
    let list = db.dialect().listed_ids();
    let sql = format!(
        "SELECT x.id FROM {list} LEFT JOIN operations ON operations.id = x.id \
         WHERE operations.status IS NULL OR operations.status NOT IN ('pending', 'running')"
    );
    let found = query(db.reader(), sql, [parameter(operations)?]).await?;
    found
        .into_iter()
        .map(|row| Ok(OperationId(row.try_get_by_index(0)?)))
        .collect()
}
