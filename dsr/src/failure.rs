//! Why a command failed, its exit code, and what the user can do.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use client::{Error, ReceiptError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The service refused it, or couldn't be reached.
    #[error(transparent)]
    Service(#[from] Error),
    /// The arguments contradict each other, or aren't understood.
    #[error("{0}")]
    Usage(String),
    /// There is no URL or no key.
    #[error("you aren't signed in")]
    NotSignedIn,
    /// No user has this name.
    #[error("there is no user {0:?}")]
    NoSuchUser(String),
    /// A file can't be read or written.
    #[error("{}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A receipt doesn't verify with the keys of the service.
    #[error("the receipt isn't to be believed")]
    Receipt(#[from] ReceiptError),
    /// Some of several things failed, and were told already.
    #[error("{0}")]
    InPart(String),
    /// The output or the terminal can't be used.
    #[error("can't write")]
    Output(#[source] io::Error),
    /// Ctrl-C was pressed.
    #[error("interrupted")]
    Interrupted {
        /// Whether the same command goes on.
        goes_on: bool,
    },
}

impl Failure {
    /// Wrong usage.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// A file that can't be read or written.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// The exit code; the help lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NotSignedIn => 3,
            Self::NoSuchUser(_) => 4,
            Self::Interrupted { .. } => 130,
            Self::File { .. } | Self::Receipt(_) | Self::InPart(_) | Self::Output(_) => 1,
            Self::Service(error) => of_service(error),
        }
    }

    /// The message and its causes, in one line.
    pub fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = match self {
            Self::Service(error) => error.source(),
            other => other.source(),
        };
        let mut last = message.clone();
        while let Some(source) = cause {
            let text = source.to_string();
            if text != last {
                let _ = write!(message, ": {text}");
            }
            last = text;
            cause = source.source();
        }
        message
    }

    /// What the user can do.
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::NotSignedIn => "Run `dsr login URL`, or set DSR_URL and DSR_KEY.",
            Self::NoSuchUser(_) => "`dsr user ls` lists users.",
            Self::Interrupted { goes_on: true } => "Give the same command again to go on.",
            Self::Service(error) => return of_error(error),
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

fn of_service(error: &Error) -> u8 {
    if error.is_transient() {
        return 5;
    }
    match error {
        Error::BadUrl(_) | Error::BadKey => 2,
        Error::Refused(problem) => match problem.status {
            401 | 403 => 3,
            404 => 4,
            409 | 412 => 6,
            _ => 1,
        },
        Error::Unexpected { status, .. } => match status.as_u16() {
            404 => 4,
            _ => 1,
        },
        _ => 1,
    }
}

fn is_key_of_variable() -> bool {
    std::env::var_os("DSR_KEY").is_some()
}

fn of_error(error: &Error) -> Option<String> {
    let advice = match error {
        Error::Unreachable { .. } | Error::TimedOut { .. } => {
            "Is the service running, and is its address right? `dsr login URL` sets another."
        }
        Error::Unexpected { .. } => "Is this the address of a Dossier service?",
        Error::Changed {
            document: Some(id), ..
        } => {
            return Some(format!(
                "Document {id} may have parts of both: delete it, and put the file again."
            ));
        }
        Error::Changed { document: None, .. } => "Put it again when nothing writes to it.",
        Error::StillPending { .. } => {
            "It goes on: look again with `dsr show` or `dsr operation show`."
        }
        Error::Refused(problem) => match problem.code.as_str() {
            "unauthorized" if is_key_of_variable() => {
                "The key of DSR_KEY isn't valid, and comes before that of `dsr login`: unset or correct it."
            }
            "unauthorized" => "The key isn't valid. Sign in with another: `dsr login`.",
            "quota_exceeded" => "`dsr usage` shows what is used; `dsr rm` makes room.",
            "insufficient_scope" | "forbidden" if is_key_of_variable() => {
                "The key of DSR_KEY may not do this, and comes before that of `dsr login`."
            }
            "insufficient_scope" | "forbidden" => {
                "Sign in with a key that may do this: `dsr login`."
            }
            "not_found" => {
                "`dsr ls` lists documents, with --status archived archived ones; other things have \
                 an `ls` of their own."
            }
            "not_active" => {
                "`dsr show` tells its status; an archived document needs `dsr restore`."
            }
            "revision_mismatch" => "Somebody has changed it: look with `dsr show`, then try again.",
            "overloaded" | "unavailable" | "rate_limited" => "Try again in a while.",
            "internal" => {
                return Some(format!(
                    "Tell the operator its request id: {}",
                    problem.request_id
                ));
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(advice.to_owned())
}
