//! Queues and kinds of jobs by name, and the feed that notifies workers of new jobs.
//!
//! The ledger in the database is the source of truth for jobs. A feed only reduces latency: workers
//! find what it loses by polling.

mod feed;
mod inprocess;
mod kind;
mod name;
mod payload;
mod postgres;
mod postgres_listener;
mod redis;
mod schedule;
mod state;
mod url;

pub use feed::{Awaited, Feed, FeedError, Hints, Listener, SettledStream};
pub use inprocess::InProcessFeed;
pub use kind::{JobKind, UnknownJobKind};
pub use name::{Queue, UnknownQueue};
pub use postgres::{Hearing, PostgresFeed};
pub use redis::{RedisFeed, RedisUrl};
pub use schedule::Schedule;
pub use state::{JobState, UnknownJobState};
pub use url::{InvalidQueueUrl, QueueUrl};
