//! Many jobs at once, and what is left to remove.

use sea_orm::ConnectionTrait;
use shared::domain::Status;

use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_many_jobs_and_do_each_once() {
    let service = Service::start().await;
    let mut documents = Vec::new();
    for _ in 0..200 {
        documents.push(service.accepts("note.txt", b"a note").await);
    }
    let other = Service::works(service.role());
    service.settles(&documents).await;
    other.stop().await;
    for document in documents {
        assert_eq!(
            service.document(document).await.lifecycle.status(),
            Status::Active
        );
    }
    let again = "SELECT count(*) FROM jobs WHERE attempts <> 1 OR state <> 'done'";
    assert_eq!(service.number(again).await, 0);
    assert_eq!(service.number("SELECT refs FROM blobs").await, 200);
    assert_eq!((service.staged().await, service.stored().await), (0, 1));
}

#[tokio::test]
async fn discarded_bytes_are_removed_by_a_scheduled_job() {
    let service = Service::start().await;
    let document = service.accepts("left.txt", b"left over").await;
    service.settles(&[document]).await;
    // Bytes that somebody let go of without removing them.
    let sql = "INSERT INTO discards (url, at) \
        SELECT storage_url || '-gone', 0 FROM blobs";
    service.db.writer().execute_unprepared(sql).await.unwrap();
    let working = Service::works(service.role());
    while service.number("SELECT count(*) FROM discards").await > 0 {
        tokio::task::yield_now().await;
    }
    working.stop().await;
    let done = "SELECT count(*) FROM jobs WHERE kind = 'remove_discarded' AND state = 'done'";
    assert_eq!(service.number(done).await, 1);
}
