//! Reserves space for an archive from its owner's result allowance, in large steps ahead of
//! writing.

use ledger::{Export, ReservationRequest, StepCheck, export_size, reserve_result};

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// The step of a reservation beyond the bytes of the documents, for headers and the manifest.
const STEP: u64 = 16 << 20;

/// The reservation of an archive.
pub struct Budget<'a> {
    export: &'a Export,
    work: &'a Work,
    tools: &'a Tools,
    reserved: u64,
}

/// The result of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Reserved.
    Made,
    /// The allowance is used up.
    NoRoom,
    /// The operation was cancelled or removed.
    Cancelled,
}

impl<'a> Budget<'a> {
    /// Creates an empty reservation.
    pub const fn new(export: &'a Export, work: &'a Work, tools: &'a Tools) -> Self {
        Self {
            export,
            work,
            tools,
            reserved: 0,
        }
    }

    /// Reserves space for the bytes of all documents before any is written.
    pub async fn covers_documents(&mut self) -> Result<Reservation, AttemptError> {
        let size = export_size(&self.tools.db, self.export).await?;
        self.reserve(size).await
    }

    /// Ensures that `needed` bytes in total are reserved.
    pub async fn covers(&mut self, needed: u64) -> Result<Reservation, AttemptError> {
        if needed <= self.reserved {
            return Ok(Reservation::Made);
        }
        self.reserve(needed).await
    }

    async fn reserve(&mut self, needed: u64) -> Result<Reservation, AttemptError> {
        let room = ReservationRequest {
            needed,
            wanted: needed.saturating_add(STEP),
        };
        let Tools { db, limits, .. } = self.tools;
        let job = self.work.claimed.job;
        match reserve_result(db, self.export.id, job, room, limits).await? {
            StepCheck::Continue(Some(reserved)) => {
                self.reserved = reserved;
                Ok(Reservation::Made)
            }
            StepCheck::Continue(None) => Ok(Reservation::NoRoom),
            StepCheck::CancelRequested | StepCheck::Finished => Ok(Reservation::Cancelled),
            StepCheck::LeaseLost => Err(AttemptError::LeaseLost),
        }
    }
}
