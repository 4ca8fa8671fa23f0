//! Who refers to bytes, on each database: nothing that a row needs is ever let go of.

use domain::{ByteSize, ErrorCode, VersionId};
use ledger::audit::{enqueue_lost_jobs, known_objects, pending_without_job};
use ledger::{
    BlobOrigin, Database, FoundObject, IntakeRefusal, NewJob, Settled, accept, discard_strays,
    end_quarantine, enqueue, find_strays, quarantine_strays, quarantined, settle,
};
use queue::JobKind;
use sea_orm::{ConnectionTrait, DbBackend};
use tests::ledger::{
    NOW, activated, active, arrival, assert_balanced, claim_at, count, failed, limits, settlement,
    stored, user,
};
use tests::on_each_database;

fn object(url: &str) -> FoundObject {
    FoundObject {
        url: url.parse().unwrap(),
        staged: url.replace("store", "staging").parse().unwrap(),
        size: ByteSize::new(3),
    }
}

/// Gives every pending version one more job, as a retry by hand would.
async fn enqueues_again(db: &Database, claimed: &ledger::ClaimedJob) {
    let job = NewJob {
        subject: claimed.subject,
        ..NewJob::without_subject(JobKind::ProcessVersion, claimed.owner, NOW)
    };
    enqueue(db.writer(), &[job], NOW).await.unwrap();
}

#[on_each_database]
async fn bytes_that_a_row_needs_are_no_strays(db: &Database) {
    let owner = user(db, "alice").await;
    active(db, owner, "kept").await;
    let pending = arrival(owner, "pending", NOW);
    accept(db, &limits(), std::slice::from_ref(&pending))
        .await
        .unwrap();
    let blob = known_objects(db, "file:///store/", "file:///store/~", 10)
        .await
        .unwrap();
    let taken = pending.staged.as_str().replace("staging", "store");
    let found = [
        object(&blob[0].url),
        object(pending.staged.as_str()),
        // Where the worker took it, before it is active.
        object(&taken),
        object("file:///store/aa/stray"),
        object("file:///staging/aa/stray"),
    ];
    let strays = ["file:///store/aa/stray", "file:///staging/aa/stray"];
    assert_eq!(find_strays(db, &found).await.unwrap(), strays);
    assert_eq!(quarantine_strays(db, &found[..4], NOW).await.unwrap(), 1);
    assert_eq!(discard_strays(db, &found, NOW).await.unwrap(), 1);
    assert_eq!(discard_strays(db, &found, NOW).await.unwrap(), 0);
    assert_eq!(quarantined(db).await.unwrap(), (1, 3));
    assert_eq!(find_strays(db, &found).await.unwrap(), Vec::<String>::new());
    assert_balanced(db).await;
}

#[on_each_database]
async fn what_is_needed_again_leaves_quarantine_and_stays(db: &Database) {
    let owner = user(db, "alice").await;
    let arrival = arrival(owner, "late", NOW);
    let found = [
        object(arrival.staged.as_str()),
        object("file:///store/aa/stray"),
    ];
    assert_eq!(quarantine_strays(db, &found, NOW).await.unwrap(), 2);
    accept(db, &limits(), std::slice::from_ref(&arrival))
        .await
        .unwrap();
    let ends = async || {
        end_quarantine(db, NOW, 10, NOW, |url| Some(object(url)))
            .await
            .unwrap()
    };
    assert_eq!(ends().await, 2);
    assert_eq!(ends().await, 0);
    assert_eq!(quarantined(db).await.unwrap(), (0, 0));
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 1);
    assert_balanced(db).await;
}

#[on_each_database]
async fn bytes_that_are_to_be_removed_are_not_taken_in(db: &Database) {
    let owner = user(db, "alice").await;
    let (late, in_time) = (arrival(owner, "late", NOW), arrival(owner, "in time", NOW));
    discard_strays(db, &[object(late.staged.as_str())], NOW)
        .await
        .unwrap();
    let answers = accept(db, &limits(), &[late, in_time]).await.unwrap();
    assert_eq!(answers, [Err(IntakeRefusal::BytesDiscarded), Ok(())]);
    assert_eq!(count(db, "SELECT count(*) FROM documents").await, 1);
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_second_job_for_a_version_removes_nothing_that_is_needed(db: &Database) {
    let owner = user(db, "alice").await;
    let upload = arrival(owner, "twice", NOW);
    let at = upload.staged.as_str().replace("staging", "store");
    accept(db, &limits(), &[upload]).await.unwrap();
    let first = claim_at(db, 10, NOW).await.remove(0);
    enqueues_again(db, &first).await;
    let second = claim_at(db, 10, NOW).await.remove(0);
    let (one, other) = (
        settlement(db, &first, stored(&at)).await,
        settlement(db, &second, stored(&at)).await,
    );
    let nothing = [Settled::Committed { removable: vec![] }];
    assert_eq!(settle(db, &[one], NOW).await.unwrap(), nothing);
    assert_eq!(settle(db, &[other], NOW).await.unwrap(), nothing);
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 0);
    assert_eq!(count(db, "SELECT refs FROM blobs").await, 1);
    assert_balanced(db).await;

    // The same, if the other one made it fail: its owner may retry.
    let upload = arrival(owner, "failed meanwhile", NOW);
    let at = upload.staged.as_str().replace("staging", "store");
    accept(db, &limits(), &[upload]).await.unwrap();
    let first = claim_at(db, 10, NOW).await.remove(0);
    enqueues_again(db, &first).await;
    let second = claim_at(db, 10, NOW).await.remove(0);
    let (one, other) = (
        settlement(db, &first, failed(ErrorCode::Internal)).await,
        settlement(db, &second, stored(&at)).await,
    );
    settle(db, &[one], NOW).await.unwrap();
    assert_eq!(settle(db, &[other], NOW).await.unwrap(), nothing);
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 0);
    assert_balanced(db).await;
}

#[on_each_database]
async fn bytes_put_back_for_content_that_is_gone_by_then_are_discarded(db: &Database) {
    let owner = user(db, "alice").await;
    let upload = arrival(owner, "put back", NOW);
    accept(db, &limits(), std::slice::from_ref(&upload))
        .await
        .unwrap();
    let claim = claim_at(db, 10, NOW).await.remove(0);
    let dead = "file:///store/aa/of-a-deleted-blob";
    let outcome = activated(dead, BlobOrigin::PutBack);
    let one = settlement(db, &claim, outcome).await;
    settle(db, &[one], NOW).await.unwrap();
    // The job begins anew, with the staged bytes.
    assert_eq!(
        count(db, "SELECT count(*) FROM jobs WHERE state = 'ready'").await,
        1
    );
    let discarded = format!("SELECT count(*) FROM discards WHERE url = '{dead}'");
    assert_eq!(count(db, &discarded).await, 1);
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 1);
    assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 0);
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_lost_job_is_enqueued_once_by_however_many(db: &Database) {
    let owner = user(db, "alice").await;
    for index in 0..20 {
        accept(db, &limits(), &[arrival(owner, &format!("{index}"), NOW)])
            .await
            .unwrap();
    }
    assert_eq!(pending_without_job(db, 100).await.unwrap(), []);
    db.writer()
        .execute_unprepared("DELETE FROM jobs")
        .await
        .unwrap();
    let lost = pending_without_job(db, 100).await.unwrap();
    assert_eq!(lost.len(), 20);
    let mends = (0..4).map(|_| enqueue_lost_jobs(db, &lost, NOW));
    let mended = futures::future::join_all(mends).await;
    let mended: Vec<VersionId> = mended.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(mended.len(), 20);
    assert_eq!(
        count(db, "SELECT count(DISTINCT subject_id) FROM jobs").await,
        20
    );
    assert_eq!(count(db, "SELECT count(*) FROM jobs").await, 20);
    assert_balanced(db).await;
}

#[on_each_database]
async fn known_objects_come_in_the_order_of_their_bytes(db: &Database) {
    let owner = user(db, "alice").await;
    let mut urls = Vec::new();
    for (index, name) in ["b", "a-b", "a/b", "a0", "ab", "a", "0", "z-"]
        .into_iter()
        .enumerate()
    {
        let mut upload = arrival(owner, &format!("{index}"), NOW);
        upload.staged = format!("file:///staging/{name}").parse().unwrap();
        urls.push(upload.staged.to_string());
        accept(db, &limits(), &[upload]).await.unwrap();
    }
    urls.sort();
    let (mut after, mut paged) = ("file:///staging/".to_owned(), Vec::new());
    loop {
        let page = known_objects(db, &after, "file:///staging/~", 3)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.url);
        paged.extend(page.into_iter().map(|object| object.url));
    }
    assert_eq!(paged, urls);
}

#[on_each_database]
async fn each_source_of_references_has_an_index_in_that_order(db: &Database) {
    // By the plan: a large table must never be sorted for a page.
    let explain = match db.reader().get_database_backend() {
        DbBackend::Postgres => "EXPLAIN ",
        _ => "EXPLAIN QUERY PLAN ",
    };
    for (table, column) in [
        ("blobs", "storage_url"),
        ("versions", "staged_url"),
        ("operations", "source_url"),
        ("operations", "result_url"),
    ] {
        let bytewise = match db.reader().get_database_backend() {
            DbBackend::Postgres => " COLLATE \"C\"",
            _ => "",
        };
        let sql = format!(
            "{explain}SELECT id FROM {table} WHERE {column}{bytewise} > 'a' AND {column}{bytewise} < 'b' \
                 ORDER BY {column}{bytewise} LIMIT 10"
        );
        let off = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off";
        let transaction = db.begin().await.unwrap();
        if explain == "EXPLAIN " {
            transaction.execute_unprepared(off).await.unwrap();
        }
        let statement = sea_orm::Statement::from_string(db.reader().get_database_backend(), sql);
        let plan = transaction.query_all_raw(statement).await.unwrap();
        let column = if explain == "EXPLAIN " { 0 } else { 3 };
        let plan: Vec<String> = plan
            .iter()
            .map(|row| row.try_get_by_index(column).unwrap())
            .collect();
        let plan = plan.join("\n");
        assert!(plan.contains("INDEX") || plan.contains("Index"), "{plan}");
        assert!(
            !plan.contains("Sort") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}
