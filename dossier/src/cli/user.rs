//! The words of `dossier user` and `dossier key`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use domain::{KeyLifetime, KeyName, Role, Scope, UserName};

/// Managing users.
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

/// Managing API keys.
#[derive(Subcommand, Clone, Debug)]
pub enum Key {
    /// Create an API key for a user and print it once
    #[command(visible_alias = "add")]
    New(NewKey),
}

/// A key to create.
#[derive(Args, Clone, Debug)]
pub struct NewKey {
    /// The user's id or name
    pub user: String,
    /// A name, to tell it from others
    #[arg(long)]
    pub name: Option<KeyName>,
    /// What it may be used for, a comma list such as documents:read,events; by default all that its
    /// user may do
    #[arg(
        long = "scope",
        alias = "scopes",
        value_name = "SCOPE",
        value_delimiter = ',',
        value_parser = scope
    )]
    pub scopes: Vec<Scope>,
    /// How long it may be used, such as 90s, 30m, 24h or 90d; by default without an end
    #[arg(long, value_name = "TIME")]
    pub expires_in: Option<KeyLifetime>,
}

/// One of a list that may have blanks behind its commas.
fn scope(text: &str) -> Result<Scope, <Scope as FromStr>::Err> {
    text.trim().parse()
}
