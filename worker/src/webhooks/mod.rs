//! Deliveries to webhooks: who has something to deliver, what is sent, and how it went.

mod body;
mod deliver;
mod dispatcher;
mod outgoing;
mod sender;

pub use deliver::deliver_webhook;
pub use dispatcher::dispatch;
pub use sender::{Sender, delivering};
