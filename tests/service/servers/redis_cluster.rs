//! Redis as a cluster: the stream of each queue is on a node of its own, and what is published reaches
//! all nodes. A node that is gone is replaced by its replica.

use std::time::Duration;

use domain::{DocumentId, JobId, Timestamp};
use futures::StreamExt as _;
use queue::{Awaited, Feed as _, Queue, QueueUrl, RedisFeed};
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::poll::wait_until;
use tests::servers::RedisCluster;
use tokio::time::timeout;

use super::hints::{LONG, becomes_active, uploads_until_heard};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_of_all_kinds_go_through_a_cluster() {
    let cluster = RedisCluster::start().await;
    let builder = TestApp::builder(Mode::Distributed);
    let app = builder.queue(cluster.fresh_url()).start().await;
    let alice = app.user("alice").await;
    uploads_until_heard(&app, &alice).await;
    let document = alice.uploads("report.pdf", PDF).await;
    becomes_active(&alice, &document).await;

    let QueueUrl::Redis(url) = cluster.fresh_url().parse().unwrap() else {
        panic!("it is a URL of Redis")
    };
    let feed = RedisFeed::new(&url, None).unwrap();
    let at = Timestamp::from_micros(0);
    for queue in Queue::ALL {
        let mut listener = feed.listen(queue, "a listener").await;
        feed.announce(queue, &[JobId::new(at)]).await.unwrap();
        let hints = listener.next(1, LONG).await;
        assert_eq!(hints.jobs, 1, "{queue}");
        listener.acknowledge(hints).await;
    }
    let settled = [Awaited::Document(DocumentId::new(at))];
    let mut heard = feed.settled().await;
    wait_until(LONG, "what has settled is heard", async || {
        feed.announce_settled(&settled).await.unwrap();
        let next = timeout(Duration::from_millis(100), heard.next()).await;
        next.is_ok_and(|next| next.as_deref() == Some(&settled))
    })
    .await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_arrive_again_after_the_failover_of_a_node() {
    let cluster = RedisCluster::with_replica().await;
    let url = cluster.fresh_url_on_first(":jobs:ingest").await;
    let builder = TestApp::builder(Mode::Distributed);
    let app = builder.queue(url).start().await;
    let alice = app.user("alice").await;
    uploads_until_heard(&app, &alice).await;
    cluster.kill_first().await;
    let pending = alice.uploads("meanwhile.pdf", PDF).await;
    becomes_active(&alice, &pending).await;
    cluster.has_failed_over().await;
    uploads_until_heard(&app, &alice).await;
    app.ends_clean().await;
}
