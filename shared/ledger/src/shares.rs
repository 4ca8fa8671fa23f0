//! How many jobs of one owner a worker may hold: what a claim leaves to others, however much one
//! owner has piled up and however long their jobs take.

use sea_orm::{DbBackend, Value};
use serde::Serialize;
use uuid::Uuid;

use super::DbError;
use super::batch::{Columns, Kind, parameter, rows};
use domain::UserId;

/// The share of an owner, and how much of it each of them has used up.
#[derive(Clone, Debug)]
pub struct OwnerShare {
    /// The most jobs of one owner.
    pub most: usize,
    /// Owners of jobs that the worker holds, each with how many.
    pub held: Vec<(UserId, usize)>,
}

const HELD: &Columns = &[("owner_id", Kind::Uuid), ("jobs", Kind::Integer)];

#[derive(Serialize)]
struct HeldRow {
    owner_id: Uuid,
    jobs: usize,
}

impl OwnerShare {
    /// Whatever there is.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            most: usize::MAX,
            held: Vec::new(),
        }
    }

    /// Whether a claim of so many jobs could give an owner more than their share.
    pub(super) fn could_be_passed(&self, wanted: usize) -> bool {
        let held = self.held.iter().map(|(_, jobs)| *jobs).max();
        held.unwrap_or_default().saturating_add(wanted) > self.most
    }

    /// Common table expressions behind `candidates`, and what is chosen from them: at most `$5` jobs
    /// that fit into the shares of their owners, which `$8` and `$9` tell. Further ones of the same
    /// owners stand in for those that somebody else has locked.
    pub(super) fn chosen(backend: DbBackend) -> (String, &'static str) {
        let tables = format!(
            ", held AS (SELECT x.owner_id, x.jobs FROM {}), \
             shared AS (SELECT candidates.id, candidates.turn, candidates.place, \
             candidates.turn <= $9 - COALESCE(held.jobs, 0) AS fits \
             FROM candidates LEFT JOIN held ON held.owner_id = candidates.owner_id)",
            rows(backend, HELD).replace("$1", "$8"),
        );
        let chosen = "SELECT jobs.id FROM shared JOIN jobs ON jobs.id = shared.id \
             WHERE jobs.state IN ('ready', 'running') AND jobs.run_at <= $2 \
             ORDER BY shared.fits DESC, shared.turn, shared.place \
             LIMIT (SELECT CASE WHEN count(*) < $5 THEN count(*) ELSE $5 END FROM shared WHERE shared.fits)";
        (tables, chosen)
    }

    /// `$8` and `$9`.
    pub(super) fn values(&self) -> Result<[Value; 2], DbError> {
        let row = |(owner, jobs): &(UserId, usize)| HeldRow {
            owner_id: owner.0,
            jobs: *jobs,
        };
        let held: Vec<_> = self.held.iter().map(row).collect();
        let most = i64::try_from(self.most).unwrap_or(i64::MAX);
        Ok([parameter(&held)?, most.into()])
    }
}
