//! The URL of Redis: of one server, of Sentinels and their master, or of a cluster.

use std::fmt;
use std::path::{Path, PathBuf};

use url::{Position, Url, form_urlencoded};

/// The default prefix of keys in Redis.
const DEFAULT_PREFIX: &str = "dossier";

/// The default port of a Sentinel.
const SENTINEL_PORT: u16 = 26379;

/// Where Redis is, and how it is used:
///
/// - `redis://user:password@host:port/db`
/// - `redis+sentinel://user:password@host:port,host:port/master/db`, or `/db#master`: user, password
///   and db are those of the master
/// - `redis+cluster://user:password@host:port,host:port`: some nodes of the cluster
///
/// Within TLS, the scheme begins with `rediss`. `-` may stand for `+`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// One for each host of the URL, without our own options.
    servers: Vec<Url>,
    topology: Topology,
    prefix: String,
    authorities: Option<PathBuf>,
}

/// What the servers of a URL are to each other.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Topology {
    /// There is one.
    One,
    /// They are Sentinels.
    Sentinels(Sentinels),
    /// They are nodes of a cluster.
    Cluster,
}

/// What Sentinels are asked for, and the login to them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sentinels {
    /// Their name of the master.
    pub(super) master: String,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

/// Our own options, after the `?`.
#[derive(Default)]
struct Options {
    prefix: Option<String>,
    authorities: Option<String>,
    sentinel_username: Option<String>,
    sentinel_password: Option<String>,
}

/// The parts of a URL's text.
struct Parts<'t> {
    /// `redis` or `rediss`.
    scheme: &'static str,
    /// `sentinel`, `cluster`, or empty.
    kind: &'t str,
    /// With the `@`, or empty.
    login: &'t str,
    hosts: &'t str,
    path: &'t str,
    query: &'t str,
    fragment: Option<&'t str>,
}

impl RedisUrl {
    /// Reads a URL, if `text` is one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let parts = Parts::of(text)?;
        let options = Options::read(&parts)?;
        let hosts: Vec<_> = parts.hosts.split(',').collect();
        let (topology, path, port) = match (parts.kind, parts.fragment) {
            ("", None) if hosts.len() == 1 => (Topology::One, parts.path.to_owned(), None),
            ("cluster", None) if matches!(parts.path, "" | "/" | "/0") => {
                (Topology::Cluster, String::new(), None)
            }
            ("sentinel", fragment) => {
                let (master, path) = master_and_database(parts.path, fragment)?;
                let sentinels = Sentinels {
                    master: master.to_owned(),
                    username: options.sentinel_username,
                    password: options.sentinel_password,
                };
                (Topology::Sentinels(sentinels), path, Some(SENTINEL_PORT))
            }
            _ => return None,
        };
        let server = |host: &&str| {
            let text = format!("{}://{}{host}{path}", parts.scheme, parts.login);
            let mut server = Url::parse(&text).ok()?;
            server.host_str().filter(|host| !host.is_empty())?;
            if server.port().is_none() && port.is_some() {
                server.set_port(port).ok()?;
            }
            Some(server)
        };
        Some(Self {
            servers: hosts.iter().map(server).collect::<Option<_>>()?,
            topology,
            prefix: options.prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            authorities: options.authorities.map(PathBuf::from),
        })
    }

    /// The file of certificate authorities (PEM) to trust instead of the system's.
    #[must_use]
    pub fn authorities(&self) -> Option<&Path> {
        self.authorities.as_deref()
    }

    /// The prefix of our keys.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// At least one. Those of Sentinels have the login and database of their master.
    pub(super) fn servers(&self) -> &[Url] {
        &self.servers
    }

    pub(super) const fn topology(&self) -> &Topology {
        &self.topology
    }

    pub(super) fn is_within_tls(&self) -> bool {
        self.servers
            .iter()
            .any(|server| server.scheme() == "rediss")
    }
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (scheme, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => ("rediss", kind),
            None => ("redis", scheme.strip_prefix("redis")?),
        };
        let kind = match kind {
            "" => "",
            kind => kind
                .strip_prefix(['+', '-'])
                .filter(|kind| !kind.is_empty())?,
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (rest, None),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Some(Self {
            scheme,
            kind,
            login,
            hosts,
            path,
            query,
            fragment,
        })
    }
}

impl Options {
    /// Each may be given once, and only where it has a meaning.
    fn read(parts: &Parts<'_>) -> Option<Self> {
        let mut options = Self::default();
        for (option, value) in form_urlencoded::parse(parts.query.as_bytes()) {
            let place = match &*option {
                "prefix" if is_word(&value) => &mut options.prefix,
                "ca" if parts.scheme == "rediss" => &mut options.authorities,
                "sentinel_username" if parts.kind == "sentinel" => &mut options.sentinel_username,
                "sentinel_password" if parts.kind == "sentinel" => &mut options.sentinel_password,
                _ => return None,
            };
            if value.is_empty() || place.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        // A user without a password isn't sent at all.
        if options.sentinel_username.is_some() && options.sentinel_password.is_none() {
            return None;
        }
        Some(options)
    }
}

/// Reads `/master`, `/master/db`, or with a fragment `/db#master`. Returns the path of the database.
/// A number alone is a database whose master is missing.
fn master_and_database<'t>(path: &'t str, fragment: Option<&'t str>) -> Option<(&'t str, String)> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (master, database) = match fragment {
        Some(master) => (master, segments.next()),
        None => (segments.next()?, segments.next()),
    };
    let lacks_master = fragment.is_none() && database.is_none() && is_number(master);
    // Redis allows only these.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_named = !master.is_empty() && master.bytes().all(allowed);
    if lacks_master || !is_named || segments.next().is_some() || !database.is_none_or(is_number) {
        return None;
    }
    let path = database.map_or_else(String::new, |database| format!("/{database}"));
    Some((master, path))
}

fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Shown without passwords and options.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.servers.first() else {
            return Ok(());
        };
        let scheme = first.scheme();
        let (kind, master) = match &self.topology {
            Topology::One => ("", None),
            Topology::Sentinels(sentinels) => ("+sentinel", Some(&sentinels.master)),
            Topology::Cluster => ("+cluster", None),
        };
        write!(f, "{scheme}{kind}://")?;
        if !first.username().is_empty() {
            write!(f, "{}@", first.username())?;
        }
        for (number, server) in self.servers.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let host = &server[Position::BeforeHost..Position::AfterPort];
            write!(f, "{comma}{host}")?;
        }
        if let Some(master) = master {
            write!(f, "/{master}")?;
        }
        f.write_str(first.path())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        RedisUrl::read(text).expect(text).to_string()
    }

    fn servers(url: &RedisUrl) -> Vec<&str> {
        url.servers().iter().map(Url::as_str).collect()
    }

    #[test]
    fn a_prefix_is_taken_off_the_servers_url() {
        let url = RedisUrl::read("redis://:secret@localhost:6379/2?prefix=t1").unwrap();
        assert_eq!(servers(&url), ["redis://:secret@localhost:6379/2"]);
        assert_eq!(
            (url.prefix(), url.to_string().as_str()),
            ("t1", "redis://localhost:6379/2")
        );
    }

    #[test]
    fn within_tls_there_may_be_an_authority_of_ones_own() {
        let text = "rediss://worker:a%40b@redis:6380/1?ca=/etc/ca%20one.pem&prefix=t1";
        let url = RedisUrl::read(text).unwrap();
        assert_eq!(servers(&url), ["rediss://worker:a%40b@redis:6380/1"]);
        assert_eq!(url.authorities(), Some("/etc/ca one.pem".as_ref()));
        assert!(!url.to_string().contains("a%40b") && !format!("{url:?}").contains("a%40b"));
    }

    #[test]
    fn sentinels_have_a_master_and_a_login_of_their_own() {
        let text = "rediss+sentinel://u:a%2Cb@one,[::1]:7/main.1/3?sentinel_username=s&\
                    sentinel_password=c%26d";
        let url = RedisUrl::read(text).unwrap();
        let expected = ["rediss://u:a%2Cb@one:26379/3", "rediss://u:a%2Cb@[::1]:7/3"];
        assert_eq!(servers(&url), expected);
        let Topology::Sentinels(sentinels) = url.topology() else {
            panic!("{url}")
        };
        assert_eq!(sentinels.master, "main.1");
        assert_eq!(sentinels.username.as_deref(), Some("s"));
        assert_eq!(sentinels.password.as_deref(), Some("c&d"));
        assert_eq!(
            url.to_string(),
            "rediss+sentinel://u@one:26379,[::1]:7/main.1/3"
        );
    }

    #[test]
    fn other_ways_to_write_it_are_the_same() {
        let expected = "redis+sentinel://a:26379,b:1/main/0";
        for text in [
            "redis-sentinel://a,b:1/main/0",
            "redis-sentinel://a:26379,b:1/0#main",
            "redis+sentinel://a,b:1/main/0?prefix=t",
        ] {
            assert_eq!(shown(text), expected);
        }
        assert_eq!(
            shown("redis-sentinel://a#main"),
            "redis+sentinel://a:26379/main"
        );
        for text in ["redis-cluster://a:1,b", "redis+cluster://a:1,b/0"] {
            assert_eq!(shown(text), "redis+cluster://a:1,b");
        }
        assert_eq!(
            shown("rediss-cluster://u:p@a:1?ca=/x"),
            "rediss+cluster://u@a:1"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "redis://",
            "redis://x?prefix=",
            "redis://x?prefx=a",
            "redis://x?prefix=a b",
            "redis://x?prefix=a&prefix=b",
            "redis://x?ca=/ca.pem",
            "rediss://x?ca=",
            "rediss:///0",
            "redis://a:1,b:2",
            "redis://a#b",
            "redis+other://a",
            "redis+://a",
            "redis+sentinel://a",
            "redis+sentinel://a/0",
            "redis+sentinel://a/main/x",
            "redis+sentinel://a/main/0/1",
            "redis+sentinel://a/ma%20in",
            "redis+sentinel://a,/main",
            "redis+sentinel://a/main?sentinel_username=u",
            "redis+sentinel://a/main?ca=/ca.pem",
            "redis+cluster://a/1",
            "redis+cluster://a,b#c",
            "redis+cluster://,b",
            "redis+cluster://a?sentinel_password=p",
        ] {
            assert!(RedisUrl::read(wrong).is_none(), "{wrong}");
        }
    }
}
