//! Runs migrations under a lock, so that replicas that start together don't interfere.

use std::collections::HashSet;

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, Statement, TransactionTrait,
};
use sea_orm_migration::{MigrationStatus, MigratorTrait, SchemaManager};

use crate::dialect::pick;
use crate::list::Migrator;

/// The newest migration of the oldest release that can work with the current schema. A migration
/// that removes something which that release needs raises it.
const WORKS_FROM: &str = "m0045_count_deliveries";

/// The key of the advisory lock: "dossier" as ASCII.
const LOCK: i64 = 0x64_6f_73_73_69_65_72;

/// A schema change that failed.
#[derive(Debug, thiserror::Error)]
#[error("the schema could not be {action}")]
pub struct MigrationError {
    action: &'static str,
    #[source]
    source: DbErr,
}

/// A migration, and whether it has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Applies all missing migrations, and returns how many there were: none if a newer release has
/// migrated the schema and this one can work with it. Several replicas may call it at the same time.
pub async fn up(database: &DatabaseConnection) -> Result<usize, MigrationError> {
    locked(database, "migrated up", Direction::Up).await
}

/// Reverts the newest migration. The data in what it created is lost.
pub async fn down(database: &DatabaseConnection) -> Result<(), MigrationError> {
    locked(database, "migrated down", Direction::Down).await?;
    Ok(())
}

/// Returns whether the database has ever been migrated.
pub async fn were_applied(database: &DatabaseConnection) -> Result<bool, MigrationError> {
    let schema = SchemaManager::new(database);
    schema
        .has_table("seaql_migrations")
        .await
        .map_err(|source| MigrationError {
            action: "read",
            source,
        })
}

/// Returns all migrations, oldest first, and whether the database has them.
pub async fn status(database: &DatabaseConnection) -> Result<Vec<Pending>, MigrationError> {
    let migrations = Migrator::get_migration_with_status(database)
        .await
        .map_err(|source| MigrationError {
            action: "read",
            source,
        })?;
    Ok(migrations
        .into_iter()
        .map(|migration| Pending {
            name: migration.name().to_owned(),
            applied: migration.status() == MigrationStatus::Applied,
        })
        .collect())
}

/// Returns the names of all migrations, oldest first.
#[must_use]
pub fn names() -> Vec<String> {
    let migrations = Migrator::migrations();
    migrations.iter().map(|one| one.name().to_owned()).collect()
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

/// Begins a transaction and takes one lock: on PostgreSQL an advisory lock that ends with the
/// transaction, on SQLite the write lock of the transaction.
async fn locked(
    database: &DatabaseConnection,
    action: &'static str,
    direction: Direction,
) -> Result<usize, MigrationError> {
    let run = async {
        let transaction = database.begin().await?;
        // No time limit: other replicas, and the changes themselves, may take long.
        let unlimited = "SET LOCAL statement_timeout = 0".to_owned();
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        for statement in pick(&transaction, vec![unlimited, lock], Vec::new()) {
            transaction.execute_unprepared(&statement).await?;
        }
        if matches!(direction, Direction::Up) && is_ahead(&transaction).await? {
            transaction.commit().await?;
            return Ok(0);
        }
        let missing = Migrator::get_pending_migrations(&transaction).await?.len();
        match direction {
            Direction::Up => Migrator::up(&transaction, None).await?,
            Direction::Down => Migrator::down(&transaction, Some(1)).await?,
        }
        say_who_can_work(&transaction).await?;
        transaction.commit().await?;
        Ok(missing)
    };
    run.await
        .map_err(|source| MigrationError { action, source })
}

/// Whether a newer release has migrated the schema, and stated that this one can work with it.
async fn is_ahead(transaction: &DatabaseTransaction) -> Result<bool, DbErr> {
    let schema = SchemaManager::new(transaction);
    let known = names();
    let Some(ours) = known.last() else {
        return Ok(false);
    };
    if !schema.has_table("schema_compatibility").await? {
        return Ok(false);
    }
    let sql = format!(
        "SELECT version FROM seaql_migrations WHERE EXISTS (SELECT 1 FROM schema_compatibility \
         WHERE newest = (SELECT max(version) FROM seaql_migrations) AND works_from <= '{ours}')"
    );
    let statement = Statement::from_string(transaction.get_database_backend(), sql);
    let rows = transaction.query_all_raw(statement).await?;
    let applied = rows.iter().map(|row| row.try_get_by_index::<String>(0));
    let applied = applied.collect::<Result<HashSet<_>, DbErr>>()?;
    let has_all = known.iter().all(|name| applied.contains(name));
    Ok(has_all && applied.len() > known.len())
}

/// Records which releases can work with the current schema.
async fn say_who_can_work(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let schema = SchemaManager::new(transaction);
    if !schema.has_table("schema_compatibility").await? {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO schema_compatibility (newest, works_from) \
         SELECT max(version), '{WORKS_FROM}' FROM seaql_migrations"
    );
    for sql in ["DELETE FROM schema_compatibility", &sql] {
        transaction.execute_unprepared(sql).await?;
    }
    Ok(())
}
