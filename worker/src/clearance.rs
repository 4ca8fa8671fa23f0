//! Whether bytes may be destroyed: asked right before each cleanup that does, so that a place which
//! isn't this installation's any more loses nothing. Operators are told of each refusal.

use domain::Share;
use ledger::ownership::{Ownership, OwnershipError};
use queue::JobKind;
use telemetry::{Meters, Stop};
use tracing::error;
use url::Url;

/// So many objects may be left behind whatever their share is. In staging there is hardly anything
/// else, and nobody was ever told that it would be kept.
pub const FEW_STORED: u64 = 50;

/// The same of a place where uploads are staged alone.
pub const FEW_STAGED: u64 = 1_000;

/// The door to that question.
#[derive(Clone, Debug)]
pub struct Clearance {
    /// Whose the places are.
    pub ownership: Ownership,
    /// Where refusals are counted.
    pub meters: Meters,
}

/// What a cleanup would take of a place.
#[derive(Clone, Debug)]
pub struct Taking<'a> {
    /// The place.
    pub place: &'a Url,
    /// How many objects it has.
    pub listed: u64,
    /// How many of them would go, those that are on their way already included.
    pub strays: u64,
    /// So many go without a question.
    pub few: u64,
}

impl Taking<'_> {
    /// Whether that is more than anybody expects.
    #[must_use]
    pub fn is_too_much(&self, share: Share) -> bool {
        self.strays > self.few && share.is_passed_by(self.strays, self.listed)
    }
}

impl Clearance {
    /// Whether the places are ours. An error says that it can't be told now.
    pub async fn is_given(&self, kind: JobKind) -> Result<bool, OwnershipError> {
        match self.ownership.verify().await {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.is_refusal() => {
                self.meters.stopped(kind, Stop::Mark);
                error!(
                    job.kind = %kind,
                    error = &refusal as &dyn std::error::Error,
                    "nothing is removed from a place that isn't this installation's"
                );
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a cleanup may take so much.
    pub fn is_given_for(&self, kind: JobKind, taking: &Taking<'_>, share: Share) -> bool {
        if !taking.is_too_much(share) {
            return true;
        }
        self.meters.stopped(kind, Stop::Share);
        error!(
            job.kind = %kind,
            storage.place = %taking.place,
            objects = taking.listed,
            strays = taking.strays,
            allowed = %share,
            "nothing is removed: too many objects of a place have no row; see `dossier audit`, and \
             DOSSIER_MAX_SWEEP_SHARE if that is right"
        );
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_may_go_and_a_small_share_of_many() {
        let place = "file:///store/".parse().unwrap();
        let is_too_much = |strays, listed| {
            let taking = Taking {
                place: &place,
                listed,
                strays,
                few: FEW_STORED,
            };
            taking.is_too_much(Share::percent(10))
        };
        assert!(!is_too_much(50, 50));
        assert!(is_too_much(51, 51));
        assert!(is_too_much(51, 509));
        assert!(!is_too_much(51, 510));
        assert!(is_too_much(1_001, 10_000));
    }
}
