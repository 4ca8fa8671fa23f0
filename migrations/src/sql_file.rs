//! A migration whose steps are SQL files, one for each direction.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

/// A migration and its statements.
pub struct SqlFile {
    /// Its name, as stored in the database.
    pub name: &'static str,
    /// The statements that apply it.
    pub up: &'static str,
    /// The statements that revert it.
    pub down: &'static str,
}

impl MigrationName for SqlFile {
    fn name(&self) -> &'static str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlFile {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.down).await
    }
}
