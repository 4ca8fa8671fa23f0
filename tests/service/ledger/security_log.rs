//! The rows of the security log: how many come of what is frequent, and how long they are kept.

use std::time::Duration;

use domain::{
    Actor, AuditEntry, AuditEvent, AuditKind, AuditOrigin, DocumentId, Timestamp, UserId,
};
use ledger::{
    AuditFilter, AuditPage, AuditRow, Database, forget_audit_log, list_audit_log,
    newest_revocations, write_audit_log,
};
use serde_json::json;
use tests::ledger::NOW;
use tests::on_each_database;

fn deletion(owner: UserId, document: DocumentId, at: Timestamp) -> AuditEntry {
    let origin = AuditOrigin {
        actor: Actor::User(owner),
        address: None,
        request_id: None,
    };
    let event = AuditEvent::of_documents(AuditKind::DocumentDeleted, owner, [document]);
    AuditEntry::counted(origin, event, at)
}

async fn all(db: &Database) -> Vec<AuditRow> {
    let page = AuditPage {
        below: None,
        limit: 1_000,
    };
    list_audit_log(db, &AuditFilter::default(), page)
        .await
        .unwrap()
}

#[on_each_database]
async fn what_comes_often_is_one_row_a_minute(db: &Database) {
    let (owner, minute) = (UserId::new(NOW), Duration::from_mins(1));
    let documents: Vec<_> = (0..150).map(|_| DocumentId::new(NOW)).collect();
    for document in &documents {
        for _ in 0..2 {
            write_audit_log(db.writer(), &[deletion(owner, *document, NOW)])
                .await
                .unwrap();
        }
    }
    write_audit_log(
        db.writer(),
        &[deletion(owner, documents[0], NOW.plus(minute))],
    )
    .await
    .unwrap();
    let rows = all(db).await;
    let counts: Vec<_> = rows
        .iter()
        .map(|row| row.detail["count"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [1, 300]);
    let named = rows[1].detail["document_ids"].as_array().unwrap();
    assert_eq!(
        named.len(),
        100,
        "each is named once, and not more than so many"
    );
}

#[on_each_database]
async fn it_is_kept_as_long_as_was_asked_for(db: &Database) {
    let owner = UserId::new(NOW);
    for hour in 0..48 {
        let at = NOW.plus(Duration::from_hours(hour));
        write_audit_log(db.writer(), &[deletion(owner, DocumentId::new(at), at)])
            .await
            .unwrap();
    }
    let before = NOW.plus(Duration::from_hours(24));
    assert_eq!(forget_audit_log(db, before, 20).await.unwrap(), 20);
    assert_eq!(forget_audit_log(db, before, 20).await.unwrap(), 4);
    assert_eq!(forget_audit_log(db, before, 20).await.unwrap(), 0);
    assert_eq!(all(db).await.len(), 24);
}

#[on_each_database]
async fn the_newest_revocations_change_with_each_line_that_tells_of_one(db: &Database) {
    let mut newest = newest_revocations(db).await.unwrap();
    for kind in AuditKind::ALL {
        let event = AuditEvent::new(*kind, UserId::new(NOW), json!({}));
        let line = AuditEntry::single(AuditOrigin::OPERATOR, event, NOW);
        write_audit_log(db.writer(), &[line]).await.unwrap();
        let now = newest_revocations(db).await.unwrap();
        let revokes = AuditKind::REVOKING.contains(kind);
        assert_eq!(now != newest, revokes, "{kind}");
        newest = now;
    }
}
