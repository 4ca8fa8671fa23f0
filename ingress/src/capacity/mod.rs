//! Capacity: the budgets that requests share, the shares of addresses and users, and back-pressure.

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
pub use budgets::{Capacity, CapacityLimits, FILES_OF_REQUEST, FILES_OF_STREAM};
pub use fair_budget::Taken;
pub use standing::{Patience, Standing};
pub use ticket::Ticket;
