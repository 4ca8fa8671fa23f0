//! Redis within TLS: with a user, a password and an authority of one's own, and never without the
//! certificate being checked.

use domain::{JobId, Timestamp};
use queue::{Feed, Queue, QueueUrl, RedisFeed};
use tempfile::TempDir;
use tests::servers::{Redis, program};
use tokio::process::Command;

const USER: &str = "dossier";

/// With all that has to be written otherwise in a URL.
const PASSWORD: &str = "p@ss:w/rd%?";
const WRITTEN: &str = "p%40ss%3Aw%2Frd%25%3F";

fn feed(url: &str) -> RedisFeed {
    let QueueUrl::Redis(url) = url.parse().unwrap() else {
        panic!("{url} is another queue")
    };
    let authorities = url.authorities().map(|file| std::fs::read(file).unwrap());
    RedisFeed::new(&url, authorities).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_an_own_authority_is_used_and_no_other_is() {
    let folder = TempDir::new().unwrap();
    let redis = Redis::within_tls(folder.path(), USER, PASSWORD).await;
    let port = redis.port();
    let ca = folder.path().join("ca.pem");
    let ca = ca.display();
    let good = format!("rediss://{USER}:{WRITTEN}@127.0.0.1:{port}/0?ca={ca}&prefix=t");
    let feed_within = feed(&good);
    feed_within.check().await.unwrap();
    let mut listener = feed_within.listen(Queue::Ingest, "a listener").await;
    let job = JobId::new(Timestamp::from_micros(0));
    feed_within.announce(Queue::Ingest, &[job]).await.unwrap();
    let patience = std::time::Duration::from_secs(20);
    assert_eq!(listener.next(1, patience).await.jobs, 1);

    for wrong in [
        // An authority that nobody knows.
        format!("rediss://{USER}:{WRITTEN}@127.0.0.1:{port}/0"),
        // A name that isn't in the certificate.
        format!("rediss://{USER}:{WRITTEN}@localhost:{port}/0?ca={ca}"),
        format!("rediss://{USER}:wrong@127.0.0.1:{port}/0?ca={ca}"),
        format!("rediss://127.0.0.1:{port}/0?ca={ca}"),
        format!("redis://{USER}:{WRITTEN}@127.0.0.1:{port}/0"),
    ] {
        assert!(feed(&wrong).check().await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn authorities_that_can_not_be_read_are_named() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for file in [empty, folder.path().join("missing.pem")] {
        let url = format!("rediss://127.0.0.1:1/0?ca={}", file.display());
        let mut serve = Command::new(program());
        serve.arg("serve").env("DOSSIER_QUEUE_URL", url);
        serve.env("DOSSIER_DATA_DIR", folder.path().join("data"));
        let output = serve.output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let line = told.lines().last().unwrap();
        assert!(!output.status.success());
        assert!(
            line.contains("DOSSIER_QUEUE_URL") && line.contains(".pem"),
            "{told}"
        );
    }
}
