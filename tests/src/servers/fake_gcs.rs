//! A private server with the interface of Google Cloud Storage (fake-gcs-server). It asks for no
//! credentials.

use serde_json::json;
use tokio::sync::OnceCell;

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};

/// A server of this test process, on a port of 127.0.0.1.
#[derive(Debug)]
pub struct FakeGcs {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
}

static SHARED: OnceCell<FakeGcs> = OnceCell::const_new();

impl FakeGcs {
    /// The server shared by all tests of this process, started at the first call. Tests must not
    /// stop it: they use a [`FakeGcs::private`] one.
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

    /// The URL of the server, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Creates an empty bucket and returns a storage URL within it:
    /// `gs://<bucket>/documents?endpoint=…`.
    pub async fn fresh_storage_url(&self) -> String {
        let bucket = format!("tests-{}", unique_number());
        granted(
            self.create_bucket(&bucket)
                .await
                .map_err(|error| self.keeper.failed(format!("no bucket: {error}"))),
        );
        format!("gs://{bucket}/documents?endpoint={}", self.endpoint())
    }

    /// Kills the server by SIGKILL; its objects are kept.
    pub async fn stop(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// Starts the server again, on the same port, after a [`FakeGcs::stop`].
    pub async fn start(&self) {
        granted(self.launch().await);
    }

    async fn begin() -> Result<Self, ServerError> {
        let program = find_program("fake-gcs-server", &[])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let server = CommandLine::new(&program)
            .words([
                "-scheme",
                "http",
                "-host",
                "127.0.0.1",
                "-log-level",
                "warn",
            ])
            .words(["-port", &port.to_string(), "-public-host", &address])
            .words(["-external-url", &format!("http://{address}")])
            .words(["-backend", "filesystem", "-filesystem-root", "data"]);
        let this = Self {
            keeper,
            server,
            port,
        };
        this.launch().await?;
        Ok(this)
    }

    async fn launch(&self) -> Result<(), ServerError> {
        self.keeper.start(&self.server).await?;
        wait_for_answer(&self.keeper, async || self.create_bucket("ready").await).await
    }

    /// A bucket that already exists is a success.
    async fn create_bucket(&self, bucket: &str) -> Result<(), String> {
        let answer = reqwest::Client::new()
            .post(format!("{}/storage/v1/b", self.endpoint()))
            .json(&json!({"name": bucket}))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200 | 409 => Ok(()),
            _ => Err(answer.text().await.unwrap_or_default()),
        }
    }
}
