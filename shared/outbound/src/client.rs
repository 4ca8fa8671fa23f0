//! The guarded client: one message, one connection to a checked address, one bounded answer.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use domain::{Timestamp, UserId};
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{CheckError, PATIENCE, SendError};
use crate::resolve::{HostLookUp, look_up};
use crate::{Policy, RefusedTarget, SignedHeaders, Target};

/// The time limit of a look-up when a URL is registered.
const LOOK_UP: Duration = Duration::from_secs(5);

/// The time limit of a connection to one address, of which a name may have several.
const CONNECT: Duration = Duration::from_secs(5);

/// The addresses of a name that are tried.
const ADDRESSES: usize = 4;

/// The bytes of an answer's body that are read.
const EXCERPT: usize = 1024;

/// The time limit of an answer's body: nobody waits for one that never ends.
const BODY: Duration = Duration::from_secs(2);

/// The bytes of the head of an answer, at most.
const HEAD: usize = 32 << 10;

/// Sends messages to targets.
#[derive(Clone)]
pub struct Client {
    policy: Arc<Policy>,
    /// Made when it is needed. None if the system has no certificates of authorities.
    tls: Arc<OnceLock<Option<TlsConnector>>>,
}

/// A message to a target.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its header fields.
    pub headers: SignedHeaders,
    /// Its body, which is JSON.
    pub body: Bytes,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
    /// The first KiB of its body.
    pub excerpt: String,
}

impl Client {
    /// Creates a client that trusts the certificates of the system (or of `SSL_CERT_FILE`).
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy: Arc::new(policy),
            tls: Arc::default(),
        }
    }

    /// Parses a URL that a user names, and checks every address that its host has now.
    pub async fn check(&self, user: UserId, text: &str) -> Result<Target, CheckError> {
        let target = Target::parse(text, &self.policy)?;
        let found = look_up(&target, user).await?.checked(&self.policy);
        let checked = timeout(LOOK_UP, found).await;
        checked.map_err(|_| RefusedTarget::Unresolved)??;
        Ok(target)
    }

    /// Sends a message once, to a URL of a user that was checked before. It is checked again.
    pub async fn send(
        &self,
        (user, url): (UserId, &str),
        message: Message,
        now: Timestamp,
    ) -> Result<Answer, SendError> {
        let target = Target::parse(url, &self.policy)?;
        let found = look_up(&target, user).await?;
        let sent = timeout(PATIENCE, self.exchange((&target, found), message, now)).await;
        sent.map_err(|_| SendError::TimedOut)?
    }

    async fn exchange(
        &self,
        (target, found): (&Target, HostLookUp),
        message: Message,
        now: Timestamp,
    ) -> Result<Answer, SendError> {
        let addresses = found.checked(&self.policy).await?;
        let request = request(target, message)?;
        let stream = connect(&addresses).await?;
        if !target.is_https() {
            return answer(stream, request, now).await;
        }
        let tls = self.tls.get_or_init(connector).as_ref();
        let tls = tls.ok_or(SendError::NoAuthorities)?;
        let stream = tls.connect(server_name(target)?, stream).await;
        answer(stream.map_err(SendError::Tls)?, request, now).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

fn connector() -> Option<TlsConnector> {
    let trusting = ClientConfig::builder().with_native_roots().ok()?;
    let mut config = trusting.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}

/// The name that the certificate must have.
fn server_name(target: &Target) -> Result<ServerName<'static>, RefusedTarget> {
    let host = target.url.host_str().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    ServerName::try_from(host).map_err(|_| RefusedTarget::NotAUrl)
}

/// Connects to the first of the addresses that answers.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, SendError> {
    let mut failure = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses.iter().take(ADDRESSES) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(elapsed) => failure = elapsed.into(),
        }
    }
    Err(SendError::Connect(failure))
}

fn request(target: &Target, message: Message) -> Result<Request<Full<Bytes>>, SendError> {
    let agent = concat!("Dossier/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in message.headers.0 {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(message.body))?)
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
    now: Timestamp,
) -> Result<Answer, SendError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await?;
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after: retry_after(response.headers(), now),
        excerpt: excerpt(response).await,
    })
}

/// The status says what became of the message, even if the body breaks off or never ends.
async fn excerpt(response: Response<Incoming>) -> String {
    let mut body = response.into_body();
    let mut read = Vec::new();
    let reading = async {
        while read.len() < EXCERPT {
            let Some(Ok(frame)) = body.frame().await else {
                break;
            };
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(&data[..data.len().min(EXCERPT - read.len())]);
            }
        }
    };
    drop(timeout(BODY, reading).await);
    shown(&read)
}

/// Text that isn't longer as JSON than it should be: there, a control character takes six bytes.
fn shown(read: &[u8]) -> String {
    let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r');
    let text = String::from_utf8_lossy(read);
    let shown = text.chars();
    let shown = shown.map(|letter| Some(letter).filter(is_shown).unwrap_or('\u{fffd}'));
    let mut shown: String = shown.collect();
    shown.truncate(shown.floor_char_boundary(EXCERPT));
    shown
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    let at = Timestamp::from_micros(i64::try_from(at.as_micros()).ok()?);
    Some(at.since(now))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::signed_headers;

    fn user() -> UserId {
        UserId::new(Timestamp::from_micros(0))
    }

    fn policy() -> Policy {
        Policy {
            allows_http: true,
            networks: vec!["127.0.0.0/8".parse().unwrap()],
        }
    }

    fn message() -> Message {
        let body = Bytes::from_static(b"{}");
        Message {
            headers: signed_headers("a", Timestamp::from_micros(0), &body, &[b"secret"]),
            body,
        }
    }

    /// Answers one request with these bytes, and keeps the connection open.
    async fn receiver(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = [0; 4096];
            let _ = stream.read(&mut read).await;
            let _ = stream.write_all(&answer).await;
            std::future::pending::<()>().await;
        });
        url
    }

    async fn sent(answer: impl Into<Vec<u8>>) -> Result<Answer, SendError> {
        let url = receiver(answer.into()).await;
        let now = Timestamp::from_micros(784_111_777_000_000);
        Client::new(policy())
            .send((user(), &url), message(), now)
            .await
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_a_kibibyte() {
        let body = "x".repeat(100_000);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{body}");
        let answer = sent(answer).await.unwrap();
        assert_eq!((answer.status, answer.excerpt.len()), (200, 1024));
    }

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(shown(b"a\0\tb\x1b\xff\n"), "a\u{fffd}\tb\u{fffd}\u{fffd}\n");
        for body in [vec![0; EXCERPT], vec![b'a'; EXCERPT], vec![0xff; EXCERPT]] {
            let shown = shown(&body);
            let kept = shown.len();
            assert!((EXCERPT - 3..=EXCERPT).contains(&kept), "{kept}");
        }
    }

    #[tokio::test]
    async fn a_body_that_never_ends_doesn_t_hide_the_status() {
        let answer = sent("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.excerpt.as_str()), (200, "abc"));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_like_others() {
        let answer = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(sent(answer).await.unwrap().status, 307);
    }

    #[tokio::test]
    async fn an_endless_head_is_refused() {
        let answer = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
        let refused = sent(answer).await.unwrap_err();
        assert!(matches!(refused, SendError::Http(_)), "{refused:?}");
    }

    #[tokio::test]
    async fn the_receiver_may_ask_for_a_pause() {
        for (asked, expected) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Tue, 06 Nov 1984 08:50:37 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let answer =
                format!("HTTP/1.1 503 No\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n");
            let pause = sent(answer).await.unwrap().retry_after;
            assert_eq!(pause, expected.map(Duration::from_secs), "{asked}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_inside() {
        let url = receiver(Vec::new()).await;
        let client = Client::new(Policy {
            allows_http: true,
            networks: vec![],
        });
        let now = Timestamp::from_micros(0);
        let port = url.rsplit(':').next().unwrap().to_owned();
        for url in [url, format!("http://localhost:{port}")] {
            let refused = client.send((user(), &url), message(), now).await;
            assert!(
                matches!(refused, Err(SendError::Refused(RefusedTarget::NotPublic))),
                "{refused:?}"
            );
            assert!(client.check(user(), &url).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_to_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let now = Timestamp::from_micros(0);
        let refused = Client::new(policy())
            .send((user(), &url), message(), now)
            .await;
        assert!(matches!(refused, Err(SendError::Connect(_))), "{refused:?}");
    }
}
