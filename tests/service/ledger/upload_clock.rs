//! A clock that jumps while uploads are open: by hours forwards, and back by years.

use std::time::Duration;

use domain::{
    ByteSize, Hasher, Metadata, Sha256, TicketId, Timestamp, UploadId, UploadProtocol,
    UploadStatus, UserId, Visibility,
};
use ledger::{
    Database, NewUpload, Ticket, Upload, UploadError, UploadHeader, UploadProgress, UploadPurpose,
    create_ticket, create_upload, expire_tickets, expire_uploads, find_upload, hold_upload,
    record_upload, revoke_ticket, take_back_uploads, terminate_upload, touch_upload,
};
use storage::Growing;
use tests::ledger::{NOW, counters, limits, user};
use tests::on_each_database;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);
const EXPIRES: Duration = Duration::from_hours(24);

fn growing(id: UploadId, length: u64) -> Growing {
    Growing {
        url: Url::parse(&format!("file:///staging/{id}")).unwrap(),
        length,
        tail: None,
        parts: String::new(),
        skipped: 0,
    }
}

/// An upload of 100 bytes that is to be created.
fn new_upload(owner: UserId, at: Timestamp) -> NewUpload {
    let id = UploadId::new(at);
    NewUpload {
        id,
        owner,
        protocol: UploadProtocol::Tus,
        purpose: UploadPurpose::Document {
            name: "noise.bin".parse().unwrap(),
            visibility: Visibility::Private { unique_name: None },
            metadata: Metadata::default(),
            declared_type: None,
        },
        said: UploadHeader::default(),
        length: Some(100),
        expected: None,
        growing: growing(id, 0),
        joins: None,
        ticket: None,
        max_bytes: None,
        at,
    }
}

async fn created(db: &Database, owner: UserId, at: Timestamp) -> Upload {
    let new = new_upload(owner, at);
    create_upload(db, &new, &limits()).await.unwrap()
}

/// A request that writes.
struct Writer<'d> {
    db: &'d Database,
    id: UploadId,
    fence: u64,
}

impl<'d> Writer<'d> {
    async fn of(db: &'d Database, upload: &Upload, now: Timestamp) -> Self {
        let whose = (upload.owner, upload.id);
        let held = hold_upload(db, whose, 1, Some(now.plus(EXPIRES)), now).await;
        Self {
            db,
            id: upload.id,
            fence: held.unwrap().fence,
        }
    }

    /// Records that so many bytes are durable, and that so many parts may follow.
    async fn records(&self, length: u64, parts: u32, now: Timestamp) -> Result<(), UploadError> {
        let progress = UploadProgress {
            id: self.id,
            fence: self.fence,
            growing: &growing(self.id, length),
            digest: &Hasher::default().state(),
            ends: false,
            parts,
            expires_at: now.plus(EXPIRES),
            now,
        };
        record_upload(self.db, &progress).await
    }

    /// Gives a sign of life.
    async fn lives(&self, now: Timestamp) -> Result<(), UploadError> {
        touch_upload(self.db, (self.id, self.fence), now.plus(EXPIRES), now).await
    }
}

/// How many uploads the maintenance ends at `now`.
async fn expired(db: &Database, now: Timestamp) -> u64 {
    while take_back_uploads(db, now).await.unwrap() > 0 {}
    expire_uploads(db, now, now.plus(EXPIRES)).await.unwrap()
}

async fn state(db: &Database, upload: &Upload) -> (UploadStatus, u64, Timestamp) {
    let found = find_upload(db, (upload.owner, upload.id)).await;
    let found = found.unwrap().unwrap();
    (found.status, found.offset, found.expires_at)
}

fn is_superseded(outcome: &Result<(), UploadError>) -> bool {
    matches!(outcome, Err(UploadError::Superseded))
}

#[on_each_database]
async fn a_jump_forwards_expires_nothing_that_is_written(db: &Database) {
    let owner = user(db, "alice").await;
    let written = created(db, owner, NOW).await;
    let dead = created(db, owner, NOW).await;
    created(db, owner, NOW).await;
    let writer = Writer::of(db, &written, NOW).await;
    let dead_writer = Writer::of(db, &dead, NOW).await;
    writer.records(10, 1, NOW).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 300, 3));
    let later = NOW.plus(2 * EXPIRES);
    assert_eq!(expired(db, later).await, 1, "the one that nobody writes to");
    writer.lives(later.plus(2 * SECOND)).await.unwrap();
    assert_eq!(expired(db, later.plus(600 * SECOND)).await, 0);
    let soon = later.plus(1_200 * SECOND);
    assert_eq!(expired(db, soon).await, 1, "the one whose writer has died");
    assert!(is_superseded(&dead_writer.records(10, 1, soon).await));
    writer.records(20, 0, soon).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 100, 1));
    // From its last byte on it has the time that it was told.
    let end = soon.plus(EXPIRES);
    assert_eq!(state(db, &written).await, (UploadStatus::Open, 20, end));
    assert_eq!(expired(db, end.minus(SECOND)).await, 0);
    assert_eq!(expired(db, end).await, 1);
    assert_eq!(counters(db, owner).await, (0, 0, 0));
}

#[on_each_database]
async fn a_jump_back_keeps_no_upload_for_ever(db: &Database) {
    let owner = user(db, "alice").await;
    let future = NOW.plus(3_650 * EXPIRES);
    let written = created(db, owner, NOW).await;
    let before = Writer::of(db, &written, future).await;
    before.records(10, 1, future).await.unwrap();
    created(db, owner, future).await;
    // The clock is right again.
    assert_eq!(expired(db, NOW).await, 0);
    let expires_at = NOW.plus(EXPIRES);
    assert_eq!(
        state(db, &written).await,
        (UploadStatus::Open, 10, expires_at)
    );
    // The fence is no time: who took over last writes, and nobody takes an offset back.
    let now = NOW.plus(SECOND);
    let writer = Writer::of(db, &written, now).await;
    assert!(is_superseded(&before.records(15, 1, future).await));
    assert!(is_superseded(&before.lives(future).await));
    assert_eq!(state(db, &written).await.1, 10);
    writer.records(20, 0, now).await.unwrap();
    assert_eq!(expired(db, expires_at).await, 1);
    let end = now.plus(EXPIRES);
    assert_eq!(state(db, &written).await, (UploadStatus::Open, 20, end));
    assert_eq!(expired(db, end).await, 1);
    assert_eq!(counters(db, owner).await, (0, 0, 0));
}

/// A ticket for two uploads of at most 300 bytes.
async fn ticket(db: &Database, owner: UserId) -> Ticket {
    let ticket = Ticket {
        id: TicketId::new(NOW),
        owner,
        name: None,
        metadata: Metadata::default(),
        uses: 2,
        uses_left: 2,
        max_bytes: Some(ByteSize::new(300)),
        allowed_types: vec![],
        cors_origin: None,
        revoked_at: None,
        created_at: NOW,
        expires_at: NOW.plus(EXPIRES),
    };
    let secret = Sha256::of(b"secret");
    create_ticket(db, &ticket, secret, &limits()).await.unwrap();
    ticket
}

#[on_each_database]
async fn a_ticket_that_was_over_for_a_moment_counts_what_it_reserves(db: &Database) {
    let owner = user(db, "alice").await;
    let ticket = ticket(db, owner).await;
    assert_eq!(counters(db, owner).await, (0, 600, 0));
    assert_eq!(expire_tickets(db, NOW.plus(2 * EXPIRES)).await.unwrap(), 1);
    assert_eq!(counters(db, owner).await, (0, 0, 0));
    // The clock is right again, and the ticket open.
    let new = || NewUpload {
        ticket: Some(ticket.id),
        max_bytes: ticket.max_bytes.map(ByteSize::bytes),
        ..new_upload(owner, NOW)
    };
    let upload = create_upload(db, &new(), &limits()).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 300, 1));
    // The use that is given back is reserved again, and the other one isn't.
    let whose = (owner, upload.id);
    terminate_upload(db, whose, None, NOW).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 300, 0));
    create_upload(db, &new(), &limits()).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 300, 1));
    revoke_ticket(db, (owner, ticket.id), NOW).await.unwrap();
    assert_eq!(counters(db, owner).await, (0, 0, 0));
}
