//! A change and its answer are one: whatever dies in between, and whoever else has taken the
//! request over, each change is made once and has its answer.

use std::time::Duration;

use domain::{
    DocumentId, ErrorCode, JobId, KeyId, Role, Sha256, Timestamp, User, UserId, VersionId,
};
use ledger::{
    ApiKey, Arrival, Begin, ChangeError, Commit, Database, DbError, DocumentChanges, JobFilter,
    JobPage, KeyedRequest, NewContent, Outcome, Precondition, Receipt, RequestClaim, SavedAnswer,
    Target, UserChanges, WithReceipt, abandon_request, accept, add_key, add_user, add_version,
    archive_document, begin_request, change_user, dead_jobs, delete_document, delete_version,
    edit_document, finish_request, remove_key, remove_user, restore_document, restore_version,
    retry_document, retry_job,
};
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, count, failed, limits, settle_all, user,
};
use tests::on_each_database;

const PATIENCE: Duration = Duration::from_mins(2);
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

#[derive(Clone, Copy, Debug)]
enum Verb {
    RetryJob,
    Upload,
    UploadVersion,
    Edit,
    EditNothing,
    Archive,
    Restore,
    Retry,
    Delete,
    RestoreVersion,
    DeleteVersion,
    AddUser,
    ChangeUser,
    RemoveUser,
    Keys,
}

/// What the verbs act on: whose it is, and how it was found before.
struct Scene {
    owner: UserId,
    document: DocumentId,
    victim: UserId,
    job: Option<JobId>,
}

fn answer(verb: Verb) -> SavedAnswer {
    SavedAnswer {
        status: 200,
        headers: vec![("x-verb".to_owned(), format!("{verb:?}"))],
        body: vec![0, 1, 0xff],
    }
}

fn receipt(verb: Verb, claim: &RequestClaim) -> Receipt {
    Receipt {
        claim: claim.clone(),
        answer: answer(verb),
        open_until: None,
    }
}

fn on<T: Sync>(db: &Database, verb: Verb, claim: &RequestClaim) -> impl Commit<T> + use<T> {
    let receipt = receipt(verb, claim);
    WithReceipt {
        db: db.clone(),
        receipt: move |_: &T| std::future::ready(Some(receipt.clone())),
    }
}

async fn begin(db: &Database, owner: UserId, verb: Verb, now: Timestamp) -> Begin {
    let key = format!("{verb:?}");
    let request = KeyedRequest {
        owner,
        hash: Sha256::of(key.as_bytes()),
        key,
    };
    begin_request(db, &request, now, PATIENCE).await.unwrap()
}

async fn claim(db: &Database, owner: UserId, verb: Verb, now: Timestamp) -> RequestClaim {
    match begin(db, owner, verb, now).await {
        Begin::Started(claim) => claim,
        other => panic!("{verb:?}: {other:?}"),
    }
}

/// Brings everything into the state from which the verb is possible.
async fn scene(db: &Database, verb: Verb) -> Scene {
    let owner = user(db, &format!("owner of {verb:?}")).await;
    let victim = user(db, &format!("victim of {verb:?}")).await;
    let document = if matches!(verb, Verb::Retry) {
        let document = accepted(db, arrival(owner, "hello", NOW)).await;
        settle_all(db, NOW, |_| failed(ErrorCode::StorageUnavailable)).await;
        document
    } else if matches!(verb, Verb::RetryJob) {
        let document = accepted(db, arrival(owner, "hello", NOW)).await;
        settle_all(db, NOW, |_| Outcome::Failed {
            failure: ErrorCode::Internal.into(),
            gave_up: Some("no room".to_owned()),
            leftovers: vec![],
        })
        .await;
        document
    } else {
        active(db, owner, "hello").await
    };
    let target = target(owner, document);
    if matches!(verb, Verb::Restore) {
        archive_document(db, &target, NOW).await.unwrap();
    }
    if matches!(verb, Verb::DeleteVersion) {
        restore_version(db, &target, 1, &limits(), NOW)
            .await
            .unwrap();
    }
    let page = JobPage {
        before: None,
        limit: 1,
    };
    let dead = dead_jobs(db, &JobFilter::default(), page).await.unwrap();
    Scene {
        owner,
        document,
        victim,
        job: dead.first().copied(),
    }
}

fn target(owner: UserId, document: DocumentId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

fn content() -> NewContent {
    let (id, text) = (VersionId::new(NOW), "a new version");
    NewContent {
        version: id,
        job: JobId::new(NOW),
        declared_type: None,
        staged: format!("file:///staging/{id}").parse().unwrap(),
        size: domain::ByteSize::new(text.len() as u64),
        sha256: Sha256::of(text.as_bytes()),
        traceparent: None,
        at: NOW,
    }
}

/// Makes the change of the verb, under the claim.
async fn make(
    db: &Database,
    verb: Verb,
    scene: &Scene,
    claim: &RequestClaim,
) -> Result<(), String> {
    match verb {
        Verb::Upload => {
            let arrival = Arrival {
                receipt: Some(receipt(verb, claim)),
                ..arrival(scene.owner, "upload", NOW)
            };
            let answers = accept(db, &limits(), &[arrival]).await.map_err(told)?;
            assert_eq!(answers, [Ok(())]);
        }
        Verb::RetryJob => {
            let (on, job) = (on(db, verb, claim), scene.job.unwrap());
            let retried = retry_job(&on, job, &limits(), NOW).await.map_err(told)?;
            retried.map_err(|refusal| format!("{refusal:?}"))?;
        }
        Verb::AddUser | Verb::ChangeUser | Verb::RemoveUser | Verb::Keys => {
            make_of_user(db, verb, scene, claim).await?;
        }
        Verb::UploadVersion | Verb::RestoreVersion | Verb::DeleteVersion => {
            make_of_version(db, verb, scene, claim)
                .await
                .map_err(refusal)?;
        }
        _ => make_of_document(db, verb, scene, claim)
            .await
            .map_err(refusal)?,
    }
    Ok(())
}

async fn make_of_document(
    db: &Database,
    verb: Verb,
    scene: &Scene,
    claim: &RequestClaim,
) -> Result<(), ChangeError> {
    let target = target(scene.owner, scene.document);
    match verb {
        Verb::Edit | Verb::EditNothing => {
            let name = if matches!(verb, Verb::Edit) {
                "new.pdf"
            } else {
                "report.pdf"
            };
            let changes = DocumentChanges {
                name: Some(name.parse().unwrap()),
                ..DocumentChanges::default()
            };
            edit_document(&on(db, verb, claim), &target, changes, NOW).await?;
        }
        Verb::Archive => {
            archive_document(&on(db, verb, claim), &target, NOW).await?;
        }
        Verb::Restore => {
            restore_document(&on(db, verb, claim), &target, NOW).await?;
        }
        Verb::Retry => {
            let on = on(db, verb, claim);
            retry_document(&on, &target, &limits(), NOW).await?;
        }
        Verb::Delete => {
            delete_document(&on(db, verb, claim), &target, NOW, traces).await?;
        }
        _ => panic!("{verb:?} is of no document"),
    }
    Ok(())
}

async fn make_of_version(
    db: &Database,
    verb: Verb,
    scene: &Scene,
    claim: &RequestClaim,
) -> Result<(), ChangeError> {
    let target = target(scene.owner, scene.document);
    match verb {
        Verb::UploadVersion => {
            let on = on(db, verb, claim);
            add_version(&on, &target, &content(), &limits()).await?;
        }
        Verb::RestoreVersion => {
            let on = on(db, verb, claim);
            restore_version(&on, &target, 1, &limits(), NOW).await?;
        }
        Verb::DeleteVersion => {
            let on = on(db, verb, claim);
            delete_version(&on, &target, 1, NOW, traces).await?;
        }
        _ => panic!("{verb:?} is of no version"),
    }
    Ok(())
}

async fn make_of_user(
    db: &Database,
    verb: Verb,
    scene: &Scene,
    claim: &RequestClaim,
) -> Result<(), String> {
    let victim = scene.victim;
    match verb {
        Verb::AddUser => {
            let user = User::new("newcomer".parse().unwrap(), NOW);
            let added = add_user(&on(db, verb, claim), &user).await;
            added.map_err(|error| error.to_string())?;
        }
        Verb::ChangeUser => {
            let changes = UserChanges {
                role: Some(Role::Admin),
                ..UserChanges::default()
            };
            let demoted = change_user(&on(db, verb, claim), victim, &changes, NOW).await;
            assert!(demoted.map_err(|error| error.to_string())?.is_some());
        }
        Verb::RemoveUser => {
            let removed = remove_user(&on(db, verb, claim), victim, NOW, traces).await;
            removed
                .map_err(|error| error.to_string())?
                .ok_or("it is gone")?;
        }
        Verb::Keys => {
            let key = ApiKey {
                id: KeyId::new(NOW),
                user: victim,
                created_at: NOW,
            };
            let hash = Sha256::of(b"a key");
            assert!(add_key(db, key, hash).await.unwrap());
            let on = on(db, verb, claim);
            let removed = remove_key(&on, victim, key.id).await;
            if removed.is_err() {
                remove_key(db, victim, key.id).await.unwrap();
            }
            assert!(removed.map_err(told)?);
            let hash = Sha256::of(b"another key");
            assert!(add_key(db, key, hash).await.unwrap());
        }
        _ => panic!("{verb:?} is of no user"),
    }
    Ok(())
}

fn traces(url: &str) -> Vec<String> {
    vec![url.to_owned()]
}

fn refusal(error: ChangeError) -> String {
    match error {
        ChangeError::Database(error) => told(error),
        error => error.to_string(),
    }
}

fn told(error: DbError) -> String {
    match error {
        DbError::TakenOver => "taken over".to_owned(),
        error => error.to_string(),
    }
}

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
