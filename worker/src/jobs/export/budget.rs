//! The room of an archive that is being written: reserved from its owner's result allowance ahead
//! of what is written, in large steps.

use ledger::{Export, Standing, WantedRoom, export_size, reserve_result};

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// What is reserved beyond what is needed: an archive has more than the bytes of its documents.
const STEP: u64 = 16 << 20;

/// What an archive may have.
pub struct Budget<'a> {
    export: &'a Export,
    work: &'a Work,
    tools: &'a Tools,
    reserved: u64,
}

/// What came of asking for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// There is room.
    Made,
    /// The allowance is used up.
    NoRoom,
    /// Nobody wants the archive any more.
    Unwanted,
}

impl<'a> Budget<'a> {
    /// Nothing is reserved yet.
    pub const fn new(export: &'a Export, work: &'a Work, tools: &'a Tools) -> Self {
        Self {
            export,
            work,
            tools,
            reserved: 0,
        }
    }

    /// Reserves room for the bytes of all documents, before any of them is written.
    pub async fn covers_documents(&mut self) -> Result<Reservation, AttemptError> {
        let size = export_size(&self.tools.db, self.export).await?;
        self.reserve(size).await
    }

    /// Makes sure that `needed` bytes have room, in all.
    pub async fn covers(&mut self, needed: u64) -> Result<Reservation, AttemptError> {
        if needed <= self.reserved {
            return Ok(Reservation::Made);
        }
        self.reserve(needed).await
    }

    async fn reserve(&mut self, needed: u64) -> Result<Reservation, AttemptError> {
        let room = WantedRoom {
            needed,
            wanted: needed.saturating_add(STEP),
        };
        let Tools { db, limits, .. } = self.tools;
        let job = self.work.claimed.job;
        match reserve_result(db, self.export.id, job, room, limits).await? {
            Standing::Goes(Some(reserved)) => {
                self.reserved = reserved;
                Ok(Reservation::Made)
            }
            Standing::Goes(None) => Ok(Reservation::NoRoom),
            Standing::Stops | Standing::Over => Ok(Reservation::Unwanted),
            Standing::LeaseLost => Err(AttemptError::LeaseLost),
        }
    }
}
