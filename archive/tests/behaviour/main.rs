//! Archives from outside: what is written can be read, by us and by others, and what
//! was made to deceive is found out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails may panic, in its fixtures as well"
)]

mod fixtures;
mod hostile;
mod large;
mod other_programs;
mod round_trip;
