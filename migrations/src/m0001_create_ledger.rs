//! Users, keys, documents with their versions and blobs, jobs, events, and what is to be removed.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_create_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0001_create_ledger.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0001_create_ledger.down.sql")).await
    }
}
