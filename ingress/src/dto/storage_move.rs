//! Moves of documents' bytes between places.

use domain::{ByteSize, StorageMoveId};
use ledger::{ListedPlace, MoveStatus, PlaceRole, StorageMove};
use poem_openapi::{Enum, Object};
use storage::StorageUrl;

use super::{Id, Moment};
use crate::http::{Change, FromMembers, Members};

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "StorageMoveStatus", rename_all = "lowercase")]
pub enum MoveStatusBody {
    /// It goes on.
    Running,
    /// Every object was visited.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It failed for good.
    Error,
}

/// A move of documents' bytes from one place to another.
#[derive(Debug, Object)]
#[oai(rename = "StorageMove")]
pub struct StorageMoveBody {
    /// Its id.
    pub id: Id<StorageMoveId>,
    /// The place that objects are moved from.
    pub from: String,
    /// The place that they are moved to.
    pub to: String,
    /// What became of it.
    pub status: MoveStatusBody,
    /// The objects that there were at its start.
    pub objects: u64,
    /// Those that were moved.
    pub moved: u64,
    /// The bytes that there were at its start.
    pub bytes: u64,
    /// Those that were moved.
    pub moved_bytes: u64,
    /// Objects that could not be moved, since their bytes are missing or damaged.
    pub failed: u64,
    /// When it was started.
    pub created_at: Moment,
    /// When it ended.
    #[oai(nullable)]
    pub finished_at: Option<Moment>,
}

/// The moves that are kept. There is no next page.
#[derive(Debug, Object)]
#[oai(rename = "StorageMovePage")]
pub struct StorageMovePageBody {
    /// The latest hundred, newest first.
    pub items: Vec<StorageMoveBody>,
    /// Always `null`.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "StoragePlaceRole", rename_all = "lowercase")]
pub enum PlaceRoleBody {
    /// New documents.
    Store,
    /// Uploads until they are active.
    Staging,
    /// Both of these.
    Both,
    /// Documents from earlier.
    More,
    /// Documents are there, and it isn't configured.
    Unknown,
}

/// A place where bytes are.
#[derive(Debug, Object)]
#[oai(rename = "StoragePlace")]
pub struct StoragePlaceBody {
    /// Its URL.
    pub url: String,
    /// What it is for.
    pub role: PlaceRoleBody,
    /// The objects that the service has there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The objects that are to be removed there. Keep a place among the settings until there are none.
    pub discarded: u64,
}

/// The places. There is no next page.
#[derive(Debug, Object)]
#[oai(rename = "StoragePlacePage")]
pub struct StoragePlacePageBody {
    /// Every configured place, and those that aren't and hold documents.
    pub items: Vec<StoragePlaceBody>,
    /// Always `null`.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// A move to be started.
#[derive(Debug, Object)]
#[oai(rename = "NewStorageMove")]
pub struct NewMoveBody {
    /// The place to move objects from, one of those that are configured.
    #[oai(validator(min_length = 1, max_length = 2048))]
    pub from: String,
    /// The place to move them to.
    #[oai(validator(min_length = 1, max_length = 2048))]
    pub to: String,
    /// The most bytes per second; no limit by default, or if it is `null`. Below 1 MiB an object is copied at
    /// that rate, and the next one later.
    #[oai(nullable, validator(minimum(value = "1")))]
    pub rate_bytes: Option<i64>,
}

/// A move to be started, as parsed.
#[derive(Clone, Debug)]
pub struct NewMoveRequest {
    /// The place to move objects from.
    pub from: StorageUrl,
    /// The place to move them to.
    pub to: StorageUrl,
    /// The most bytes per second.
    pub rate: Option<ByteSize>,
}

impl FromMembers for NewMoveRequest {
    type Schema = NewMoveBody;

    fn take(members: &mut Members) -> Option<Self> {
        let (from, to) = (members.required("from"), members.required("to"));
        let rate = members.change_with("rate_bytes", |value| {
            let rate = value.as_u64().filter(|rate| *rate > 0);
            let rate = rate.filter(|rate| i64::try_from(*rate).is_ok());
            rate.map(ByteSize::new)
                .ok_or("must be a whole number, at least 1")
        });
        let rate = match rate {
            Change::Set(rate) => Some(rate),
            Change::Keep | Change::Clear => None,
        };
        Some(Self {
            from: from?,
            to: to?,
            rate,
        })
    }
}

impl From<ListedPlace> for StoragePlaceBody {
    fn from(place: ListedPlace) -> Self {
        Self {
            url: place.url,
            role: match place.role {
                PlaceRole::Store => PlaceRoleBody::Store,
                PlaceRole::Staging => PlaceRoleBody::Staging,
                PlaceRole::Both => PlaceRoleBody::Both,
                PlaceRole::More => PlaceRoleBody::More,
                PlaceRole::Unknown => PlaceRoleBody::Unknown,
            },
            objects: place.total.objects,
            bytes: place.total.bytes,
            discarded: place.discarded,
        }
    }
}

impl From<StorageMove> for StorageMoveBody {
    fn from(found: StorageMove) -> Self {
        Self {
            id: Id(found.id),
            from: found.from,
            to: found.to,
            status: match found.status {
                MoveStatus::Running => MoveStatusBody::Running,
                MoveStatus::Completed => MoveStatusBody::Completed,
                MoveStatus::Cancelled => MoveStatusBody::Cancelled,
                MoveStatus::Error => MoveStatusBody::Error,
            },
            objects: found.objects,
            moved: found.moved,
            bytes: found.bytes,
            moved_bytes: found.moved_bytes,
            failed: found.failed,
            created_at: Moment(found.created_at),
            finished_at: found.finished_at.map(Moment),
        }
    }
}
