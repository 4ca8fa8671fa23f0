//! A private server with the interface of Azure Blob Storage (Azurite). It checks signatures, so
//! requests without the right key are refused, and makes those that a test needs.

use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Clock as _, SystemClock};
use ring::hmac;
use tokio::sync::OnceCell;

use super::certificates::make_certificates;
use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};

/// The account of emulators, and its well-known key.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The version of the interface.
const VERSION: &str = "2021-12-02";

/// How signatures may be used.
const PROTOCOLS: &str = "https,http";

/// Forwards connections to a server within TLS: its own port, and the port of the server. In one line,
/// as the keeper reads.
const PLAIN_FRONT: &str = "const [port, server] = process.argv.slice(1); \
     require('net').createServer(near => { \
       const far = require('tls').connect({port: server, host: '127.0.0.1', rejectUnauthorized: false}); \
       near.on('error', () => far.destroy()); far.on('error', () => near.destroy()); \
       near.pipe(far).pipe(near); \
     }).listen(port, '127.0.0.1');";

/// A server of this test process, on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Azurite {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
    _front: Option<Keeper>,
}

static SHARED: OnceCell<Azurite> = OnceCell::const_new();

static WITH_TOKENS: OnceCell<Azurite> = OnceCell::const_new();

impl Azurite {
    /// The server shared by all tests of this process, started at the first call. Tests must not
    /// stop it: they use a [`Azurite::private`] one.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
    }

    /// Another server that all tests of this process share. It takes tokens as well: it checks who gave
    /// them, what for, and until when, and not how they are signed. It does so only within TLS, which a
    /// front on its port adds.
    pub async fn with_tokens() -> &'static Self {
        let begin = async || granted(Self::begin_with_tokens().await);
        WITH_TOKENS.get_or_init(begin).await
    }

    /// A server of the caller's own, which may be stopped and started again.
    pub async fn private() -> Self {
        granted(Self::begin().await)
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The endpoint of its blob service, without the account.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Creates an empty container and returns a storage URL within it:
    /// `azure://<container>/documents?endpoint=…`.
    pub async fn fresh_storage_url(&self) -> String {
        let container = format!("tests-{}", unique_number());
        granted(
            self.create_container(&container)
                .await
                .map_err(|error| self.keeper.failed(format!("no container: {error}"))),
        );
        format!(
            "azure://{container}/documents?endpoint={}/{ACCOUNT}",
            self.endpoint()
        )
    }

    /// The name of its account.
    #[must_use]
    pub const fn account(&self) -> &'static str {
        ACCOUNT
    }

    /// A shared access signature of all containers of the account, for a day.
    #[must_use]
    pub fn signature_of_account(&self) -> String {
        let until = a_day_later();
        let (permissions, services, kinds) = ("racwdl", "b", "co");
        let text = format!(
            "{ACCOUNT}\n{permissions}\n{services}\n{kinds}\n\n{until}\n\n{PROTOCOLS}\n{VERSION}\n\n"
        );
        format!(
            "sv={VERSION}&ss={services}&srt={kinds}&sp={permissions}&se={until}&spr={PROTOCOLS}&sig={}",
            escaped(&signed(&text))
        )
    }

    /// A shared access signature of the container of a storage URL, for a day.
    #[must_use]
    pub fn signature_of(&self, url: &str) -> String {
        let until = a_day_later();
        let container = url.strip_prefix("azure://").expect("a URL of Azure");
        let container = container.split('/').next().unwrap_or_default();
        let permissions = "racwdl";
        let text = format!(
            "{permissions}\n\n{until}\n/blob/{ACCOUNT}/{container}\n\n\n{PROTOCOLS}\n{VERSION}\nc\n\n\n\n\n\n\n"
        );
        format!(
            "sv={VERSION}&sr=c&sp={permissions}&se={until}&spr={PROTOCOLS}&sig={}",
            escaped(&signed(&text))
        )
    }

    /// The environment variables with the credentials for a service process.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_owned()),
        ]
    }

    /// Kills the server by SIGKILL.
    pub async fn stop(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// Starts the server again, on the same port, after a [`Azurite::stop`].
    pub async fn start(&self) {
        granted(self.launch().await);
    }

    async fn begin() -> Result<Self, ServerError> {
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        let this = Self {
            keeper,
            server: command_line(port)?,
            port,
            _front: None,
        };
        this.launch().await?;
        Ok(this)
    }

    async fn begin_with_tokens() -> Result<Self, ServerError> {
        let (node, openssl) = (find_program("node", &[])?, find_program("openssl", &[])?);
        let (keeper, front) = (Keeper::new(Signal::Kill)?, Keeper::new(Signal::Kill)?);
        let folder = keeper.home().to_owned();
        make_certificates(&keeper, &openssl, &folder).await?;
        let (port, within_tls) = (free_port(), free_port());
        let server = command_line(within_tls)?.words(["--oauth", "basic", "--cert"]);
        let server = server.word(folder.join("server.pem")).word("--key");
        let forwarding = CommandLine::new(&node).words(["-e", PLAIN_FRONT]);
        let forwarding = forwarding.words([port.to_string(), within_tls.to_string()]);
        front.start(&forwarding).await?;
        let this = Self {
            keeper,
            server: server.word(folder.join("server.key")),
            port,
            _front: Some(front),
        };
        this.launch().await?;
        Ok(this)
    }

    /// Starts the server and waits until it has created a container.
    async fn launch(&self) -> Result<(), ServerError> {
        self.keeper.start(&self.server).await?;
        wait_for_answer(&self.keeper, async || self.create_container("ready").await).await
    }

    /// A container that already exists is a success.
    async fn create_container(&self, container: &str) -> Result<(), String> {
        let date = httpdate::fmt_http_date(now());
        let version = VERSION;
        let text = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{version}\n\
             /{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
        );
        let signature = signed(&text);
        let url = format!(
            "{}/{ACCOUNT}/{container}?restype=container",
            self.endpoint()
        );
        let answer = reqwest::Client::new()
            .put(url)
            .header("x-ms-date", date)
            .header("x-ms-version", version)
            .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
            .header("content-length", "0")
            .send()
            .await
            .map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            201 | 409 => Ok(()),
            _ => Err(answer.text().await.unwrap_or_default()),
        }
    }
}

fn command_line(port: u16) -> Result<CommandLine, ServerError> {
    let node = find_program("node", &[])?;
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/azurite");
    let script = modules.join("node_modules/.bin/azurite-blob");
    if !script.exists() {
        return Err(ServerError::Missing { program: "azurite" });
    }
    Ok(CommandLine::new(&node)
        .word(&script)
        .words(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
        .words(["--location", "data", "--silent", "--disableTelemetry"]))
}

fn signed(text: &str) -> String {
    let key = STANDARD.decode(KEY).expect("a well-known key");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn escaped(base64: &str) -> String {
    base64
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

fn a_day_later() -> String {
    let later = SystemClock.now().plus(Duration::from_hours(24)).to_string();
    format!("{}Z", later.split('.').next().unwrap_or_default())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server compares the date with its own"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
