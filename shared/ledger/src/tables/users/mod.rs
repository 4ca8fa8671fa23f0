//! The table `users`: accounts, their limits, and counters of what is charged to them.
//!
//! - The primary key finds a user, and pages the list of users.
//! - `UNIQUE (name)` keeps names apart, and finds the user that an operator names.
//! - `users_with_discards` finds those who are charged for bytes that wait to be removed.

mod charges;
mod counters;
mod event_floors;
mod locks;
mod quota;
mod row;
mod writes;

pub use charges::{Charge, Charges, charge};
pub use counters::{COUNTERS, recount};
pub use event_floors::{EventFloor, raise_event_floors};
pub use locks::lock;
pub use quota::{QuotaCharge, StagingCharge, charge_quota, charge_staging};
pub use row::{Column, Entity, Model};
pub use writes::{clear_discarded, delete, insert, insert_admin, mark_removed, update};
