//! Whose ledger this is, and which places carry its mark.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0013_know_places"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0013_know_places.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0013_know_places.down.sql")).await
    }
}
