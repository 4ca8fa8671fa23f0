//! Requests that are made to do harm.

mod requests;
mod reserved_names;
mod unstorable;
