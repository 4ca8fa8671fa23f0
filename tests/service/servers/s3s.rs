//! Storage in another S3 server than the one of all other tests: `s3s-fs`, which runs within the test.
//! It checks signatures too. It lists no unfinished uploads, and takes parts only if their numbers have
//! no gaps, which those of objects that grow may have.

use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use storage::contract::{Unfinished, check_contract};
use storage::{Environment, Storage, StorageUrl};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) const CREDENTIALS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "dossier-tests"),
    ("AWS_SECRET_ACCESS_KEY", "not-a-secret-outside-of-the-tests"),
];

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            // A client may hang up at any moment.
            drop(
                builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

/// A running server with two buckets, `one` and `other`.
pub(super) struct Server {
    _folder: TempDir,
    pub(super) port: u16,
    serving: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::of(CREDENTIALS).await
    }

    /// Starts one that takes these credentials alone.
    pub(super) async fn of([(_, key), (_, secret)]: [(&str, &str); 2]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(key, secret));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for bucket in ["one", "other"] {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        Self {
            _folder: folder,
            port,
            serving: tokio::spawn(serve(listener, builder.build())),
        }
    }

    pub(super) fn storage_url(&self, bucket: &str) -> String {
        format!(
            "s3://{bucket}/documents?endpoint=http://127.0.0.1:{}&region=us-east-1&path_style=true",
            self.port
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_keeps_the_contract() {
    let server = Server::start().await;
    let mut places: Vec<Arc<dyn Storage>> = Vec::new();
    for bucket in ["one", "other"] {
        let url: StorageUrl = server.storage_url(bucket).parse().unwrap();
        let environment = Environment::only(CREDENTIALS);
        places.push(url.connect_in(&environment).await.unwrap());
    }
    let other = places.remove(1);
    check_contract(places.remove(0), other, Unfinished::Hidden).await;
}
