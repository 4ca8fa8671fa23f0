//! `PgBouncer` before PostgreSQL: by session it makes no difference; by transaction it works if
//! it keeps prepared statements apart, and is refused with a reason if it doesn't.

use futures::future::join_all;
use ledger::{Database, DatabaseUrl, DbError, UnfitServer, accept};
use tests::ledger::{NOW, arrival, assert_balanced, count, limits, passed, settle_all, user};
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
    works(&connect(&pooler, 6).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_of_transactions_works_or_is_refused_with_a_reason() {
    let pooler = PgBouncer::before(Postgres::shared().await, "transaction").await;
    // More than it has sessions.
    match connect(&pooler, 16).await {
        // 1.21 and later keep prepared statements apart if they are told to; 1.24 does by itself.
        Ok(db) => works(&db).await,
        Err(error) => {
            let mixes = matches!(error, DbError::Unfit(UnfitServer::MixesSessions));
            assert!(mixes, "{error:?}; its log:\n{}", pooler.log());
            assert!(error.to_string().contains("max_prepared_statements"));
        }
    }
}
