//! The OpenAPI document: additions that the library can't derive from the routes' types.

mod examples;
mod idempotency_keys;
mod merge;
mod problems;
mod request_fields;
mod security;
mod strict;
mod tags;
mod tus;
mod version_31;

pub use examples::add_examples;
pub use idempotency_keys::document_keys;
pub use merge::MergedPaths;
pub(crate) use problems::problem_sets;
pub use problems::{Documented, ProblemSet};
pub use request_fields::document_request_fields;
pub use security::document_sessions;
pub use strict::make_strict;
pub use tags::{Group, order_groups};
pub use tus::document_tus;
pub use version_31::in_version_31;
