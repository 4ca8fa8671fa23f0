//! The resources of the API, as methods of the client.

mod account;
mod content;
mod documents;
mod events;
mod items;
mod jobs;
mod keys;
mod operations;
mod service;
mod storage;
mod tickets;
mod uploads;
mod users;
mod versions;
mod wait;
mod webhooks;

pub use content::Content;
pub use events::EventQuery;
pub use items::Items;
pub use wait::PATIENCE;
