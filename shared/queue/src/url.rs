//! Queue URLs: how hints are delivered.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

/// The default prefix of keys in Redis.
const DEFAULT_PREFIX: &str = "dossier";

/// The queue's URL: `inprocess:`, `postgres:`, `redis://host:port/db?prefix=word`, or
/// `rediss://user:password@host:port/db?ca=/path`, which uses TLS.
#[derive(Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// Within one process.
    InProcess,
    /// Over the PostgreSQL server of the ledger.
    Postgres,
    /// Over a Redis server.
    Redis {
        /// The server's URL without our own options.
        server: Url,
        /// The prefix of our keys.
        prefix: String,
        /// The file of certificate authorities (PEM) to trust instead of the system's.
        authorities: Option<PathBuf>,
    },
}

/// A text that is not the URL of a queue.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "a queue URL is inprocess:, postgres: (just so: it is the database of DOSSIER_DATABASE_URL), \
     redis://host:port/db or, within TLS, rediss://host:port/db, with ?prefix=word if the server is \
     shared, and ?ca=/path if rediss: has an authority of its own"
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
        let mut server = Url::parse(text).map_err(|_| InvalidQueueUrl)?;
        if !matches!(server.scheme(), "redis" | "rediss") {
            return Err(InvalidQueueUrl);
        }
        if !server.has_host() {
            return Err(InvalidQueueUrl);
        }
        let (mut prefix, mut authorities) = (None, None);
        let options: Vec<_> = server.query_pairs().into_owned().collect();
        for (option, value) in options {
            let former = match option.as_str() {
                "prefix" if is_word(&value) => prefix.replace(value),
                "ca" if server.scheme() == "rediss" && !value.is_empty() => {
                    authorities.replace(value)
                }
                _ => return Err(InvalidQueueUrl),
            };
            if former.is_some() {
                return Err(InvalidQueueUrl);
            }
        }
        server.set_query(None);
        Ok(Self::Redis {
            server,
            prefix: prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            authorities: authorities.map(PathBuf::from),
        })
    }
}

fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Shown without the password.
impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("inprocess:"),
            Self::Postgres => f.write_str("postgres:"),
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
        let QueueUrl::Redis { server, prefix, .. } = &url else {
            panic!("{url}")
        };
        assert_eq!((server.query(), prefix.as_str()), (None, "t1"));
        assert!(!url.to_string().contains("secret"));
    }

    #[test]
    fn within_tls_there_may_be_an_authority_of_ones_own() {
        let url: QueueUrl = "rediss://worker:a%40b@redis:6380/1?ca=/etc/ca%20one.pem&prefix=t1"
            .parse()
            .unwrap();
        let QueueUrl::Redis {
            server,
            authorities,
            ..
        } = &url
        else {
            panic!("{url}")
        };
        assert_eq!((server.scheme(), server.query()), ("rediss", None));
        assert_eq!(authorities.as_deref(), Some("/etc/ca one.pem".as_ref()));
        assert!(!url.to_string().contains("a%40b") && !format!("{url:?}").contains("a%40b"));
    }

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
            "redis://x?prefix=",
            "redis://x?prefx=a",
            "redis://x?prefix=a b",
            "redis://x?prefix=a&prefix=b",
            "redis://x?ca=/ca.pem",
            "rediss://x?ca=",
            "rediss:///0",
        ] {
            assert!(wrong.parse::<QueueUrl>().is_err(), "{wrong}");
        }
    }
}
