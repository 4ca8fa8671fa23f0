//! The HTTP server: our own accept loop, because the library's doesn't limit what clients may hold
//! open.

mod accept;
mod activity;
mod comments;
mod connection;
mod connections;
mod edges;
mod endless;
mod exchange;
mod handover;
mod limits;
mod pace;
mod progress;
mod request_body;
mod response_body;
mod shared_socket;
mod socket;

pub use accept::serve;
pub use comments::{COMMENT_EVERY, SendsComments};
pub use exchange::Door;
pub use limits::ServerLimits;
pub use request_body::BodyStalled;
pub use response_body::SharedBody;

#[cfg(test)]
mod comment_tests;
#[cfg(test)]
mod edge_tests;
#[cfg(test)]
mod endless_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
