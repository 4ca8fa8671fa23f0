//! Redis with Sentinels: the service follows them to another master.

use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::servers::RedisSentinel;

use super::hints::{becomes_active, uploads_until_heard};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_arrive_again_after_a_failover() {
    follows_a_failover(&RedisSentinel::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_arrive_again_after_a_failover_within_tls_and_with_users() {
    let folder = TempDir::new().unwrap();
    follows_a_failover(&RedisSentinel::within_tls(folder.path()).await).await;
}

async fn follows_a_failover(redis: &RedisSentinel) {
    let builder = TestApp::builder(Mode::Distributed);
    let app = builder.queue(redis.fresh_url()).start().await;
    let alice = app.user("alice").await;
    uploads_until_heard(&app, &alice).await;
    redis.kill_master().await;
    let pending = alice.uploads("meanwhile.pdf", PDF).await;
    becomes_active(&alice, &pending).await;
    redis.has_failed_over().await;
    uploads_until_heard(&app, &alice).await;
    app.ends_clean().await;
}
