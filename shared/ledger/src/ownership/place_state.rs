//! Whether a place belongs to this ledger, and why its bytes must not be touched.

use url::Url;

use crate::DbError;
use domain::InstallationId;
use storage::{Mark, StorageError};

/// Whether a place belongs to this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// It carries the mark of this installation.
    Ours,
    /// It has no mark yet, and nothing in it is somebody else's: it is empty, or this ledger used
    /// it before there were marks.
    Unmarked,
    /// It carries another mark.
    Foreign(Mark),
    /// It carried the mark of this installation, and has none any more.
    Lost,
    /// It has no mark, and objects of which this ledger knows nothing.
    Occupied,
}

/// A place that doesn't belong to this ledger, or whose state can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OwnershipError {
    /// A place belongs to another ledger.
    #[error(
        "{place} belongs to installation {found}, and this ledger is installation {ours}: name \
         another place, or take this one over with `dossier storage adopt`"
    )]
    Foreign {
        /// The place.
        place: Url,
        /// The installation that it belongs to.
        found: InstallationId,
        /// This installation.
        ours: InstallationId,
    },
    /// A place has a mark that can't be read.
    #[error(
        "{place} carries a mark that this release doesn't understand, and this ledger is installation \
         {ours}: name another place, or take this one over with `dossier storage adopt`"
    )]
    Unknown {
        /// The place.
        place: Url,
        /// This installation.
        ours: InstallationId,
    },
    /// A place is not what it was: a volume that is not mounted, a bucket that was emptied.
    #[error(
        "{place} has lost the mark of installation {ours}: mount or restore what was there, or \
         mark it again with `dossier storage adopt`"
    )]
    Lost {
        /// The place.
        place: Url,
        /// This installation.
        ours: InstallationId,
    },
    /// A place has objects of somebody who has left no mark.
    #[error(
        "{place} holds objects that this ledger, installation {ours}, knows nothing of: name another \
         place, or take this one over with `dossier storage adopt`"
    )]
    Occupied {
        /// The place.
        place: Url,
        /// This installation.
        ours: InstallationId,
    },
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] DbError),
    /// A place can't be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OwnershipError {
    /// Whether a place is not this installation's until an operator acts. Otherwise its state
    /// could not be read.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Ledger(_) | Self::Storage(_))
    }
}

impl PlaceState {
    /// Whether the place may be used.
    pub fn permit(self, place: &Url, ours: InstallationId) -> Result<(), OwnershipError> {
        let place = place.clone();
        match self {
            Self::Ours | Self::Unmarked => Ok(()),
            Self::Foreign(Mark::Of(found)) => Err(OwnershipError::Foreign { place, found, ours }),
            Self::Foreign(Mark::Unknown) => Err(OwnershipError::Unknown { place, ours }),
            Self::Lost => Err(OwnershipError::Lost { place, ours }),
            Self::Occupied => Err(OwnershipError::Occupied { place, ours }),
        }
    }
}
