//! Whether the places belong to this ledger: both carry the same installation id. Checked at the
//! start of a process, by readiness, and before anything is destroyed.

mod guard;
mod place_state;

pub use guard::Ownership;
pub use place_state::{OwnershipError, PlaceState};
