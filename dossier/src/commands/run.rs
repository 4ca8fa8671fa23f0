//! Dispatches commands.

use std::process::ExitCode;

use settings::Role;

use super::{account, audit, backup, health, job, migrate, queue, roles, storage};
use crate::cli::{Cli, Command};

/// Runs the command.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let command = cli.command.unwrap_or(Command::Serve);
    let role = match command {
        Command::Serve => Role::Serve,
        Command::Ingress => Role::Ingress,
        Command::Worker => Role::Worker,
        Command::Health { .. }
        | Command::Migrate { .. }
        | Command::User { .. }
        | Command::Key { .. }
        | Command::Job { .. }
        | Command::Queue { .. }
        | Command::Storage { .. }
        | Command::Backup(_)
        | Command::Audit(_) => Role::Command,
    };
    let resolved = cli.settings.resolve(role)?;
    match command {
        Command::Serve => Box::pin(roles::serve(resolved, &cli.shown)).await,
        Command::Ingress => Box::pin(roles::ingress(resolved, &cli.shown)).await,
        Command::Worker => Box::pin(roles::worker(resolved, &cli.shown)).await,
        Command::Health { live } => return health::run(&resolved, live).await,
        Command::Migrate { direction } => migrate::run(&resolved, direction).await,
        Command::User { command } => account::user(&resolved, command).await,
        Command::Key { command } => account::key(&resolved, command).await,
        Command::Job { command } => job::run(&resolved, command).await,
        Command::Queue { command } => queue::run(&resolved, command).await,
        Command::Storage { command } => storage::run(&resolved, command).await,
        Command::Backup(options) => backup::run(&resolved, &options).await,
        Command::Audit(options) => return audit::run(&resolved, options).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
