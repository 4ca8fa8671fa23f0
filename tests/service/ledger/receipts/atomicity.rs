//! A change and its answer are one: whatever dies in between, and whoever else has taken the
//! request over, each change is made once and has its answer.

use std::time::Duration;

use ledger::{
    Arrival, Begin, Database, DbError, Receipt, SavedAnswer, abandon_request, accept,
    finish_request,
};
use tests::ledger::{NOW, arrival, assert_balanced, count, limits, user};
use tests::on_each_database;

use super::verbs::{PATIENCE, Verb, answer, begin, claim, make, receipt, scene};

/// Every change that a request with a key can make.
const VERBS: [Verb; 15] = [
    // First, while no other job is there to die.
    Verb::RetryJob,
    Verb::Upload,
    Verb::UploadVersion,
    Verb::Edit,
    Verb::EditNothing,
    Verb::Archive,
    Verb::Restore,
    Verb::Retry,
    Verb::Delete,
    Verb::RestoreVersion,
    Verb::DeleteVersion,
    Verb::AddUser,
    Verb::ChangeUser,
    Verb::RemoveUser,
    Verb::Keys,
];

/// All that a change can leave, as one text.
async fn state(db: &Database) -> Vec<i64> {
    let mut state = Vec::new();
    for sql in [
        "SELECT CAST(COALESCE(sum(revision), 0) AS bigint) FROM documents",
        "SELECT count(*) FROM documents",
        "SELECT count(*) FROM versions",
        "SELECT count(*) FROM versions WHERE status = 'pending'",
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM users WHERE role = 'admin'",
        "SELECT count(*) FROM jobs",
        "SELECT count(*) FROM events",
        "SELECT CAST(COALESCE(sum(refs), 0) AS bigint) FROM blobs",
    ] {
        state.push(count(db, sql).await);
    }
    state
}

#[on_each_database]
async fn a_process_that_dies_after_its_change_has_answered(db: &Database) {
    for verb in VERBS {
        let scene = scene(db, verb).await;
        let claimed = claim(db, scene.owner, verb, NOW).await;
        make(db, verb, &scene, &claimed).await.unwrap();
        let state = state(db).await;
        // Nothing more is heard of it.
        for now in [NOW, NOW.plus(PATIENCE)] {
            assert_eq!(
                begin(db, scene.owner, verb, now).await,
                Begin::Replay(answer(verb)),
                "{verb:?}"
            );
        }
        // What is said later by others, or by the process if it lives, changes nothing.
        abandon_request(db, &claimed).await.unwrap();
        let other = SavedAnswer {
            status: 500,
            ..answer(verb)
        };
        finish_request(db, &claimed, &other).await.unwrap();
        assert_eq!(
            begin(db, scene.owner, verb, NOW).await,
            Begin::Replay(answer(verb)),
            "{verb:?}"
        );
        assert_eq!(self::state(db).await, state, "{verb:?}");
        assert_balanced(db).await;
    }
}

#[on_each_database]
async fn a_process_that_was_taken_over_changes_nothing(db: &Database) {
    for verb in VERBS {
        let scene = scene(db, verb).await;
        let late = claim(db, scene.owner, verb, NOW).await;
        let next = claim(db, scene.owner, verb, NOW.plus(PATIENCE)).await;
        let before = state(db).await;
        let refused = make(db, verb, &scene, &late).await.unwrap_err();
        assert!(
            refused.contains("taken over") || refused.contains("took the request over"),
            "{verb:?}: {refused}"
        );
        assert_eq!(state(db).await, before, "{verb:?}");
        make(db, verb, &scene, &next).await.unwrap();
        let made = state(db).await;
        make(db, verb, &scene, &next).await.unwrap_err();
        assert_eq!(state(db).await, made, "{verb:?}");
        assert_balanced(db).await;
    }
}

#[on_each_database]
async fn a_key_that_was_given_up_and_taken_anew_is_not_the_old_ones(db: &Database) {
    let verb = Verb::Archive;
    let scene = scene(db, verb).await;
    let late = claim(db, scene.owner, verb, NOW).await;
    let next = claim(db, scene.owner, verb, NOW.plus(PATIENCE)).await;
    abandon_request(db, &next).await.unwrap();
    let anew = claim(db, scene.owner, verb, NOW.plus(PATIENCE)).await;
    assert!(make(db, verb, &scene, &late).await.is_err());
    make(db, verb, &scene, &anew).await.unwrap();
}

#[on_each_database]
async fn an_answer_that_may_get_better_is_waited_for(db: &Database) {
    let verb = Verb::Upload;
    let owner = user(db, "alice").await;
    let claimed = claim(db, owner, verb, NOW).await;
    let end = NOW.plus(Duration::from_secs(5));
    let open = Receipt {
        open_until: Some(end),
        ..receipt(verb, &claimed)
    };
    let arrival = Arrival {
        receipt: Some(open),
        ..arrival(owner, "hello", NOW)
    };
    accept(db, &limits(), &[arrival]).await.unwrap();
    assert_eq!(begin(db, owner, verb, NOW).await, Begin::InProgress);
    // Its process dies: then what it had is the answer.
    assert_eq!(
        begin(db, owner, verb, end).await,
        Begin::Replay(answer(verb))
    );
    // Its process lives: then what it says last is.
    abandon_request(db, &claimed).await.unwrap();
    let better = SavedAnswer {
        status: 201,
        ..answer(verb)
    };
    finish_request(db, &claimed, &better).await.unwrap();
    assert_eq!(
        begin(db, owner, verb, NOW).await,
        Begin::Replay(better.clone())
    );
    finish_request(db, &claimed, &answer(verb)).await.unwrap();
    assert_eq!(begin(db, owner, verb, NOW).await, Begin::Replay(better));
}

#[on_each_database]
async fn one_that_was_taken_over_takes_nobody_along(db: &Database) {
    let verb = Verb::Upload;
    let owner = user(db, "alice").await;
    let late = claim(db, owner, verb, NOW).await;
    claim(db, owner, verb, NOW.plus(PATIENCE)).await;
    let stale = Arrival {
        receipt: Some(receipt(verb, &late)),
        ..arrival(owner, "stale", NOW)
    };
    let fine = arrival(owner, "fine", NOW);
    let group = [stale, fine.clone()];
    assert!(matches!(
        accept(db, &limits(), &group).await,
        Err(DbError::TakenOver)
    ));
    assert_eq!(count(db, "SELECT count(*) FROM documents").await, 0);
    assert_eq!(accept(db, &limits(), &[fine]).await.unwrap(), [Ok(())]);
    assert_balanced(db).await;
}
