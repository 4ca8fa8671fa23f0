//! Where hints travel.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// What the keys in Redis begin with unless the operator says otherwise.
const DEFAULT_PREFIX: &str = "dossier";

/// The queue's URL: `inprocess:`, or `redis://host:port/db?prefix=word`.
#[derive(Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// Within one process.
    InProcess,
    /// Through a Redis server.
    Redis {
        /// The server, without our own options.
        server: Url,
        /// What our keys begin with.
        prefix: String,
    },
}

/// A text that is not the URL of a queue.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "a queue URL is inprocess: or redis://host:port/db, with ?prefix=word if the server is shared"
)]
pub struct InvalidQueueUrl;

impl QueueUrl {
    /// Whether several processes may use it at once.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Redis { .. })
    }
}

impl FromStr for QueueUrl {
    type Err = InvalidQueueUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "inprocess:" | "inprocess") {
            return Ok(Self::InProcess);
        }
        let mut server = Url::parse(text).map_err(|_| InvalidQueueUrl)?;
        if !matches!(server.scheme(), "redis" | "rediss") {
            return Err(InvalidQueueUrl);
        }
        let mut prefix = DEFAULT_PREFIX.to_owned();
        let options: Vec<_> = server.query_pairs().into_owned().collect();
        for (option, value) in options {
            let word = !value.is_empty()
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if option != "prefix" || !word {
                return Err(InvalidQueueUrl);
            }
            prefix = value;
        }
        server.set_query(None);
        Ok(Self::Redis { server, prefix })
    }
}

/// Without the password.
impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("inprocess:"),
            Self::Redis { server, .. } => {
                let mut server = server.clone();
                let _ = server.set_password(None);
                server.fmt(f)
            }
        }
    }
}

impl fmt::Debug for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_the_servers_url() {
        let url: QueueUrl = "redis://:secret@localhost:6379/2?prefix=t1"
            .parse()
            .unwrap();
        let QueueUrl::Redis { server, prefix } = &url else {
            panic!("{url}")
        };
        assert_eq!((server.query(), prefix.as_str()), (None, "t1"));
        assert!(!url.to_string().contains("secret"));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "amqp://x",
            "redis://x?prefix=",
            "redis://x?prefx=a",
            "redis://x?prefix=a b",
        ] {
            assert!(wrong.parse::<QueueUrl>().is_err(), "{wrong}");
        }
    }
}
