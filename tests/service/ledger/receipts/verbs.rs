//! Every change that a request with a key can make, made with its receipt.

use std::time::Duration;

use domain::{DocumentId, ErrorCode, JobId, Role, Sha256, Timestamp, User, UserId, VersionId};
use ledger::{
    ApiKey, Arrival, Begin, ChangeError, Commit, Database, DbError, DocumentChanges, JobFilter,
    JobPage, KeyedRequest, NewContent, Outcome, Precondition, Receipt, RequestClaim, SavedAnswer,
    Target, UserChanges, WithReceipt, accept, add_key, add_user, add_version, archive_document,
    begin_request, change_user, dead_jobs, delete_document, delete_version, edit_document,
    remove_key, remove_user, restore_document, restore_version, retry_document, retry_job,
};
use tests::ledger::{NOW, accepted, active, arrival, failed, limits, settle_all, user};

pub const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Clone, Copy, Debug)]
pub enum Verb {
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
pub struct Scene {
    pub owner: UserId,
    pub document: DocumentId,
    pub victim: UserId,
    pub job: Option<JobId>,
}

pub fn answer(verb: Verb) -> SavedAnswer {
    SavedAnswer {
        status: 200,
        headers: vec![("x-verb".to_owned(), format!("{verb:?}"))],
        body: vec![0, 1, 0xff],
    }
}

pub fn receipt(verb: Verb, claim: &RequestClaim) -> Receipt {
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

pub async fn begin(db: &Database, owner: UserId, verb: Verb, now: Timestamp) -> Begin {
    let key = format!("{verb:?}");
    let request = KeyedRequest {
        owner,
        hash: Sha256::of(key.as_bytes()),
        key,
    };
    begin_request(db, &request, now, PATIENCE).await.unwrap()
}

pub async fn claim(db: &Database, owner: UserId, verb: Verb, now: Timestamp) -> RequestClaim {
    match begin(db, owner, verb, now).await {
        Begin::Started(claim) => claim,
        other => panic!("{verb:?}: {other:?}"),
    }
}

/// Brings everything into the state from which the verb is possible.
pub async fn scene(db: &Database, verb: Verb) -> Scene {
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
        body: None,
        size: domain::ByteSize::new(text.len() as u64),
        sha256: Sha256::of(text.as_bytes()),
        traceparent: None,
        at: NOW,
    }
}

/// Makes the change of the verb, under the claim.
pub async fn make(
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
            let key = ApiKey::new(victim, NOW);
            let hash = Sha256::of(b"a key");
            add_key(db, key.clone(), hash).await.unwrap();
            let on = on(db, verb, claim);
            let removed = remove_key(&on, victim, key.id).await;
            if removed.is_err() {
                remove_key(db, victim, key.id).await.unwrap();
            }
            assert!(removed.map_err(told)?);
            let hash = Sha256::of(b"another key");
            add_key(db, key, hash).await.unwrap();
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
