//! Whose bytes are whose.

mod ledgers;
mod marks;
mod sweeps;
