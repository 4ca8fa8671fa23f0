//! Where the cleanup of events stands.

use sea_orm_migration::prelude::*;

use crate::dialect::execute;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0023_trim_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0023_trim_events.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, include_str!("m0023_trim_events.down.sql")).await
    }
}
