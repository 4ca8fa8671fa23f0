//! Uploads straight to the storage in the ledger: what they hold of the quota, and how many statements one
//! costs.

use std::sync::{Arc, Mutex};

use domain::{
    ByteSize, Limits, Metadata, Timestamp, UploadId, UploadLimits, UploadProtocol, UserId,
    Visibility,
};
use ledger::{
    Database, DirectEnd, IntakeRefusal, NewUpload, Upload, UploadError, UploadHeader,
    UploadPurpose, complete_direct_upload, create_upload, end_direct_upload, find_direct_upload,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use storage::Growing;
use tests::ledger::{NOW, count, counters, limits, user};
use tests::on_each_database;

const SIZE: u64 = 700;

fn new_upload(owner: UserId, at: Timestamp) -> NewUpload {
    let id = UploadId::new(at);
    NewUpload {
        id,
        owner,
        protocol: UploadProtocol::Direct,
        purpose: UploadPurpose::Document {
            name: "report.pdf".parse().unwrap(),
            visibility: Visibility::Private { unique_name: None },
            metadata: Metadata::default(),
            declared_type: None,
        },
        said: UploadHeader::default(),
        length: Some(SIZE),
        expected: None,
        growing: Growing {
            url: format!("s3://staging/{id}").parse().unwrap(),
            length: 0,
            tail: None,
            parts: "{}".to_owned(),
            skipped: 0,
        },
        joins: None,
        ticket: None,
        max_bytes: None,
        at,
    }
}

async fn begun(db: &Database, owner: UserId) -> Upload {
    let new = new_upload(owner, NOW);
    create_upload(db, &new, &limits()).await.unwrap()
}

fn end(upload: &Upload) -> DirectEnd {
    DirectEnd {
        upload: upload.clone(),
        traceparent: None,
        at: NOW,
    }
}

/// The same database, and the statements that are run by it from then on.
fn observed(db: &Database) -> (Database, Arc<Mutex<Vec<String>>>) {
    let (mut db, seen) = (db.clone(), Arc::new(Mutex::new(Vec::new())));
    let list = Arc::clone(&seen);
    db.observe(move |sql, _| list.lock().unwrap().push(sql.to_owned()));
    (db, seen)
}

#[on_each_database]
async fn a_direct_upload_costs_few_statements(db: &Database) {
    let alice = user(db, "alice").await;
    let (db, seen) = observed(db);
    let upload = begun(&db, alice).await;
    let run = std::mem::take(&mut *seen.lock().unwrap());
    // A charge, a count and a row.
    assert_eq!(run.len(), 3, "{run:#?}");
    let found = find_direct_upload(&db, (alice, upload.id)).await.unwrap();
    let found = found.unwrap();
    let completed = complete_direct_upload(&db, &limits(), &end(&found)).await;
    assert!(completed.unwrap().1.is_some());
    let run = std::mem::take(&mut *seen.lock().unwrap());
    // It is found, and completed; document, version, job, charge and event.
    assert_eq!(run.len(), 7, "{run:#?}");
}

#[on_each_database]
async fn what_a_direct_upload_holds_passes_to_its_document(db: &Database) {
    let alice = user(db, "alice").await;
    let upload = begun(db, alice).await;
    let reserved = (0, SIZE.cast_signed(), 1);
    assert_eq!(counters(db, alice).await, reserved);
    // Nobody else may have the room that it leaves behind.
    let refused = create_upload(db, &new_upload(alice, NOW), &limits()).await;
    assert!(
        matches!(refused, Err(UploadError::QuotaExceeded)),
        "{refused:?}"
    );

    let lowered = Limits {
        default_quota_bytes: ByteSize::new(SIZE - 1),
        ..limits()
    };
    let refused = complete_direct_upload(db, &lowered, &end(&upload)).await;
    let Err(UploadError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal, IntakeRefusal::QuotaExceeded);
    assert_eq!(counters(db, alice).await, reserved);
    let found = find_direct_upload(db, (alice, upload.id)).await.unwrap();
    assert_eq!(found.as_ref(), Some(&upload), "it was changed");

    let whole = Limits {
        default_quota_bytes: ByteSize::new(SIZE),
        default_quota_documents: 1,
        ..limits()
    };
    let first = complete_direct_upload(db, &whole, &end(&upload)).await;
    let (document, job) = first.unwrap();
    assert!(job.is_some());
    assert_eq!(document.id.0, upload.id.0);
    assert_eq!(counters(db, alice).await, reserved);
    let direct = "SELECT count(*) FROM versions WHERE is_direct";
    assert_eq!(count(db, direct).await, 1);
    // By a request that has found it open as well.
    let again = complete_direct_upload(db, &whole, &end(&upload)).await;
    assert_eq!(again.unwrap(), (document, None));
    assert_eq!(count(db, "SELECT count(*) FROM versions").await, 1);
    assert_eq!(counters(db, alice).await, reserved);
}

#[on_each_database]
async fn an_upload_that_has_ended_becomes_nothing(db: &Database) {
    let alice = user(db, "alice").await;
    let upload = begun(db, alice).await;
    let ended = end_direct_upload(db, (alice, upload.id), None, NOW).await;
    assert!(ended.unwrap());
    assert_eq!(counters(db, alice).await, (0, 0, 0));
    let late = complete_direct_upload(db, &limits(), &end(&upload)).await;
    assert!(matches!(late, Err(UploadError::NotFound)), "{late:?}");

    let upload = begun(db, alice).await;
    let later = upload.expires_at;
    let expired = ledger::expire_uploads(db, later, later).await;
    assert_eq!(expired.unwrap(), 1);
    let late = complete_direct_upload(db, &limits(), &end(&upload)).await;
    assert!(matches!(late, Err(UploadError::NotOpen)), "{late:?}");
    assert_eq!(counters(db, alice).await, (0, 0, 0));
    assert_eq!(count(db, "SELECT count(*) FROM documents").await, 0);
}

#[on_each_database]
async fn who_has_too_many_uploads_is_told_so_and_not_that_the_quota_is_used_up(db: &Database) {
    let alice = user(db, "alice").await;
    begun(db, alice).await;
    let before = counters(db, alice).await;
    let mut few = limits();
    few.uploads.open = 1;
    for length in [1, SIZE] {
        let new = NewUpload {
            length: Some(length),
            ..new_upload(alice, NOW)
        };
        let refused = create_upload(db, &new, &few).await;
        assert!(
            matches!(refused, Err(UploadError::TooMany(1))),
            "{refused:?}"
        );
        assert_eq!(counters(db, alice).await, before);
    }
    let nobody = new_upload(UserId::new(NOW), NOW);
    let refused = create_upload(db, &nobody, &limits()).await;
    assert!(
        matches!(refused, Err(UploadError::OwnerGone)),
        "{refused:?}"
    );
}

/// Uploads that have ended.
async fn ended(db: &Database, owner: UserId, number: u32) {
    let backend = db.writer().get_database_backend();
    let (numbers, id) = match backend {
        DbBackend::Postgres => (
            "SELECT generate_series(1, $2) AS number",
            "gen_random_uuid()",
        ),
        _ => (
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $2) \
             SELECT number FROM numbers",
            "randomblob(16)",
        ),
    };
    let sql = format!(
        "INSERT INTO uploads (id, owner_id, protocol, status, purpose, metadata, concat, offset_bytes, ends, \
         reserved_bytes, reserved_documents, digest, parts, created_at, updated_at, expires_at) \
         SELECT {id}, $1, 'direct', 'expired', '', '', '', 0, false, 0, 0, '', '', 0, 0, $3 \
         FROM ({numbers}) AS numbers"
    );
    let values = [owner.0.into(), i64::from(number).into(), i64::MAX.into()];
    let insert = Statement::from_sql_and_values(backend, sql, values);
    db.writer().execute_raw(insert).await.unwrap();
}

#[on_each_database]
async fn a_bounded_number_of_ended_uploads_is_known(db: &Database) {
    let [alice, bob] = [user(db, "alice").await, user(db, "bob").await];
    let kept = UploadLimits::KEPT;
    for owner in [alice, bob] {
        ended(db, owner, kept + 5).await;
    }
    begun(db, alice).await;
    let known = async |owner: UserId| {
        let sql = "SELECT count(*) FROM uploads WHERE owner_id = $1 AND status = 'expired'";
        let found = tests::ledger::rows(db, sql, vec![owner.0.into()]).await;
        found[0].try_get_by_index::<i64>(0).unwrap()
    };
    assert_eq!(known(alice).await, i64::from(kept));
    assert_eq!(known(bob).await, i64::from(kept) + 5);
}
