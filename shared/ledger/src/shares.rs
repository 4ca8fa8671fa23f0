//! Limits how many jobs of one owner a worker holds, so that a claim leaves slots to others however
//! many jobs one owner has queued and however long they take.

use sea_orm::Value;
use serde::Serialize;
use uuid::Uuid;

use super::DbError;
use super::batch::{Columns, Kind, parameter};
use super::dialect::Dialect;
use domain::UserId;

/// The share of an owner, and how much of it each owner uses.
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
    /// No limit.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            most: usize::MAX,
            held: Vec::new(),
        }
    }

    /// Whether a claim of `wanted` jobs could exceed the share of an owner.
    pub(super) fn could_be_exceeded(&self, wanted: usize) -> bool {
        let held = self.held.iter().map(|(_, jobs)| *jobs).max();
        held.unwrap_or_default().saturating_add(wanted) > self.most
    }

    /// The most jobs of one owner, as the database counts.
    pub(super) fn most(&self) -> i64 {
        i64::try_from(self.most).unwrap_or(i64::MAX)
    }

    /// Common table expressions that follow `candidates`: `foremost` orders candidates within the
    /// shares of their owners (`$9` and `$10`) before the others, which replace those that another
    /// claim has locked.
    pub(super) fn foremost(dialect: Dialect) -> String {
        format!(
            "held AS (SELECT x.owner_id, x.jobs FROM {}), \
             shared AS (SELECT candidates.id, candidates.turn, candidates.place, \
             candidates.turn <= $10 - COALESCE(held.jobs, 0) AS fits \
             FROM candidates LEFT JOIN held ON held.owner_id = candidates.owner_id), \
             foremost AS (SELECT * FROM (SELECT * FROM shared ORDER BY fits DESC, turn, place LIMIT 1024) bound \
             ORDER BY fits DESC, turn, place LIMIT $5 * $8)",
            dialect.rows(HELD).replace("$1", "$9"),
        )
    }

    /// `$9` and `$10`.
    pub(super) fn values(&self) -> Result<[Value; 2], DbError> {
        let row = |(owner, jobs): &(UserId, usize)| HeldRow {
            owner_id: owner.0,
            jobs: *jobs,
        };
        let held: Vec<_> = self.held.iter().map(row).collect();
        Ok([parameter(&held)?, self.most().into()])
    }
}
