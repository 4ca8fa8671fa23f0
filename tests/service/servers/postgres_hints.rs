//! Hints by PostgreSQL, without a service: they reach every process at once, and again after a
//! connection was lost. Nothing polls here.

use std::time::Duration;

use domain::{DocumentId, JobId, OperationId, Timestamp};
use futures::StreamExt;
use queue::{Awaited, Feed, Hearing, Listener, PostgresFeed, Queue};
use sea_orm::ConnectionTrait;
use tests::poll::{poll, wait_until};
use tests::servers::Postgres;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_mins(1);

/// A feed that listens.
async fn feed(url: &str) -> PostgresFeed {
    let feed = PostgresFeed::new(url, Hearing::Listens).unwrap();
    poll(LONG, async || feed.check().await).await;
    feed
}

fn jobs<const N: usize>() -> [JobId; N] {
    [(); N].map(|()| JobId::new(Timestamp::from_micros(0)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_process_hears_of_jobs_and_of_what_has_settled() {
    let url = Postgres::shared().await.create_database().await;
    let elsewhere = Postgres::shared().await.create_database().await;
    let (one, two, stranger) = (feed(&url).await, feed(&url).await, feed(&elsewhere).await);
    let (mut settled, mut of_others) = (two.settled().await, stranger.settled().await);
    let mut listeners = [
        one.listen(Queue::Ingest, "one").await,
        two.listen(Queue::Ingest, "two").await,
    ];
    one.announce(Queue::Ingest, &jobs::<3>()).await.unwrap();
    for listener in &mut listeners {
        // All of them, whatever it asks for: others have heard them, too.
        assert_eq!(listener.next(1, LONG).await.jobs, 3);
        assert_eq!(listener.next(1, Duration::from_millis(1)).await.jobs, 0);
    }
    let mut bulk = two.listen(Queue::Bulk, "two").await;
    assert_eq!(bulk.next(1, Duration::from_millis(1)).await.jobs, 0);

    // More than one notification carries.
    let at = Timestamp::from_micros(0);
    let mut news: Vec<_> = (0..999)
        .map(|_| Awaited::Document(DocumentId::new(at)))
        .collect();
    news.push(Awaited::Operation(OperationId::new(at)));
    one.announce_settled(&news).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < news.len() {
        let more = tokio::time::timeout(LONG, settled.next()).await;
        heard.extend(more.expect("it was announced").unwrap());
    }
    assert_eq!(heard, news);

    // Another database is another service.
    let own = [Awaited::Operation(OperationId::new(at))];
    stranger.announce_settled(&own).await.unwrap();
    assert_eq!(of_others.next().await.unwrap(), own);
}

async fn hears_again(feed: &PostgresFeed, listener: &mut dyn Listener) {
    wait_until(LONG, "hints arrive again", async || {
        feed.announce(Queue::Ingest, &jobs::<1>()).await.unwrap();
        listener.next(1, Duration::from_millis(100)).await.jobs > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_made_again() {
    let url = Postgres::shared().await.create_database().await;
    let feed = feed(&url).await;
    let mut listener = feed.listen(Queue::Ingest, "a listener").await;
    hears_again(&feed, &mut *listener).await;
    let administrator = sea_orm::Database::connect(&url).await.unwrap();
    for _ in 0..3 {
        // It waits until they have ended.
        let terminate = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity \
                         WHERE application_name = 'dossier hints' AND datname = current_database()";
        administrator.execute_unprepared(terminate).await.unwrap();
        // What was announced before.
        listener.next(1, Duration::from_millis(1)).await;
        hears_again(&feed, &mut *listener).await;
        // Readiness says so, too.
        poll(LONG, async || feed.check().await).await;
    }
    administrator.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let feed = PostgresFeed::new("postgres://dossier@127.0.0.1:1/x", Hearing::Listens).unwrap();
    let error = feed.check().await.unwrap_err();
    assert_eq!(error.to_string(), "the feed could not reach its server");
    let announced = feed.announce(Queue::Bulk, &jobs::<1>()).await.unwrap_err();
    assert_eq!(announced.to_string(), "the feed could not announce jobs");
    // Whoever waits for hints polls meanwhile.
    let mut listener = feed.listen(Queue::Bulk, "a listener").await;
    assert_eq!(listener.next(1, Duration::from_millis(1)).await.jobs, 0);
}
