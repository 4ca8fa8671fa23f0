//! The words of `dsr user` and `dsr key`.

use clap::{Args, Subcommand, ValueEnum};
use client::{Role, Uuid};

use super::values::word;
use super::{Quota, size};

/// Users.
#[derive(Subcommand, Debug)]
pub enum UserCommand {
    /// List users, the newest first
    #[command(visible_alias = "list")]
    Ls {
        /// The most that are listed
        #[arg(long, short = 'n', value_name = "COUNT")]
        limit: Option<usize>,
    },
    /// Create a user
    #[command(visible_alias = "add")]
    New(NewUser),
    /// Show a user
    Show {
        /// The user, by id or name
        user: String,
    },
    /// Change a user
    Edit(EditUser),
    /// Refuse all requests of a user at once
    Disable {
        /// The user, by id or name
        user: String,
    },
    /// Accept requests of a user again
    Enable {
        /// The user, by id or name
        user: String,
    },
    /// Delete a user with all their documents
    Rm {
        /// The user, by id or name
        user: String,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// A user to create.
#[derive(Args, Debug)]
pub struct NewUser {
    /// Their name, unique
    pub name: String,
    /// What they may do
    #[arg(long, value_enum, default_value_t = UserRole::User)]
    pub role: UserRole,
    /// Bytes of all documents, such as 10GiB; without it the service's default
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub quota_bytes: Option<u64>,
    /// The number of documents; without it the service's default
    #[arg(long, value_name = "COUNT")]
    pub quota_documents: Option<u32>,
    /// Whose tokens are theirs; may be given several times
    #[arg(long, num_args = 2, value_names = ["ISSUER", "SUBJECT"])]
    pub identity: Vec<String>,
}

/// Changes to a user.
#[derive(Args, Debug)]
pub struct EditUser {
    /// The user, by id or name
    pub user: String,
    /// A new name
    #[arg(long)]
    pub name: Option<String>,
    /// What they may do
    #[arg(long, value_enum)]
    pub role: Option<UserRole>,
    /// Bytes of all documents, such as 10GiB, or `default`
    #[arg(long, value_name = "SIZE")]
    pub quota_bytes: Option<Quota>,
    /// The number of documents, or `default`
    #[arg(long, value_name = "COUNT")]
    pub quota_documents: Option<Quota>,
    /// Whose tokens are theirs, instead of those before; may be given several times
    #[arg(long, num_args = 2, value_names = ["ISSUER", "SUBJECT"], conflicts_with = "no_identities")]
    pub identity: Vec<String>,
    /// No tokens are theirs
    #[arg(long)]
    pub no_identities: bool,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UserRole {
    /// Have documents
    User,
    /// Manage users and the service, too
    Admin,
}

impl From<UserRole> for Role {
    fn from(role: UserRole) -> Self {
        match role {
            UserRole::User => Self::User,
            UserRole::Admin => Self::Admin,
        }
    }
}

/// API keys.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// List keys, the newest first
    #[command(visible_alias = "list")]
    Ls {
        #[command(flatten)]
        of: KeyOwner,
    },
    /// Make a key and print it. It isn't shown again
    #[command(visible_alias = "add")]
    New {
        #[command(flatten)]
        of: KeyOwner,
        /// A name, to tell it from others
        #[arg(long)]
        name: Option<String>,
        /// What it may be used for, such as documents:read; by default all that its user may do
        ///
        /// documents:read: read documents, versions and content
        /// documents:write: upload, change, archive and delete documents one by one
        /// operations: read all documents by exports, change and delete them in bulk, and import others
        /// events: read every event, with names and metadata of documents
        /// webhooks: have every event sent to any URL, with names and metadata of documents
        /// tickets: let others upload documents without a key
        /// admin: administer users, keys, jobs, queues and storage; with other scopes, read what other users have
        #[arg(
            long = "scope",
            alias = "scopes",
            value_name = "SCOPE",
            value_delimiter = ',',
            value_parser = word,
            verbatim_doc_comment
        )]
        scopes: Vec<String>,
        /// How long it may be used, such as 90s, 30m, 24h or 90d
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
    },
    /// Remove a key: it is refused at once
    Rm {
        /// The id of the key
        id: Uuid,
        #[command(flatten)]
        of: KeyOwner,
    },
}

/// Whose keys.
#[derive(Args, Debug)]
pub struct KeyOwner {
    /// For admins: the keys of this user, by id or name, instead of one's own
    #[arg(long)]
    pub user: Option<String>,
}
