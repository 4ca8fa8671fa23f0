//! What all requests of a process share, and how much of it one address or one user may have.

mod account;
mod budgets;
mod fair_budget;
mod ticket;

pub use account::Account;
pub use budgets::{Capacity, CapacityLimits};
pub use fair_budget::Taken;
pub use ticket::Ticket;
