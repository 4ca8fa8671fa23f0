//! Grants of the staging allowance, which processes draw for uploads under way.

use domain::{Allowances, ByteSize, Limits, Timestamp, UserId};
use futures::future::join_all;
use ledger::{Database, GrantRequest, draw_grant, give_up_grants, renew_grants, upload_room};
use tests::ledger::{LEASE, NOW, limits, user};
use tests::on_each_database;
use uuid::Uuid;

fn allowing(bytes: u64) -> Limits {
    Limits {
        allowances: Allowances {
            staging: Some(ByteSize::new(bytes)),
            results: None,
        },
        ..limits()
    }
}

async fn draws(
    db: &Database,
    owner: UserId,
    holder: u128,
    needed: u64,
    now: Timestamp,
) -> Option<u64> {
    let request = GrantRequest {
        owner,
        holder: Uuid::from_u128(holder),
        needed,
        wanted: needed + 30,
        until: now.plus(LEASE),
        now,
    };
    draw_grant(db, &request, &allowing(100)).await.unwrap()
}

#[on_each_database]
async fn all_processes_together_are_granted_no_more_than_the_allowance(db: &Database) {
    let owner = user(db, "alice").await;
    assert_eq!(draws(db, owner, 1, 20, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 2, 30, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 3, 1, NOW).await, None);
    // One that needs more has it in place of what it had.
    assert_eq!(draws(db, owner, 1, 50, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 1, 51, NOW).await, None);
    let room = upload_room(db, (owner, Uuid::from_u128(1)), &allowing(100), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (room.staging, room.bytes, room.documents, room.may_fail),
        (50, 1_000, 100, true)
    );
    give_up_grants(db, Uuid::from_u128(2), &[owner])
        .await
        .unwrap();
    assert_eq!(draws(db, owner, 3, 50, NOW).await, Some(50));
}

#[on_each_database]
async fn grants_of_a_process_that_is_gone_come_to_an_end(db: &Database) {
    let owner = user(db, "alice").await;
    assert_eq!(draws(db, owner, 1, 90, NOW).await, Some(100));
    assert_eq!(draws(db, owner, 2, 20, NOW).await, None);
    let later = NOW.plus(LEASE);
    renew_grants(db, Uuid::from_u128(1), later.plus(LEASE), later)
        .await
        .unwrap();
    assert_eq!(draws(db, owner, 2, 20, later).await, None, "it lives");
    assert_eq!(draws(db, owner, 2, 20, later.plus(LEASE)).await, Some(50));
}

#[on_each_database]
async fn many_who_draw_at_once_pass_nothing(db: &Database) {
    let owner = user(db, "alice").await;
    let granted = join_all((0..20).map(|holder| draws(db, owner, holder, 10, NOW))).await;
    let sum: u64 = granted.into_iter().flatten().sum();
    assert_eq!(sum, 100);
}
