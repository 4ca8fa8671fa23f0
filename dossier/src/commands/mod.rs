//! What each subcommand does.

mod account;
mod audit;
mod job;
mod migrate;
mod roles;
mod storage;

pub use audit::NOT_DONE;

use std::process::ExitCode;

use domain::{AuditEntry, AuditEvent, AuditOrigin, Clock as _, SystemClock};
use ledger::{Audited, Database};
use settings::Role;
use uuid::Uuid;

use crate::cli::{Cli, Command};

/// Does what the command line asks for.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let command = cli.command.unwrap_or(Command::Serve);
    let role = match command {
        Command::Serve => Role::Serve,
        Command::Ingress => Role::Ingress,
        Command::Worker => Role::Worker,
        Command::Migrate { .. }
        | Command::User { .. }
        | Command::Key { .. }
        | Command::Job { .. }
        | Command::Storage { .. }
        | Command::Audit(_) => Role::Command,
    };
    let resolved = cli.settings.resolve(role)?;
    match command {
        Command::Serve => Box::pin(roles::serve(resolved, &cli.shown)).await,
        Command::Ingress => Box::pin(roles::ingress(resolved, &cli.shown)).await,
        Command::Worker => Box::pin(roles::worker(resolved, &cli.shown)).await,
        Command::Migrate { direction } => migrate::run(&resolved, direction).await,
        Command::User { command } => account::user(&resolved, command).await,
        Command::Key { command } => account::key(&resolved, command).await,
        Command::Job { command } => job::run(&resolved, command).await,
        Command::Storage { command } => storage::run(&resolved, command).await,
        Command::Audit(options) => return audit::run(&resolved, options).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A change that an operator makes, as the security log has it.
fn logged<T, F>(
    db: &Database,
    events: F,
) -> Audited<Database, impl Fn(&T) -> Vec<AuditEntry> + use<T, F>>
where
    F: Fn(&T) -> Vec<AuditEvent>,
{
    let entries = move |made: &T| {
        let entry = |event| AuditEntry::single(AuditOrigin::OPERATOR, event, SystemClock.now());
        events(made).into_iter().map(entry).collect()
    };
    Audited {
        on: db.clone(),
        entries,
    }
}

/// A new API key: 244 random bits, more than anyone guesses.
pub fn generate_key() -> String {
    format!(
        "dossier_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    )
}
