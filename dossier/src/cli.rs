//! The command line: its commands, and one-line errors for wrong usage.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use domain::{ByteSize, JobId, Role, UserName};
use queue::{JobKind, JobState, Queue};
use settings::Settings;
use storage::StorageUrl;

use crate::refusal::one_line;
use crate::started::{self, Shown};

/// The exit code of an audit that failed.
const NOT_DONE: u8 = 2;

/// A document service: stores, identifies, versions and serves files.
#[derive(Parser, Debug)]
#[command(name = "dossier", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,

    #[command(subcommand)]
    pub command: Option<Command>,

    /// The settings that are not at their default, with secrets redacted.
    #[arg(skip)]
    pub shown: Shown,
}

/// The command to run; `serve` by default.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Run everything in one process: migrations, API and workers
    Serve,
    /// Run the API; any number of processes
    Ingress,
    /// Run jobs; any number of processes
    Worker,
    /// Ask a running process of this machine whether it is ready; exit code 0 if it is
    ///
    /// For health checks of containers and units. Asks at --ops-listen; without it, at the default
    /// address of the API's roles, then at that of workers. Prints the answer.
    Health {
        /// Only ask whether the process is up
        #[arg(long)]
        live: bool,
    },
    /// Migrate the database schema
    Migrate {
        #[command(subcommand)]
        direction: Option<Migrate>,
    },
    /// Manage users
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Manage API keys
    Key {
        #[command(subcommand)]
        command: Key,
    },
    /// List jobs, retry dead ones, and cancel waiting ones
    Job {
        #[command(subcommand)]
        command: Job,
    },
    /// Pause and resume queues
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Manage the storage places
    Storage {
        #[command(subcommand)]
        command: Storage,
    },
    /// Back up a service on SQLite and local files, while it runs
    ///
    /// Copies the database, then the files, to a folder that is new or empty; the backup is complete
    /// once `dossier.sqlite` is in it. The queue `maintenance` is paused meanwhile, so that nothing
    /// which the copy of the database names is removed, and in the copy, until you resume it after a
    /// restore. PostgreSQL and object stores are backed up by their own means, see OPERATIONS.md.
    Backup(Backup),
    /// Check the database and storage for inconsistencies; exit code 0 clean, 1 findings, 2 failed
    ///
    /// Safe while the service runs. Changes nothing without --repair. With it, recounts drifted
    /// counters, enqueues pending versions that have no job, points documents to their newest
    /// active version, and quarantines stored bytes that no row refers to; the cleanup removes
    /// those later. Missing or changed bytes are only reported: restore them from a backup.
    Audit(Audit),
}

/// The options of a backup.
#[derive(Args, Clone, Debug)]
pub struct Backup {
    /// The folder to make
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// An earlier backup: files that are the same become hard links to it
    #[arg(long, value_name = "FOLDER")]
    pub previous: Option<PathBuf>,
    /// Copy the database alone; pause `maintenance` before, until the storage is copied, too
    #[arg(long)]
    pub database_only: bool,
}

/// The options of an audit.
#[derive(Args, Clone, Copy, Debug)]
pub struct Audit {
    /// Repair what can be repaired without destroying anything
    #[arg(long)]
    pub repair: bool,
    /// Read all bytes and check their digests
    #[arg(long)]
    pub deep: bool,
    /// The most bytes to read per second
    #[arg(long, default_value = "50MiB", value_name = "SIZE")]
    pub rate: ByteSize,
    /// Print each finding as a line of JSON, and a summary as the last line
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Returns whether the command runs a role of the service until stopped.
    pub const fn is_role(&self) -> bool {
        matches!(
            self.command,
            None | Some(Command::Serve | Command::Ingress | Command::Worker)
        )
    }

    /// Returns the exit code of a failure.
    pub fn failure(&self) -> ExitCode {
        match self.command {
            // 1 means that the audit succeeded with findings.
            Some(Command::Audit(_)) => ExitCode::from(NOT_DONE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The migration command; `up` by default.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Migrate {
    /// Apply all pending migrations, and install the bootstrap key
    Up,
    /// Revert the newest migration; its data is lost
    Down,
    /// Show which migrations are applied
    Status,
}

#[derive(Subcommand, Clone, Debug)]
pub enum User {
    /// Add a user and print their id
    #[command(visible_alias = "add")]
    New {
        /// The user's name, unique
        name: UserName,
        /// The user's role: user or admin
        #[arg(long, default_value = "user")]
        role: Role,
    },
    /// List users, newest first
    #[command(visible_alias = "list")]
    Ls,
    /// Link an identity to a user, so that its tokens authenticate as that user
    ///
    /// Also works for the identity of a deleted user, and for users created from tokens by releases
    /// without identities.
    Link {
        /// The user's id or name
        user: String,
        /// The issuer (iss) of its tokens; empty for tokens without one
        issuer: String,
        /// The subject (sub) of its tokens
        subject: String,
    },
    /// Unlink an identity, so that its next token counts as unknown
    Unlink {
        /// The issuer (iss) of its tokens; empty for tokens without one
        issuer: String,
        /// The subject (sub) of its tokens
        subject: String,
    },
    /// Disable a user: refuse all their requests immediately
    Disable {
        /// The user's id or name
        user: String,
    },
    /// Enable a disabled user
    Enable {
        /// The user's id or name
        user: String,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Key {
    /// Create an API key for a user and print it once
    #[command(visible_alias = "add")]
    New {
        /// The user's id or name
        user: String,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Job {
    /// List jobs, newest first, one per line
    #[command(visible_alias = "list")]
    Ls {
        /// States to list, a comma list: ready, running, done, dead
        #[arg(long, value_delimiter = ',', default_value = "dead")]
        state: Vec<JobState>,
        #[command(flatten)]
        filter: JobFilter,
    },
    /// Cancel waiting jobs: whoever claims them next gives them up
    Cancel {
        /// The queue: ingest, bulk, maintenance or deliver
        #[arg(long)]
        queue: Queue,
        /// Only jobs of this kind, as listed
        #[arg(long)]
        kind: Option<JobKind>,
    },
    /// Retry dead jobs with a fresh attempt count
    Retry {
        /// The ids of the jobs
        #[arg(required_unless_present = "all")]
        ids: Vec<JobId>,
        /// Retry all dead jobs, or all that match --queue and --kind
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        #[command(flatten)]
        filter: JobFilter,
    },
}

#[derive(Subcommand, Clone, Copy, Debug)]
pub enum QueueCommand {
    /// List queues with their waiting, running and dead jobs, one per line
    #[command(visible_alias = "list")]
    Ls,
    /// Pause a queue: workers claim no more jobs of it; those that run end, new ones wait
    Pause {
        /// The queue: ingest, bulk, maintenance or deliver
        queue: Queue,
    },
    /// Resume a paused queue
    Resume {
        /// The queue: ingest, bulk, maintenance or deliver
        queue: Queue,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Storage {
    /// List the places, with how many objects and bytes the ledger has in each
    ///
    /// Also names places that rows refer to and that aren't configured; then the exit code is 1.
    #[command(visible_alias = "list")]
    Ls {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the CORS rules that the staging place needs for scripts of browsers
    ///
    /// For redirected downloads and direct uploads, from the origins that may use the API, or from any
    /// if none may: whoever has a signed URL may use it anyway.
    Cors,
    /// Move documents' bytes from one place to another, while the service runs
    ///
    /// Workers copy each object, verify its digest, and remove the old one after a while, an hour
    /// by default. This command starts a move and shows its progress; ended early, it
    /// leaves the move running. Exit code 1 if objects could not be moved.
    Move(Box<StorageMove>),
    /// Mark the configured places as this ledger's, whatever ledger they belonged to
    ///
    /// A ledger and its places carry the same installation id; if they differ, the service doesn't
    /// start and removes nothing. Adopt places after restoring the database from a backup of
    /// another installation, or when places have lost their mark but hold the right data. Without
    /// --yes, only reports what it finds, with exit code 1 if something would change.
    Adopt {
        /// Write the marks
        #[arg(long)]
        yes: bool,
    },
}

/// What to move.
#[derive(Args, Clone, Debug)]
pub struct StorageMove {
    /// The place to move from, one of the configured ones
    #[arg(long, value_name = "URL")]
    pub from: StorageUrl,
    /// The place to move to
    #[arg(long, value_name = "URL")]
    pub to: StorageUrl,
    /// The most bytes per second [default: no limit]. Below 1MiB objects are copied as a whole, with rests
    #[arg(long, value_name = "SIZE")]
    pub rate: Option<ByteSize>,
    /// Only print how much would be moved
    #[arg(long)]
    pub dry_run: bool,
}

/// Which jobs to select.
#[derive(Args, Clone, Copy, Debug)]
pub struct JobFilter {
    /// Only jobs in this queue: ingest, bulk, maintenance or deliver
    #[arg(long)]
    pub queue: Option<Queue>,
    /// Only jobs of this kind, as listed
    #[arg(long)]
    pub kind: Option<JobKind>,
}

/// Parses the command line and the environment. Errors are one line that names the setting.
pub fn parse() -> Result<Cli, ExitCode> {
    let is_blank = |variable: &OsStr| {
        let value = std::env::var_os(variable);
        value.is_some_and(|value| value.as_encoded_bytes().trim_ascii().is_empty())
    };
    read(std::env::args_os(), is_blank).map_err(|error| {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        ) || error.exit_code() == 0
        {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        eprintln!("dossier: {}", one_line(&error));
        ExitCode::from(2)
    })
}

/// Parses `arguments`. Blank variables count as unset, since compose and unit files write them so.
fn read(
    arguments: impl IntoIterator<Item = OsString>,
    is_blank: impl Fn(&OsStr) -> bool,
) -> Result<Cli, clap::Error> {
    let mut command = without_help(Cli::command()).mut_args(|argument| {
        if argument.get_env().is_some_and(&is_blank) {
            argument.env(None::<&'static str>)
        } else {
            argument
        }
    });
    let matches = command.try_get_matches_from_mut(arguments)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let shown = started::shown(&command, &matches);
    Ok(Cli { shown, ..cli })
}

/// A missing subcommand is reported by name, not by the help text.
fn without_help(command: clap::Command) -> clap::Command {
    command
        .arg_required_else_help(false)
        .mut_subcommands(without_help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::is_secret;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// In `dsr`, too.
    #[test]
    fn every_list_is_ls_or_list_and_whatever_is_made_is_new_or_add() {
        for line in [
            "user ls",
            "user new a",
            "key new a",
            "job ls",
            "queue ls",
            "storage ls",
        ] {
            for line in [line, &line.replace("ls", "list").replace("new", "add")] {
                let arguments = std::iter::once("dossier").chain(line.split(' '));
                read(arguments.map(OsString::from), |_| true).unwrap();
            }
        }
    }

    #[test]
    fn every_setting_is_a_flag_and_a_variable_of_the_same_name() {
        for argument in Cli::command().get_arguments() {
            let Some(flag) = argument.get_long() else {
                continue;
            };
            if matches!(flag, "help" | "version") {
                continue;
            }
            let variable = format!("DOSSIER_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(
                argument.get_env().and_then(|name| name.to_str()),
                Some(variable.as_str()),
                "--{flag}"
            );
        }
    }

    #[test]
    fn every_list_is_read_in_the_same_way() {
        let command = Cli::command();
        let mut arguments = command.get_arguments();
        let own = arguments.find(|argument| argument.get_value_delimiter().is_some());
        assert!(own.is_none(), "{own:?} isn't a `List`");
    }

    fn told(arguments: &[&str]) -> String {
        let arguments = std::iter::once(&"dossier").chain(arguments);
        let error = read(arguments.map(OsString::from), |_| true).unwrap_err();
        let line = one_line(&error);
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn no_value_that_may_carry_a_secret_is_repeated() {
        let (mut secret, mut open) = (0, 0);
        for argument in Cli::command().get_arguments() {
            let Some(name) = argument.get_env().and_then(|name| name.to_str()) else {
                continue;
            };
            let flag = argument.get_long().unwrap();
            for wrong in [
                "postgress://u:MARKER@h/x",
                "postgres://u:se/MARKER@h/x",
                "postgres://u:1/MARKER@h/x",
                "redis://u:MARKER@h/0?no=MARKER",
                "redis+sentinel://u:MARKER@h,i/0?sentinel_password=MARKER",
                "redis+cluster://u:MARKER@h,i/1",
                "s3://MARKER:se/MARKER@h/x",
                "s3://u:MARKER@h/x",
                "grpc://u:MARKER@h",
                "http://u:MARKER@h/?token=MARKER",
                "MARKER",
                "MARKER\n",
            ] {
                let line = [String::from("dossier"), format!("--{flag}={wrong}")];
                let Err(error) = read(line.map(OsString::from), |_| true) else {
                    continue;
                };
                let line = one_line(&error);
                assert!(line.starts_with(&format!("{name}: ")), "{line}");
                if is_secret(name) {
                    secret += 1;
                    assert!(!line.to_lowercase().contains("marker"), "{line}");
                } else {
                    open += 1;
                }
            }
            // Errors must not repeat values that help hides.
            assert!(
                !argument.is_hide_env_values_set() || is_secret(name),
                "{name}"
            );
        }
        assert!(secret > 30 && open > 100, "{secret} {open}");
    }

    #[test]
    fn one_line_holds_all_that_matters() {
        let listen = told(&["--listen", "nowhere"]);
        assert!(listen.starts_with("DOSSIER_LISTEN: ") && listen.contains("nowhere"));
        for (arguments, parts) in [
            (&["serve", "--listn", "x"][..], &["--listn", "--listen"][..]),
            (&["job", "retry"], &["required arguments", "<IDS>"]),
            (&["job"], &["requires a subcommand", "list, cancel, retry"]),
            (&["key", "add"], &["<USER>"]),
            (&["user", "disable"], &["<USER>"]),
            (
                &["--jwt-create-users=yes"],
                &["DOSSIER_JWT_CREATE_USERS", "true, false"],
            ),
            (&["--concurrency=0"], &["DOSSIER_CONCURRENCY", "1 to 1024"]),
            (
                &["--database-url=postgres://u:se/cret@h/x"],
                &["percent-encode"],
            ),
        ] {
            let line = told(arguments);
            for part in parts {
                assert!(line.contains(part), "{part}: {line}");
            }
        }
    }
}
