//! Runs the command that the user gave.

use super::{
    bulk, edit, export, import, job, key, list, login, manual, me, operation, put, queue, receipt,
    receive, service, show, storage, ticket, upload, usage, user, versions, watch, webhook,
};
use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::output::Screen;
use crate::session::Session;

/// Runs it to its end.
pub async fn run(cli: Cli, screen: &Screen) -> Result<(), Failure> {
    let session = match cli.command {
        Command::Login(login) => return login::login(login, cli.url, cli.key, screen).await,
        Command::Logout => return login::logout(screen).await,
        Command::Completions { shell } => return manual::completions(shell, screen),
        Command::Man => return manual::manual(screen),
        _ => Session::open(cli.url, cli.key, screen)?,
    };
    let session = &session;
    match cli.command {
        Command::Put(put) => put::put(session, &put).await,
        Command::Get(get) => receive::get(session, &get).await,
        Command::Cat(cat) => receive::cat(session, &cat).await,
        Command::Ls(list) => list::list(session, &list).await,
        Command::Show(show) => show::show(session, &show).await,
        Command::Timeline(wanted) => show::timeline(session, &wanted).await,
        Command::Edit(edit) => edit::edit(session, &edit).await,
        Command::Archive(selected) => bulk::archive(session, &selected).await,
        Command::Restore(selected) => bulk::restore(session, &selected).await,
        Command::Retry(selected) => bulk::retry(session, &selected).await,
        Command::Rm(selected) => bulk::delete(session, &selected).await,
        Command::Versions(versions) => versions::versions(session, &versions).await,
        Command::Receipt(wanted) => receipt::receipt(session, &wanted).await,
        Command::Export(export) => export::export(session, &export).await,
        Command::Import(import) => import::import(session, &import).await,
        Command::Operation { command } => operation::operation(session, command).await,
        Command::Watch(watch) => watch::watch(session, watch).await,
        Command::Webhook { command } => webhook::webhook(session, command).await,
        Command::Ticket { command } => ticket::ticket(session, command).await,
        Command::Upload { command } => upload::upload(session, command).await,
        Command::Usage(wanted) => usage::usage(session, &wanted).await,
        Command::Me => me::me(session).await,
        Command::Key { command } => key::key(session, command).await,
        Command::User { command } => user::user(session, command).await,
        Command::Queue { command } => queue::queue(session, command).await,
        Command::Job { command } => job::job(session, command).await,
        Command::Schedule => queue::schedule(session).await,
        Command::Workers => queue::workers(session).await,
        Command::Storage { command } => storage::storage(session, command).await,
        Command::AuditLog(wanted) => service::audit_log(session, wanted).await,
        Command::Activity => service::activity(session).await,
        // Done above.
        Command::Login(_) | Command::Logout | Command::Completions { .. } | Command::Man => Ok(()),
    }
}
