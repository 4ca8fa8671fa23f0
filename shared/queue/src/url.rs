//! Queue URLs: how hints are delivered.

use std::fmt;
use std::str::FromStr;

use super::redis::RedisUrl;

/// The queue's URL: `inprocess:`, `postgres:`, or where Redis is.
#[derive(Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// Within one process.
    InProcess,
    /// Over the PostgreSQL server of the ledger.
    Postgres,
    /// Over Redis.
    Redis(RedisUrl),
}

/// A text that is not the URL of a queue.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "a queue URL is inprocess:, postgres: (just so: it is the database of DOSSIER_DATABASE_URL), \
     redis://host:port/db, redis+sentinel://host:port,host:port/master/db or \
     redis+cluster://host:port,host:port; within TLS the same with rediss; with ?prefix=word if the \
     server is shared, and ?ca=/path if rediss has an authority of its own"
)]
pub struct InvalidQueueUrl;

impl QueueUrl {
    /// Returns whether several processes can share it.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        !matches!(self, Self::InProcess)
    }
}

impl FromStr for QueueUrl {
    type Err = InvalidQueueUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "inprocess:" | "inprocess") {
            return Ok(Self::InProcess);
        }
        if matches!(text, "postgres:" | "postgres") {
            return Ok(Self::Postgres);
        }
        RedisUrl::read(text).map(Self::Redis).ok_or(InvalidQueueUrl)
    }
}

/// Shown without the password.
impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("inprocess:"),
            Self::Postgres => f.write_str("postgres:"),
            Self::Redis(url) => url.fmt(f),
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
    fn postgres_is_the_database_of_the_ledger() {
        for text in ["postgres:", "postgres"] {
            let url: QueueUrl = text.parse().unwrap();
            assert_eq!(
                (url.to_string(), url.is_shared()),
                ("postgres:".to_owned(), true)
            );
        }
        let error = "postgres://u:secret@db/x".parse::<QueueUrl>().unwrap_err();
        let told = error.to_string();
        assert!(told.contains("DOSSIER_DATABASE_URL") && !told.contains("secret"));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "postgres://db/x",
            "postgres:?prefix=a",
            "postgresql:",
            "amqp://x",
            "redis://x?prefx=a",
        ] {
            assert!(wrong.parse::<QueueUrl>().is_err(), "{wrong}");
        }
    }
}
