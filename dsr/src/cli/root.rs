//! The commands, and what is common to them.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use client::Uuid;

use super::{
    AuditLog, Cat, Edit, Export, Get, Import, JobCommand, KeyCommand, List, Owner, Put,
    QueueCommand, Receipt, Selected, Show, StorageCommand, Timeline, UserCommand, Versions,
    WebhookCommand, size,
};

/// What the exit codes mean, at the end of the help and of the manual.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, or some documents did
  2    wrong usage
  3    not signed in, or not allowed
  4    not found
  5    the service can't be reached or is overloaded; try again
  6    something is in the way: the state of the document, a name that is taken, another change
  130  interrupted";

/// The heading of options that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Upload, find and manage documents in Dossier
#[derive(Parser, Debug)]
#[command(name = "dsr", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// The service; by default the one of `dsr login`
    #[arg(long, env = "DSR_URL", global = true, value_name = "URL", help_heading = EVERYWHERE)]
    pub url: Option<String>,

    /// The API key; by default the one of `dsr login`. Other users see arguments, but no variables
    #[arg(
        long,
        env = "DSR_KEY",
        global = true,
        value_name = "KEY",
        hide_env_values = true,
        help_heading = EVERYWHERE
    )]
    pub key: Option<String>,

    /// Print JSON, one object a line, for programs
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,

    /// Print results and errors only
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,

    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Sign in: check a key and keep it, or get one with a browser
    Login(Login),
    /// Forget the key; one of a browser is removed at the service, too
    Logout,
    /// Upload files and folders
    Put(Put),
    /// Download a document into a file
    Get(Get),
    /// Print the content of a document
    Cat(Cat),
    /// List documents
    #[command(visible_alias = "list")]
    Ls(List),
    /// Show a document
    Show(Show),
    /// Show what happened to a document, in order
    Timeline(Timeline),
    /// Change the name, the unique name, the metadata or whether a document is public
    Edit(Edit),
    /// Archive documents: nobody reads them until they are restored
    Archive(Selected),
    /// Restore archived documents
    Restore(Selected),
    /// Process failed documents again
    Retry(Selected),
    /// Delete documents for good
    Rm(Selected),
    /// List the versions of a document, restore or delete one
    Versions(Versions),
    /// Print the signed receipt of a document, verified with the keys of the service
    Receipt(Receipt),
    /// Download many documents as a ZIP archive
    Export(Export),
    /// Make documents of a ZIP archive
    Import(Import),
    /// List, follow, cancel and undo operations on many documents
    Operation {
        #[command(subcommand)]
        command: OperationCommand,
    },
    /// Watch what happens
    Watch(Watch),
    /// Have events delivered to an address
    Webhook {
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Let somebody without a key upload
    Ticket {
        #[command(subcommand)]
        command: TicketCommand,
    },
    /// List and end resumable uploads
    Upload {
        #[command(subcommand)]
        command: UploadCommand,
    },
    /// Show how much is used
    Usage(Usage),
    /// Show who the key belongs to, and what it may be used for
    Me,
    /// Make, list and remove API keys: one's own and, for admins, those of others
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// For admins: create, change, disable and delete users
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// For admins: list, pause and resume queues
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// For admins: list, retry and cancel jobs
    Job {
        #[command(subcommand)]
        command: JobCommand,
    },
    /// For admins: list recurring jobs and when they are due
    Schedule,
    /// For admins: list workers and what they hold
    Workers,
    /// For admins: list storage places, and move objects between them
    Storage {
        #[command(subcommand)]
        command: StorageCommand,
    },
    /// For admins: read the security log
    AuditLog(AuditLog),
    /// For admins: show the last hour, minute by minute
    Activity,
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual, for man(1)
    Man,
}

/// Signing in.
#[derive(Args, Debug)]
#[command(after_help = "The key is asked for on the terminal, or read from standard input.")]
pub struct Login {
    #[arg(
        value_name = "URL",
        help = "The service; by default the one of before, or http://127.0.0.1:8080"
    )]
    pub service: Option<String>,

    /// Sign in with a browser instead of a key, if the service has a provider for that
    #[arg(long)]
    pub browser: bool,
}

/// Operations.
#[derive(Subcommand, Debug)]
pub enum OperationCommand {
    /// List operations, the newest first
    #[command(visible_alias = "list")]
    Ls {
        /// The most that are listed
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        of: Owner,
    },
    /// Show an operation and what failed
    Show {
        /// The operation
        id: Uuid,
        #[command(flatten)]
        of: Owner,
    },
    /// List what became of each document
    Items {
        /// The operation
        id: Uuid,
        /// Only those that failed
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        of: Owner,
    },
    /// Wait until an operation has ended
    Wait {
        /// The operation
        id: Uuid,
    },
    /// Skip what an operation hasn't begun
    Cancel {
        /// The operation
        id: Uuid,
    },
    /// Undo an archive, restore or update
    Undo {
        /// The operation
        id: Uuid,
    },
}

/// Resumable uploads.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum UploadCommand {
    /// List uploads, the newest first
    #[command(visible_alias = "list")]
    Ls,
    /// End an upload, and give back what it reserved
    Rm {
        /// The upload
        id: Uuid,
    },
}

/// What is used.
#[derive(Args, Debug)]
pub struct Usage {
    #[command(flatten)]
    pub of: Owner,
}

/// What is watched.
#[derive(Args, Debug)]
pub struct Watch {
    /// Begin with the events after this cursor; without it, with those to come
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// Begin with the oldest event that is kept
    #[arg(long, conflicts_with = "after")]
    pub all: bool,
    /// Only these types, such as document.activated
    #[arg(long, short, value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only this document
    #[arg(long, value_name = "ID")]
    pub document: Option<Uuid>,
    /// End after so many events
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub of: Owner,
}

/// Tickets.
#[derive(Subcommand, Debug)]
pub enum TicketCommand {
    /// Make a ticket, and print the address where its holder uploads
    #[command(visible_alias = "add")]
    New {
        /// How many documents may be uploaded
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// How long it lives, such as 90m, 24h or 7d
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
        /// The largest document, such as 512KiB or 10MB
        #[arg(long, value_name = "SIZE", value_parser = size)]
        max_bytes: Option<u64>,
        /// Allowed media types, such as image/*
        #[arg(long, value_name = "TYPE", value_delimiter = ',')]
        types: Vec<String>,
        /// The name of the documents; else the uploader chooses
        #[arg(long)]
        name: Option<String>,
        /// Metadata of the documents: KEY=VALUE, or a JSON object
        #[arg(long, short, value_name = "KEY=VALUE")]
        metadata: Vec<String>,
        #[arg(
            long,
            value_name = "ORIGIN",
            help = "The origin of a page that may upload with it, such as https://example.com"
        )]
        cors_origin: Option<String>,
    },
    /// List tickets
    #[command(visible_alias = "list")]
    Ls,
    /// Show a ticket
    Show {
        /// The ticket
        id: Uuid,
    },
    /// Revoke a ticket at once
    Revoke {
        /// The ticket
        id: Uuid,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// The library would take the value of one for the other: the key of the service would be sent to
    /// the URL of a webhook.
    #[test]
    fn no_command_has_an_argument_with_the_name_of_a_global_one() {
        let root = Cli::command();
        let arguments = root.get_arguments();
        let global: Vec<_> = arguments
            .map(|argument| argument.get_id().clone())
            .collect();
        let mut commands: Vec<_> = root.get_subcommands().collect();
        let mut seen = 0;
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let name = argument.get_id();
                assert!(!global.contains(name), "{}: {name}", command.get_name());
                seen += 1;
            }
            commands.extend(command.get_subcommands());
        }
        assert!(seen > 40, "{seen}");
    }

    /// In `dossier`, too.
    #[test]
    fn every_list_is_ls_or_list_and_whatever_is_made_is_new_or_add() {
        let root = Cli::command();
        let mut commands: Vec<_> = root.get_subcommands().collect();
        while let Some(command) = commands.pop() {
            let aliases: Vec<_> = command.get_visible_aliases().collect();
            match command.get_name() {
                "ls" => assert_eq!(aliases, ["list"]),
                "new" => assert_eq!(aliases, ["add"]),
                name => assert!(!["list", "add"].contains(&name), "{name}"),
            }
            commands.extend(command.get_subcommands());
        }
    }
}
