//! Quota after each step of any sequence of steps: never passed, always the sum of the rows, and
//! refused only where it would be passed.

use domain::{BlobId, ByteSize, DocumentId, ErrorCode, JobId, Limits, Sha256, UserId, VersionId};
use futures::FutureExt;
use ledger::{
    ChangeError, Database, IntakeRefusal, NewContent, Outcome, Precondition, Target, accept,
    add_version, archive_document, delete_document, delete_version, find_version, restore_document,
    restore_version, retry_document, settle,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tests::databases::TestDatabase;
use tests::ledger::{
    NOW, arrival, assert_balanced, claim_at, counters, failed, limits, settlement, stored, user,
};

const BYTES: i64 = 1_000;
const DOCUMENTS: i64 = 5;

/// One step. Documents are told by their place among those that were ever taken in.
#[derive(Clone, Debug)]
enum Step {
    Accept { size: usize },
    AddVersion { place: usize, size: usize },
    RestoreVersion { place: usize, number: u32 },
    DeleteVersion { place: usize, number: u32 },
    Archive { place: usize },
    Restore { place: usize },
    Retry { place: usize },
    Delete { place: usize },
    Settle,
    Reject,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (place, number, size) = (0..8_usize, 1..4_u32, 0..450_usize);
    let step = prop_oneof![
        4 => size.clone().prop_map(|size| Step::Accept { size }),
        3 => (place.clone(), size).prop_map(|(place, size)| Step::AddVersion { place, size }),
        2 => (place.clone(), number.clone())
            .prop_map(|(place, number)| Step::RestoreVersion { place, number }),
        1 => (place.clone(), number).prop_map(|(place, number)| Step::DeleteVersion { place, number }),
        1 => place.clone().prop_map(|place| Step::Archive { place }),
        1 => place.clone().prop_map(|place| Step::Restore { place }),
        2 => place.clone().prop_map(|place| Step::Retry { place }),
        2 => place.prop_map(|place| Step::Delete { place }),
        5 => Just(Step::Settle),
        2 => Just(Step::Reject),
    ];
    prop::collection::vec(step, 1..40)
}

/// A user, and all documents that were theirs.
struct Account<'a> {
    db: &'a Database,
    owner: UserId,
    documents: Vec<DocumentId>,
}

#[test]
fn no_sequence_of_steps_passes_the_quota_or_miscounts_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::sqlite());
    let mut runner = TestRunner::new(Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    });
    let names = std::cell::Cell::new(0);
    let run = runner.run(&steps(), |steps| {
        names.set(names.get() + 1);
        let case = std::panic::AssertUnwindSafe(check(&database.db, names.get(), &steps));
        // What a case asserts is told with the shortest sequence of steps that it is wrong for.
        let ended = runtime.block_on(case.catch_unwind());
        ended.map_err(|_| TestCaseError::fail("a step is wrong"))
    });
    run.unwrap();
}

async fn check(db: &Database, case: u32, steps: &[Step]) {
    let mut account = Account {
        db,
        owner: user(db, &format!("user {case}")).await,
        documents: Vec::new(),
    };
    for step in steps {
        account.takes(step).await;
        let (used, reserved, documents) = counters(db, account.owner).await;
        assert!(
            used + reserved <= BYTES && documents <= DOCUMENTS,
            "{step:?}"
        );
        assert_balanced(db).await;
    }
    for document in account.documents.clone() {
        let target = account.target(document);
        match delete_document(db, &target, NOW, traces).await {
            Ok(_) | Err(ChangeError::NotFound) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(counters(db, account.owner).await, (0, 0, 0));
    assert_balanced(db).await;
}

impl Account<'_> {
    async fn takes(&mut self, step: &Step) {
        let (db, limits) = (self.db, quota());
        let before = counters(db, self.owner).await;
        let done = match *step {
            Step::Accept { size } => return self.accept(size).await,
            Step::Settle => return self.settle(&kept).await,
            Step::Reject => return self.settle(&|| failed(ErrorCode::Internal)).await,
            Step::AddVersion { place, size } => {
                let Some(target) = self.at(place) else { return };
                let content = content(size);
                add_version(db, &target, &content, &limits).await.map(drop)
            }
            Step::RestoreVersion { place, number } => {
                let Some(target) = self.at(place) else { return };
                restore_version(db, &target, number, &limits, NOW)
                    .await
                    .map(drop)
            }
            Step::DeleteVersion { place, number } => {
                let Some(target) = self.at(place) else { return };
                delete_version(db, &target, number, NOW, traces)
                    .await
                    .map(drop)
            }
            Step::Archive { place } => {
                let Some(target) = self.at(place) else { return };
                archive_document(db, &target, NOW).await.map(drop)
            }
            Step::Restore { place } => {
                let Some(target) = self.at(place) else { return };
                restore_document(db, &target, NOW).await.map(drop)
            }
            Step::Retry { place } => {
                let Some(target) = self.at(place) else { return };
                retry_document(db, &target, &limits, NOW).await.map(drop)
            }
            Step::Delete { place } => {
                let Some(target) = self.at(place) else { return };
                delete_document(db, &target, NOW, traces).await.map(drop)
            }
        };
        match done {
            Ok(()) => {}
            Err(ChangeError::Database(error)) => panic!("{step:?}: {error:?}"),
            Err(refusal) => {
                assert_eq!(counters(db, self.owner).await, before, "{step:?}");
                if matches!(refusal, ChangeError::QuotaExceeded) {
                    self.would_pass(step, before).await;
                }
            }
        }
    }

    /// A refusal for want of quota is right: what was asked for doesn't fit.
    async fn would_pass(&self, step: &Step, (used, reserved, documents): (i64, i64, i64)) {
        let size = match *step {
            Step::AddVersion { size, .. } => i64::try_from(size).unwrap(),
            Step::RestoreVersion { place, number } => self.size_of(place, number).await,
            Step::Retry { place } => {
                let target = self.at(place).unwrap();
                let document = ledger::find_document(self.db, target.document).await;
                let latest = document.unwrap().unwrap().latest_version;
                self.size_of(place, latest).await
            }
            _ => panic!("{step:?} needs no quota"),
        };
        let is_full = documents == DOCUMENTS && !matches!(step, Step::RestoreVersion { .. });
        assert!(used + reserved + size > BYTES || is_full, "{step:?}");
    }

    async fn size_of(&self, place: usize, number: u32) -> i64 {
        let document = self.at(place).unwrap().document;
        let found = find_version(self.db, document, number).await.unwrap();
        found.unwrap().0.size.as_i64()
    }

    async fn accept(&mut self, size: usize) {
        let (used, reserved, documents) = counters(self.db, self.owner).await;
        let new = arrival(self.owner, &text(size), NOW);
        let document = new.document;
        let fits = used + reserved + i64::try_from(size).unwrap() <= BYTES && documents < DOCUMENTS;
        let answer = accept(self.db, &quota(), &[new]).await.unwrap().remove(0);
        if fits {
            answer.unwrap();
            self.documents.push(document);
        } else {
            assert_eq!(answer, Err(IntakeRefusal::QuotaExceeded));
        }
    }

    /// Settles one version, whosever turn it is.
    async fn settle(&self, outcome: &dyn Fn() -> Outcome) {
        for claimed in claim_at(self.db, 1, NOW).await {
            let mut settled = settlement(self.db, &claimed, Outcome::Done).await;
            if settled.work.is_some() {
                settled.outcome = outcome();
            }
            settle(self.db, &[settled], NOW).await.unwrap();
        }
    }

    fn at(&self, place: usize) -> Option<Target> {
        let document = *self.documents.get(place)?;
        Some(self.target(document))
    }

    const fn target(&self, document: DocumentId) -> Target {
        Target {
            document,
            owner: self.owner,
            precondition: Precondition::None,
        }
    }
}

fn quota() -> Limits {
    Limits {
        default_quota_documents: 5,
        ..limits()
    }
}

/// The same bytes for the same size: content is shared.
fn text(size: usize) -> String {
    "x".repeat(size)
}

fn content(size: usize) -> NewContent {
    let version = VersionId::new(NOW);
    NewContent {
        version,
        job: JobId::new(NOW),
        declared_type: None,
        staged: format!("file:///staging/{version}").parse().unwrap(),
        body: None,
        size: ByteSize::new(size as u64),
        sha256: Sha256::of(text(size).as_bytes()),
        traceparent: None,
        at: NOW,
    }
}

/// The bytes passed, and were written to a place where none were before.
fn kept() -> Outcome {
    stored(&format!("file:///store/{}", BlobId::new(NOW)))
}

fn traces(url: &str) -> Vec<String> {
    vec![url.to_owned()]
}
