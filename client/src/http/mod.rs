//! HTTP: requests, retries, answers. Knows no resource.

mod answer;
mod body;
mod call;
mod pause;
mod send;
mod transport;

pub(crate) use answer::{Answer, read_json};
pub(crate) use body::{Body, Moved, counted, whole};
pub(crate) use call::{Call, IDEMPOTENCY_KEY};
pub(crate) use pause::pause;
pub(crate) use transport::Transport;
