//! The command line: what can be asked for, and one line when it was asked wrongly.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use domain::{ByteSize, JobId, Role, UserName};
use queue::{JobKind, JobState, Queue};
use settings::Settings;

use crate::refusal::one_line;
use crate::started::{self, Shown};

/// The exit code of an audit that could not be done.
const NOT_DONE: u8 = 2;

/// The document service that people trust with a file and walk away.
#[derive(Parser, Debug)]
#[command(name = "dossier", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,

    #[command(subcommand)]
    pub command: Option<Command>,

    /// The settings that somebody has set, as they may be shown.
    #[arg(skip)]
    pub shown: Shown,
}

/// One role, or one thing that an operator does. Without a command: serve.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Everything in one process: migrate, ingress, workers
    Serve,
    /// Take uploads in and answer requests; any number of processes
    Ingress,
    /// Work on jobs; any number of processes
    Worker,
    /// Change the schema of the database
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
    /// See jobs, and try dead ones again
    Job {
        #[command(subcommand)]
        command: Job,
    },
    /// Manage the places where bytes are
    Storage {
        #[command(subcommand)]
        command: Storage,
    },
    /// Hold database and storage against each other; exit code 0 clean, 1 findings, 2 not done
    ///
    /// Safe while the service runs. Without --repair nothing is changed. With it, drifted
    /// counters are counted anew, pending versions without a job get one, documents show their
    /// newest active version, and stored bytes without a row go into quarantine, from which
    /// the cleanup removes them later. Missing or changed bytes are only told: put them back from a
    /// backup.
    Audit(Audit),
}

/// How an audit goes.
#[derive(Args, Clone, Copy, Debug)]
pub struct Audit {
    /// Mend what can be mended without destroying anything
    #[arg(long)]
    pub repair: bool,
    /// Read all bytes and check their digests
    #[arg(long)]
    pub deep: bool,
    /// How many bytes are read in a second at most
    #[arg(long, default_value = "50MiB", value_name = "SIZE")]
    pub rate: ByteSize,
    /// Print each finding as a line of JSON, and a summary as the last one
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Whether it plays a role of the service, until it is stopped.
    pub const fn is_role(&self) -> bool {
        matches!(
            self.command,
            None | Some(Command::Serve | Command::Ingress | Command::Worker)
        )
    }

    /// What the process ends with when it fails.
    pub fn failure(&self) -> ExitCode {
        match self.command {
            // 1 means that the audit was done and found something.
            Some(Command::Audit(_)) => ExitCode::from(NOT_DONE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// What to do with the schema; up by default.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Migrate {
    /// Apply every migration that is missing, and put the bootstrap key in force
    Up,
    /// Take the newest migration back, with the data of what it made
    Down,
    /// Show which migrations have been applied
    Status,
}

#[derive(Subcommand, Clone, Debug)]
pub enum User {
    /// Add a user and show their id
    Add {
        /// The name, unique
        name: UserName,
        /// user or admin
        #[arg(long, default_value = "user")]
        role: Role,
    },
    /// List users, newest first
    List,
    /// Link an identity to a user: tokens of that subject are theirs
    ///
    /// Also one whose user was deleted. Users whom tokens brought before there were
    /// identities are linked so.
    Link {
        /// The user's id or name
        user: String,
        /// The issuer, as tokens name it; empty for tokens that name none
        issuer: String,
        /// The subject, as tokens name it
        subject: String,
    },
    /// Forget an identity: its next token is that of a stranger
    Unlink {
        /// The issuer, as tokens name it; empty for tokens that name none
        issuer: String,
        /// The subject, as tokens name it
        subject: String,
    },
    /// Refuse a user everything, at once
    Disable {
        /// The user's id or name
        user: String,
    },
    /// Let a user who is disabled in again
    Enable {
        /// The user's id or name
        user: String,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Key {
    /// Make an API key for a user, by id or name, and show it once
    Add {
        /// The user's id or name
        user: String,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Job {
    /// List jobs, newest first, one a line
    List {
        /// States: ready, running, done, dead, as a comma list
        #[arg(long, value_delimiter = ',', default_value = "dead")]
        state: Vec<JobState>,
        #[command(flatten)]
        filter: JobFilter,
    },
    /// Try dead jobs again, with attempts anew
    Retry {
        /// Their ids
        #[arg(required_unless_present = "all")]
        ids: Vec<JobId>,
        /// All of them, or all that --queue and --kind leave
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        #[command(flatten)]
        filter: JobFilter,
    },
}

#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Storage {
    /// Make the places of the settings this ledger's own, whatever ledger had them before
    ///
    /// A ledger and its places know each other by an installation id, and nothing starts or is
    /// removed where they don't match. Adopt after the database was restored from a backup of
    /// another installation, or when places lost their mark and hold what they should. Without
    /// --yes it only says what it finds, and ends with exit code 1 if something would change.
    Adopt {
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

/// Which jobs.
#[derive(Args, Clone, Copy, Debug)]
pub struct JobFilter {
    /// Those in this queue: ingest, bulk or maintenance
    #[arg(long)]
    pub queue: Option<Queue>,
    /// Those of this kind, as the list names them
    #[arg(long)]
    pub kind: Option<JobKind>,
}

/// Reads the command line and the environment. What is wrong is told in one line that names it.
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

/// Reads `arguments`. A variable that `is_blank` is one that isn't set: so compose files and
/// unit files write it.
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

/// What is missing is told by name: a help text is no error.
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
            // What help doesn't show, no error repeats.
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
            (&["job"], &["requires a subcommand", "list, retry"]),
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
