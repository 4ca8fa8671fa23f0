//! A private S3 server (SeaweedFS). Used by the harness and by tests that stop the server. It
//! checks signatures, so requests without the right secret are refused.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use tokio::sync::OnceCell;

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};

const REGION: &str = "us-east-1";
const ACCESS_KEY: &str = "dossier-tests";
const SECRET_KEY: &str = "not-a-secret-outside-of-the-tests";

/// The credentials. Without them the server would accept everybody.
const IDENTITIES: &str = r#"{"identities":[{"name":"dossier",
"credentials":[{"accessKey":"dossier-tests","secretKey":"not-a-secret-outside-of-the-tests"}],
"actions":["Admin","Read","Write","List","Tagging"]}]}"#;

/// One volume at a time: the default of seven for each bucket is for clusters.
const GROWTH: &str = "[master.volume_growth]\ncopy_1 = 1\ncopy_2 = 1\ncopy_3 = 1\ncopy_other = 1\n";

/// An S3 server of this test process, on ports of 127.0.0.1.
#[derive(Debug)]
pub struct S3 {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
}

static SHARED: OnceCell<S3> = OnceCell::const_new();

impl S3 {
    /// The server shared by all tests of this process, started at the first call (about three
    /// seconds). Tests must not stop it: they use a [`S3::private`] one.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
    }

    /// A server of the caller's own, which may be stopped and started again. It is stopped when it
    /// is dropped.
    pub async fn private() -> Self {
        granted(Self::begin().await)
    }

    /// The URL of the server, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.keeper.server().expect("it was started")
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Creates an empty bucket (its first object takes a fifth of a second more than the next ones)
    /// and returns a storage URL within it:
    /// `s3://<bucket>/documents?endpoint=…&region=us-east-1&path_style=true`.
    pub async fn fresh_storage_url(&self) -> String {
        let bucket = format!("tests-{}", unique_number());
        granted(
            self.create_bucket(&bucket)
                .await
                .map_err(|error| self.keeper.failed(format!("no bucket: {error}"))),
        );
        format!(
            "s3://{bucket}/documents?endpoint={}&region={REGION}&path_style=true",
            self.endpoint()
        )
    }

    /// The environment variables with the credentials for a service process.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }

    /// A client with the right secret, to examine the objects of a service.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_with_secret(SECRET_KEY)
    }

    /// How many multipart uploads are unfinished in the bucket of a storage URL.
    pub async fn unfinished_in(&self, url: &str) -> usize {
        let bucket = url.strip_prefix("s3://").expect("a URL of S3");
        let bucket = bucket.split('/').next().unwrap_or_default();
        let listing = self.client().list_multipart_uploads().bucket(bucket);
        let listed = listing.send().await.expect("the server lists them");
        listed.uploads().len()
    }

    /// Kills the server by SIGKILL (a graceful stop would take half a minute); its objects are kept
    /// for the next [`S3::start`]. Until then, connections are refused.
    pub async fn stop(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// Starts the server again, on the same ports, after a [`S3::stop`]; its parts take five to
    /// twenty seconds to find each other.
    pub async fn start(&self) {
        granted(self.launch().await);
    }

    #[cfg(test)]
    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    async fn begin() -> Result<Self, ServerError> {
        let weed = find_program("weed", &[])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let home = keeper.home().to_owned();
        for (name, text) in [("identities.json", IDENTITIES), ("master.toml", GROWTH)] {
            std::fs::write(home.join(name), text).map_err(ServerError::Keeper)?;
        }
        std::fs::create_dir(home.join("data")).map_err(ServerError::Keeper)?;
        let port = free_port();
        let mut server = CommandLine::new(&weed)
            .words(["server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .words(["-filer", "-s3", "-s3.config=identities.json"])
            .word(format!("-s3.port={port}"))
            .words(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .words(["-s3.localSocket=s3.sock", "-filer.localSocket=filer.sock"])
            // Many sparse volumes: each bucket has its own.
            .words(["-master.volumeSizeLimitMB=512", "-volume.max=4000"])
            // By default it refuses all writes for ever once a hundredth of the disk is free, which
            // may be gigabytes.
            .word("-volume.minFreeSpace=64MiB")
            // After a restart, the only master waits this long for another leader.
            .words(["-master.electionTimeout=300ms", "-master.heartbeatInterval=100ms"])
            .word("-master.telemetry=false");
        for option in [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port.grpc",
        ] {
            let port = free_port();
            server = server.word(format!("-{option}={port}"));
            if option.ends_with("grpc") {
                // The server creates a socket for each of these in a fixed folder.
                keeper
                    .remove_in_the_end(&format!("/tmp/seaweedfs-*-grpc-{port}.sock"))
                    .await?;
            }
        }
        let this = Self {
            keeper,
            server,
            port,
        };
        this.launch().await?;
        Ok(this)
    }

    /// Starts the server and waits until it has stored an object: its parts start one after the
    /// other.
    async fn launch(&self) -> Result<(), ServerError> {
        self.keeper.start(&self.server).await?;
        wait_for_answer(&self.keeper, async || {
            self.create_bucket("ready").await?;
            self.client()
                .put_object()
                .bucket("ready")
                .key("ready")
                .body(ByteStream::from_static(b"ready"))
                .send()
                .await
                .map_err(|error| DisplayErrorContext(error).to_string())?;
            Ok::<(), String>(())
        })
        .await
    }

    /// A bucket that already exists and is ours is a success.
    async fn create_bucket(&self, bucket: &str) -> Result<(), String> {
        match self.client().create_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    error.is_bucket_already_owned_by_you() || error.is_bucket_already_exists()
                }) =>
            {
                Ok(())
            }
            Err(error) => Err(DisplayErrorContext(error).to_string()),
        }
    }

    /// Created for each use: its connections belong to the runtime that created them, and each test
    /// has its own.
    fn client_with_secret(&self, secret: &str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "tests"))
            .endpoint_url(self.endpoint())
            .force_path_style(true)
            // Without retries, so that a test sees failures immediately.
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket_of(url: &str) -> String {
        let url = url.strip_prefix("s3://").unwrap();
        url.split('/').next().unwrap().to_owned()
    }

    async fn put(client: &Client, bucket: &str, key: &str, body: Vec<u8>) -> Result<(), String> {
        client
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(body.into())
            .send()
            .await
            .map(drop)
            .map_err(|error| DisplayErrorContext(error).to_string())
    }

    async fn count(client: &Client, bucket: &str) -> i32 {
        let list = client
            .list_objects_v2()
            .bucket(bucket)
            .send()
            .await
            .unwrap();
        list.key_count().unwrap_or_default()
    }

    #[tokio::test]
    async fn two_buckets_do_not_see_each_other() {
        let s3 = S3::shared().await;
        let one = bucket_of(&s3.fresh_storage_url().await);
        let other = bucket_of(&s3.fresh_storage_url().await);
        put(&s3.client(), &one, "documents/a", b"a".to_vec())
            .await
            .unwrap();
        assert_eq!(count(&s3.client(), &one).await, 1);
        assert_eq!(count(&s3.client(), &other).await, 0);
    }

    #[tokio::test]
    async fn a_wrong_secret_is_refused() {
        let s3 = S3::shared().await;
        let bucket = bucket_of(&s3.fresh_storage_url().await);
        let stranger = s3.client_with_secret("wrong");
        let refusal = put(&stranger, &bucket, "a", b"a".to_vec())
            .await
            .unwrap_err();
        assert!(refusal.contains("SignatureDoesNotMatch"), "{refusal}");
    }

    #[tokio::test]
    async fn many_buckets_have_room() {
        let s3 = S3::shared().await;
        for _ in 0..20 {
            let bucket = bucket_of(&s3.fresh_storage_url().await);
            put(&s3.client(), &bucket, "a", vec![1; 100_000])
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn more_than_a_volume_holds_has_room() {
        let s3 = S3::shared().await;
        let bucket = bucket_of(&s3.fresh_storage_url().await);
        let client = s3.client();
        for key in ["a", "b", "c", "d", "e"] {
            put(&client, &bucket, key, vec![7; 128 << 20])
                .await
                .unwrap();
        }
        assert_eq!(count(&client, &bucket).await, 5);
    }

    #[tokio::test]
    async fn what_is_stored_survives_a_stop() {
        let s3 = S3::private().await;
        let bucket = bucket_of(&s3.fresh_storage_url().await);
        put(&s3.client(), &bucket, "a", b"a".to_vec())
            .await
            .unwrap();
        s3.stop().await;
        put(&s3.client(), &bucket, "b", b"b".to_vec())
            .await
            .unwrap_err();
        s3.start().await;
        assert_eq!(count(&s3.client(), &bucket).await, 1);
    }
}
