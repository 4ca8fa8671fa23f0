//! Queues and jobs by name, and the feed that tells workers of new ones.
//!
//! The ledger in the database is the truth about jobs. A feed only makes them
//! quick: what it loses, the sweeper of a worker finds a moment later.

mod feed;
mod inprocess;
mod kind;
mod name;
mod redis;
mod state;
mod url;

pub use feed::{Awaited, Feed, FeedError, Hints, Listener, SettledStream};
pub use inprocess::InProcessFeed;
pub use kind::{JobKind, UnknownJobKind};
pub use name::{Queue, UnknownQueue};
pub use redis::RedisFeed;
pub use state::{JobState, UnknownJobState};
pub use url::{InvalidQueueUrl, QueueUrl};
