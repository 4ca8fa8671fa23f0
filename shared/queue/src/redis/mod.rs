//! Hints over Redis: streams for jobs, publish/subscribe for what has settled.

mod commands;
mod connection;
mod feed;
mod listener;
mod servers;
mod url;

pub use feed::RedisFeed;
pub use url::RedisUrl;
