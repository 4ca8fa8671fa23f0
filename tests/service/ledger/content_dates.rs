//! The date of a document's content: moved by nothing but another content, and known not to tell
//! two contents of one second apart. Times are given, not waited for.

use std::time::Duration;

use domain::{ByteSize, DocumentId, JobId, Sha256, Timestamp, UserId, VersionId};
use ledger::{
    Database, DatedDocument, DocumentChanges, NewContent, Precondition, Target, add_version,
    archive_document, delete_version, edit_document, find_dated, is_second_shared,
    restore_document, restore_version,
};
use serde_json::json;
use tests::ledger::{NOW, accepted, arrival, limits, passed, settle_all, user};
use tests::on_each_database;
use url::Url;

/// A document, and the moments at which something happens to it.
struct Story<'a> {
    db: &'a Database,
    owner: UserId,
    document: DocumentId,
    /// The number of the first step of the next second.
    turn: u32,
    steps: u32,
}

impl<'a> Story<'a> {
    /// A document whose first content became active at the first step.
    async fn begins(db: &'a Database, turn: u32) -> Self {
        let owner = user(db, &format!("user {turn}")).await;
        let mut story = Self {
            db,
            owner,
            document: accepted(db, arrival(owner, "the first", NOW)).await,
            turn,
            steps: 0,
        };
        let now = story.step();
        settle_all(db, now, passed).await;
        story
    }

    /// A tenth of a second passes, or the rest of the second.
    fn step(&mut self) -> Timestamp {
        self.steps += 1;
        let seconds = u64::from(self.steps >= self.turn);
        NOW.plus(Duration::from_millis(
            seconds * 1_000 + u64::from(self.steps) * 50,
        ))
    }

    fn target(&self) -> Target {
        Target {
            document: self.document,
            owner: self.owner,
            precondition: Precondition::None,
        }
    }

    async fn is_read(&self) -> DatedDocument {
        find_dated(self.db, self.document).await.unwrap().unwrap()
    }

    async fn is_renamed(&mut self) {
        let now = self.step();
        let edit = DocumentChanges {
            metadata: Some(json!({"step": self.steps})),
            ..DocumentChanges::default()
        };
        edit_document(self.db, &self.target(), edit, now)
            .await
            .unwrap();
    }

    async fn gets_version(&mut self, content: &str) {
        let at = self.step();
        let content = NewContent {
            version: VersionId::new(at),
            job: JobId::new(at),
            declared_type: None,
            staged: Url::parse(&format!("file:///staging/{}", JobId::new(at))).unwrap(),
            body: None,
            size: ByteSize::new(content.len() as u64),
            sha256: Sha256::of(content.as_bytes()),
            traceparent: None,
            at,
        };
        add_version(self.db, &self.target(), &content, &limits())
            .await
            .unwrap();
    }

    async fn is_archived_for_a_while(&mut self) {
        let (away, back) = (self.step(), self.step());
        archive_document(self.db, &self.target(), away)
            .await
            .unwrap();
        restore_document(self.db, &self.target(), back)
            .await
            .unwrap();
    }

    /// What readers were given until now has the date of what they are given now, and isn't it.
    async fn ends(&self, read: &[DatedDocument]) -> bool {
        let second = |dated: &DatedDocument| dated.content_since.as_micros() / 1_000_000;
        let last = self.is_read().await;
        let alike = |dated: &&DatedDocument| {
            second(dated) == second(&last) && dated.document.sha256 != last.document.sha256
        };
        let shares = read.iter().any(|dated| alike(&dated));
        assert_eq!(
            is_second_shared(self.db, &last).await.unwrap(),
            shares,
            "{read:?}, {last:?}"
        );
        shares
    }
}

#[on_each_database]
async fn nothing_but_another_content_moves_the_date(db: &Database) {
    let mut shared = 0;
    // In one second, and with the turn of the second before each step.
    for turn in 2..=9 {
        let mut story = Story::begins(db, turn).await;
        let first = story.is_read().await;
        let mut read = vec![first.clone()];
        story.is_renamed().await;
        read.push(story.is_read().await);
        story.gets_version("the second").await;
        read.push(story.is_read().await);
        story.is_renamed().await;
        story.is_archived_for_a_while().await;
        read.push(story.is_read().await);
        for dated in &read {
            assert_eq!(dated.content_since, first.content_since);
            assert_eq!(dated.document.sha256, first.document.sha256);
        }
        let now = story.step();
        settle_all(db, now, passed).await;
        assert_eq!(story.is_read().await.content_since, now);
        shared += u32::from(story.ends(&read).await);
        // Neither does it say less when the first one is gone, but for its event.
        delete_version(db, &story.target(), 1, story.step(), |_| vec![])
            .await
            .unwrap();
        story.is_renamed().await;
        assert_eq!(story.is_read().await.content_since, now);
        shared += u32::from(story.ends(&read).await);
    }
    // All steps to the second activation, the eighth and ninth turns, lie in one second.
    assert_eq!(shared, 4);
}

#[on_each_database]
async fn a_restored_content_has_a_date_of_its_own(db: &Database) {
    for turn in [3, 9] {
        let mut story = Story::begins(db, turn).await;
        story.gets_version("the second").await;
        let now = story.step();
        settle_all(db, now, passed).await;
        let read = vec![story.is_read().await];
        let now = story.step();
        restore_version(db, &story.target(), 1, &limits(), now)
            .await
            .unwrap();
        assert_eq!(story.is_read().await.content_since, now);
        assert!(story.ends(&read).await);
    }
}

#[on_each_database]
async fn what_can_not_be_known_any_more_is_not_said(db: &Database) {
    let mut story = Story::begins(db, 3).await;
    story.gets_version("the second").await;
    let now = story.step();
    settle_all(db, now, passed).await;
    assert!(!story.ends(&[]).await);
    // Events are trimmed: all former versions are still there.
    let trimmed = "DELETE FROM events";
    sea_orm::ConnectionTrait::execute_unprepared(db.writer(), trimmed)
        .await
        .unwrap();
    assert!(!is_second_shared(db, &story.is_read().await).await.unwrap());
    delete_version(db, &story.target(), 1, now, |_| vec![])
        .await
        .unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(db.writer(), trimmed)
        .await
        .unwrap();
    assert!(is_second_shared(db, &story.is_read().await).await.unwrap());
}
