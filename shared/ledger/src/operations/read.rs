//! Operations and their items as their owners read them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::readable::ReadablePage;
use crate::tables::operation_items::{self, ItemRow};
use crate::tables::operations::{self, OperationRow};
use crate::{Database, DbError};
use domain::{ItemResult, Operation, OperationId, OperationItem, UserId};

/// The operation with that id, of any owner.
pub async fn find_operation(db: &Database, id: OperationId) -> Result<Option<Operation>, DbError> {
    operations::find(db.reader(), id).await
}

/// A page of an owner's operations, newest first: those created before `before`.
#[derive(Clone, Copy, Debug)]
pub struct OperationPage {
    /// The owner.
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
    use operations::{Column, Entity};

    let before = page.before.map(|before| before.0);
    let mut found = ReadablePage::behind(before, page.limit.into());
    while found.wants_more() {
        let mut select = Entity::find()
            .filter(Column::OwnerId.eq(page.owner.0))
            .filter(Column::ExpiredAt.is_null())
            .order_by_desc(Column::Id)
            .limit(u64::from(page.limit));
        if let Some(before) = found.behind {
            select = select.filter(Column::Id.lt(before));
        }
        let rows = select.into_partial_model::<OperationRow>();
        let rows = rows.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.id), Operation::try_from)?;
    }
    Ok(found.into_items())
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
    use operation_items::{Column, Entity};

    let after = page.after.map(i64::from);
    let mut found = ReadablePage::behind(after, page.limit.into());
    while found.wants_more() {
        let mut select = Entity::find()
            .filter(Column::OperationId.eq(page.operation.0))
            .order_by_asc(Column::Position)
            .limit(u64::from(page.limit));
        if let Some(result) = page.result {
            select = select.filter(operation_items::has_result(result));
        }
        if let Some(after) = found.behind {
            select = select.filter(Column::Position.gt(after));
        }
        let rows = select.into_partial_model::<ItemRow>();
        let rows = rows.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.position), OperationItem::try_from)?;
    }
    Ok(found.into_items())
}

/// Those of `operations` that have ended, gone ones included: one question for all who wait.
pub async fn find_ended(
    db: &Database,
    operations: &[OperationId],
) -> Result<Vec<OperationId>, DbError> {
    operations::find_ended(db.reader(), operations).await
}
