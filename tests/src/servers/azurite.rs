//! A private server with the interface of Azure Blob Storage (Azurite). It checks signatures, so
//! requests without the right key are refused.

use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use tokio::sync::OnceCell;

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};

/// The account of emulators, and its well-known key.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server of this test process, on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Azurite {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
}

static SHARED: OnceCell<Azurite> = OnceCell::const_new();

impl Azurite {
    /// The server shared by all tests of this process, started at the first call. Tests must not
    /// stop it: they use a [`Azurite::private`] one.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
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
        let node = find_program("node", &[])?;
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/azurite");
        let script = modules.join("node_modules/.bin/azurite-blob");
        if !script.exists() {
            return Err(ServerError::Missing { program: "azurite" });
        }
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        let server = CommandLine::new(&node)
            .word(&script)
            .words(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
            .words(["--location", "data", "--silent", "--disableTelemetry"]);
        let this = Self {
            keeper,
            server,
            port,
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
        let version = "2021-12-02";
        let text = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{version}\n\
             /{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
        );
        let key = STANDARD.decode(KEY).expect("a well-known key");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
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

#[expect(
    clippy::disallowed_methods,
    reason = "the server compares the date with its own"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
