//! Bodies that are kept in the rows of their versions.

use bytes::Bytes;
use domain::{ErrorCode, VersionId};
use ledger::{Arrival, Database, accept, expire_failed, load_pending, settle};
use tests::ledger::{
    LEASE, NOW, arrival, claim_at, count, failed, limits, settlement, stored, user,
};
use tests::on_each_database;

const BODIES: &str = "SELECT count(*) FROM versions WHERE body IS NOT NULL";

#[on_each_database]
async fn each_row_of_a_group_gets_its_own_bytes(db: &Database) {
    let owner = user(db, "alice").await;
    let contents = [
        "one",
        "\u{0}\u{1}\u{2}",
        "staged",
        "four, the longest of them",
        "5",
    ];
    let arrivals = contents.map(|content| {
        let body = (content != "staged").then(|| Bytes::from_static(content.as_bytes()));
        Arrival {
            body,
            ..arrival(owner, content, NOW)
        }
    });
    for answer in accept(db, &limits(), &arrivals).await.unwrap() {
        answer.unwrap();
    }
    let versions: Vec<VersionId> = arrivals.iter().map(|arrival| arrival.version).collect();
    let pending = load_pending(db, &versions, &limits()).await.unwrap();
    assert_eq!(pending.len(), contents.len());
    for work in pending {
        let sent = arrivals
            .iter()
            .find(|arrival| arrival.version == work.version);
        assert_eq!(work.upload.unwrap().body, sent.unwrap().body);
    }

    let mut outcomes = Vec::new();
    for (index, claimed) in claim_at(db, 10, NOW).await.iter().enumerate() {
        let outcome = stored(&format!("file:///store/{index}"));
        outcomes.push(settlement(db, claimed, outcome).await);
    }
    assert_eq!(count(db, BODIES).await, 4);
    settle(db, &outcomes, NOW).await.unwrap();
    assert_eq!(count(db, BODIES).await, 0);
}

#[on_each_database]
async fn a_failed_version_keeps_its_body_for_as_long_as_it_can_be_retried(db: &Database) {
    let owner = user(db, "alice").await;
    for content in ["kept", "not kept"] {
        let body = Some(Bytes::from_static(content.as_bytes()));
        let arrival = Arrival {
            body,
            ..arrival(owner, content, NOW)
        };
        accept(db, &limits(), &[arrival]).await.unwrap();
    }
    let claimed = claim_at(db, 10, NOW).await;
    let kept = settlement(db, &claimed[0], failed(ErrorCode::StorageUnavailable)).await;
    let lost = settlement(db, &claimed[1], failed(ErrorCode::DigestMismatch)).await;
    settle(db, &[kept, lost], NOW).await.unwrap();
    assert_eq!(count(db, BODIES).await, 1);

    let later = NOW.plus(LEASE);
    let expired = expire_failed(db, later, 10, later, |url| vec![url.to_owned()]).await;
    assert_eq!(expired.unwrap(), 1);
    assert_eq!(count(db, BODIES).await, 0);
}
