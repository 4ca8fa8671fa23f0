//! The resources of the API, as methods of the client.

mod account;
mod content;
mod documents;
mod events;
mod items;
mod operations;
mod tickets;
mod uploads;
mod versions;
mod wait;
mod webhooks;

pub use content::Content;
pub use events::EventQuery;
pub use items::Items;
pub use wait::PATIENCE;
