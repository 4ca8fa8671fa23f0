//! Where the database is, as the operator writes it: read once, shown without its password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of its own, for a single process.
    Sqlite(PathBuf),
    /// A server, for any number of processes.
    Postgres(String),
}

/// A text that is not the URL of a database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It is none of a database that is known.
    #[error("a database URL starts with postgres:// or sqlite://")]
    Unknown,
    /// What is in memory is lost, and each connection would have its own.
    #[error("a database in memory is lost at the end: name a file")]
    InMemory,
    /// Most likely a password with a character that means something in a URL.
    #[error(
        "it can't be read as a URL: percent-encode the user's name and the password, such as / as \
         %2F, @ as %40 and # as %23"
    )]
    Unreadable,
    /// The driver connects to one server.
    #[error(
        "a database URL names one host: name a proxy or an address that follows the primary server"
    )]
    SeveralHosts,
    /// The service writes.
    #[error("target_session_attrs can only be read-write, primary or any: the service writes")]
    SessionAttributes,
}

impl DatabaseUrl {
    /// Whether several processes may use it at once.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
        {
            if path.contains(":memory:") || path.contains("mode=memory") {
                return Err(InvalidDatabaseUrl::InMemory);
            }
            let path = path.split('?').next().unwrap_or_default();
            if path.is_empty() {
                return Err(InvalidDatabaseUrl::Unknown);
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(postgres_url(text)?));
        }
        Err(InvalidDatabaseUrl::Unknown)
    }
}

/// The URL as the driver takes it.
fn postgres_url(text: &str) -> Result<String, InvalidDatabaseUrl> {
    const ATTRIBUTES: &str = "target_session_attrs";

    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    // An '@' that comes later was meant to end the password.
    let before_query = after_scheme.split('?').next().unwrap_or_default();
    if before_query[authority.len()..].contains('@') {
        return Err(InvalidDatabaseUrl::Unreadable);
    }
    if hosts.contains(',') {
        return Err(InvalidDatabaseUrl::SeveralHosts);
    }
    let mut url = url::Url::parse(text).map_err(|_| InvalidDatabaseUrl::Unreadable)?;
    let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (wanted, hosts) = (
        parameters.iter().find(|(name, _)| name == ATTRIBUTES),
        parameters.iter().find(|(name, _)| name == "host"),
    );
    if hosts.is_some_and(|(_, hosts)| hosts.contains(',')) {
        return Err(InvalidDatabaseUrl::SeveralHosts);
    }
    match wanted.map(|(_, wanted)| wanted.as_str()) {
        None => return Ok(text.to_owned()),
        Some("read-write" | "primary" | "any") => {}
        Some(_) => return Err(InvalidDatabaseUrl::SessionAttributes),
    }
    // Every session is held to it, and the driver doesn't know the parameter.
    parameters.retain(|(name, _)| name != ATTRIBUTES);
    url.set_query(None);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    Ok(url.into())
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(text) => match url::Url::parse(text) {
                Ok(mut url) => {
                    let _ = url.set_password(None);
                    let (secret, shown): (Vec<_>, Vec<_>) = url
                        .query_pairs()
                        .into_owned()
                        .partition(|(name, _)| name == "password");
                    if !secret.is_empty() {
                        url.query_pairs_mut().clear().extend_pairs(shown);
                    }
                    url.fmt(f)
                }
                Err(_) => f.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_memory_is_refused() {
        for text in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite::memory:?cache=shared",
            "sqlite:file::memory:?cache=shared",
            "sqlite://ledger.sqlite?mode=memory",
        ] {
            let read = text.parse::<DatabaseUrl>();
            assert!(matches!(read, Err(InvalidDatabaseUrl::InMemory)), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://dossier:secret@db/dossier".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://dossier@db/dossier");
        assert!(!format!("{url:?}").contains("secret"));
        let url: DatabaseUrl = "postgres://db/x?user=u&password=secret".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db/x?user=u");
    }

    #[test]
    fn a_url_names_one_server_that_can_write() {
        let read = |text: &str| text.parse::<DatabaseUrl>();
        let asked =
            read("postgres://a:b@db/dossier?target_session_attrs=read-write&sslmode=prefer");
        let plain = read("postgres://a:b@db/dossier?sslmode=prefer");
        assert_eq!(asked.unwrap(), plain.unwrap());
        for several in [
            "postgres://a@one,two/x",
            "postgres://a@one:1,two:2/x",
            "postgres:///x?host=one,two",
        ] {
            let error = read(several).unwrap_err();
            assert!(
                matches!(error, InvalidDatabaseUrl::SeveralHosts),
                "{several}"
            );
        }
        let standby = read("postgres://a@db/x?target_session_attrs=standby").unwrap_err();
        assert!(matches!(standby, InvalidDatabaseUrl::SessionAttributes));
    }

    #[test]
    fn a_password_that_cuts_the_url_off_is_to_be_encoded() {
        for wrong in ["se/cret", "1/cret", "se#cret", "1#cret", "a/b@c", "se?cret"] {
            let error = format!("postgres://u:{wrong}@host/x").parse::<DatabaseUrl>();
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("percent-encode") && !error.contains("cret"),
                "{error}"
            );
        }
        let fine = "postgres://u:se%2Fcret@host/x?options=a@b";
        assert!(fine.parse::<DatabaseUrl>().is_ok());
    }

    #[test]
    fn other_databases_are_refused() {
        for wrong in ["mysql://x", "sqlite://", "dossier.db", ""] {
            assert!(wrong.parse::<DatabaseUrl>().is_err(), "{wrong}");
        }
    }
}
