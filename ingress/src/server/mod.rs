//! The HTTP server: our own accept loop, because the library's sets no bound on what a client may hold open.

mod accept;
mod activity;
mod connection;
mod limits;
mod request_body;
mod response_body;
mod socket;

pub use accept::serve;
pub use limits::ServerLimits;
pub use request_body::BodyStalled;

#[cfg(test)]
mod tests;
