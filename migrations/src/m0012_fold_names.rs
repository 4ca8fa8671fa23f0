//! Folds names by Unicode's rules, so that searches find documents of older releases. The folding
//! of those releases finds the same in folded names, except for a few letters, so the down
//! migration does nothing.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement, Value};

use crate::dialect::pick;

/// Rows that are read at once.
const BATCH: u32 = 2_000;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_fold_names"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let mut after: Vec<u8> = vec![0; 16];
        while let Some(last) = fold_batch(connection, after).await? {
            after = last;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

/// Folds the names of the documents after an id, and returns the last one's id. ASCII names were
/// already folded the same way.
async fn fold_batch<C: ConnectionTrait>(
    connection: &C,
    after: Vec<u8>,
) -> Result<Option<Vec<u8>>, DbErr> {
    let backend = connection.get_database_backend();
    let (select, update) = pick(
        connection,
        (
            "SELECT uuid_send(id), name, name_folded FROM documents \
             WHERE id > encode($1, 'hex')::uuid AND name ~ '[^[:ascii:]]' ORDER BY id LIMIT $2",
            "UPDATE documents SET name_folded = $2 WHERE id = encode($1, 'hex')::uuid",
        ),
        (
            "SELECT id, name, name_folded FROM documents \
             WHERE id > $1 AND length(CAST(name AS blob)) > length(name) ORDER BY id LIMIT $2",
            "UPDATE documents SET name_folded = $2 WHERE id = $1",
        ),
    );
    let values: [Value; 2] = [after.into(), i64::from(BATCH).into()];
    let statement = Statement::from_sql_and_values(backend, select, values);
    let mut last = None;
    for row in connection.query_all_raw(statement).await? {
        let id: Vec<u8> = row.try_get_by_index(0)?;
        let (name, before): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let folded = casefold::fold(&name);
        if folded != before {
            let values: [Value; 2] = [id.clone().into(), folded.into()];
            let statement = Statement::from_sql_and_values(backend, update, values);
            connection.execute_raw(statement).await?;
        }
        last = Some(id);
    }
    Ok(last)
}
