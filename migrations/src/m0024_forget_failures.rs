//! Room to forget failures: which are due.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0024_forget_failures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0024_forget_failures.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0024_forget_failures.down.sql")).await
    }
}
