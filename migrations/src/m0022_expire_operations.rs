//! Room to expire operations: what is due, and what an owner keeps.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0022_expire_operations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0022_expire_operations.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0022_expire_operations.down.sql")).await
    }
}
