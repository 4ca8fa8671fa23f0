//! What all requests of a process share, how much of it one address or one user may have, and when
//! uploads are refused.

mod account;
mod back_pressure;
mod budgets;
mod fair_budget;
mod known_tokens;
mod process;
mod queue_turns;
mod standing;
mod ticket;

pub use account::Account;
pub use back_pressure::Pressure;
pub use budgets::{Capacity, CapacityLimits};
pub use fair_budget::Taken;
pub use standing::{Patience, Standing};
pub use ticket::Ticket;
