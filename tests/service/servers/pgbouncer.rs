//! `PgBouncer` before PostgreSQL: by session it makes no difference; by transaction it works if
//! it keeps prepared statements apart, and is refused with a reason if it doesn't.

use std::time::Duration;

use domain::{JobId, Timestamp};
use futures::future::join_all;
use ledger::{Database, DatabaseUrl, DbError, UnfitServer, accept};
use queue::{Feed, Hearing, PostgresFeed, Queue};
use tests::ledger::{NOW, arrival, assert_balanced, count, limits, passed, settle_all, user};
use tests::poll::poll;
use tests::servers::{PgBouncer, Postgres};

const UPLOADS: usize = 40;

async fn connect(pooler: &PgBouncer, connections: u32) -> Result<Database, DbError> {
    let url = Postgres::shared().await.create_database().await;
    let url: DatabaseUrl = pooler.url(&url).parse().unwrap();
    Database::connect(&url, connections).await
}

/// Many transactions at once, so that they meet in the sessions that there are.
async fn works(db: &Database) {
    migrations::up(db.writer()).await.unwrap();
    let owner = user(db, "alice").await;
    let uploads = (0..UPLOADS).map(|_| async {
        let answers = accept(db, &limits(), &[arrival(owner, "", NOW)]).await;
        assert_eq!(answers.unwrap(), [Ok(())]);
        count(db, "SELECT count(*) FROM documents").await
    });
    join_all(uploads).await;
    settle_all(db, NOW, passed).await;
    let active = "SELECT count(*) FROM documents WHERE status = 'active'";
    assert_eq!(count(db, active).await, i64::try_from(UPLOADS).unwrap());
    assert_balanced(db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_of_sessions_makes_no_difference() {
    let pooler = PgBouncer::before(Postgres::shared().await, "session").await;
    let db = connect(&pooler, 6).await.unwrap();
    assert!(db.keeps_sessions());
    works(&db).await;
}

/// Who listens through a pooler of transactions hears nothing, so nobody does; what is sent through
/// it arrives at those who listen elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_go_out_through_a_pooler_of_transactions() {
    let pooler = PgBouncer::before(Postgres::shared().await, "transaction").await;
    let url = Postgres::shared().await.create_database().await;
    let within = PostgresFeed::new(&pooler.url(&url), Hearing::Polls).unwrap();
    within.check().await.unwrap();
    let outside = PostgresFeed::new(&url, Hearing::Listens).unwrap();
    poll(Duration::from_secs(30), async || outside.check().await).await;
    let jobs = [JobId::new(Timestamp::from_micros(0))];
    within.announce(Queue::Ingest, &jobs).await.unwrap();
    let mut listener = outside.listen(Queue::Ingest, "a listener").await;
    assert_eq!(listener.next(1, Duration::from_mins(1)).await.jobs, 1);
    let mut none = within.listen(Queue::Ingest, "another").await;
    assert_eq!(none.next(1, Duration::from_millis(1)).await.jobs, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_of_transactions_works_or_is_refused_with_a_reason() {
    let pooler = PgBouncer::before(Postgres::shared().await, "transaction").await;
    // More than it has sessions.
    match connect(&pooler, 16).await {
        // 1.21 and later keep prepared statements apart if they are told to; 1.24 does by itself.
        Ok(db) => {
            assert!(!db.keeps_sessions());
            works(&db).await;
        }
        Err(error) => {
            let mixes = matches!(error, DbError::Unfit(UnfitServer::MixesSessions));
            assert!(mixes, "{error:?}; its log:\n{}", pooler.log());
            assert!(error.to_string().contains("max_prepared_statements"));
        }
    }
}
