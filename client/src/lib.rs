//! A client of the API of Dossier, typed and asynchronous.
//!
//! A [`Client`] speaks to one service with one key. It uploads documents of any size (in pieces that
//! survive broken connections above a limit), waits for what workers do, reads lists as streams, and
//! repeats requests where that is safe: each request that changes something carries an idempotency key
//! that all its tries share.
//!
//! ```no_run
//! # async fn upload() -> Result<(), client::Error> {
//! use client::{Client, NewDocument, Source};
//!
//! let client = Client::new("http://127.0.0.1:8080", "the key")?;
//! let source = Source::file("report.pdf").await?;
//! let document = client.upload(source, NewDocument::named("report.pdf")).await?;
//! let document = client.wait_for_document(document.id, client::PATIENCE).await?;
//! println!("{:?} {:?}", document.status, document.mime_type);
//! # Ok(())
//! # }
//! ```

mod api;
mod builder;
mod error;
mod http;
mod receipt_signature;
mod sign_in;
mod types;
mod upload;
mod webhook_signature;

#[cfg(test)]
mod tests;

pub use api::{Content, EventQuery, Items, PATIENCE};
pub use builder::{Client, ClientBuilder};
pub use error::Error;
pub use receipt_signature::ReceiptError;
pub use sign_in::DeviceSignIn;
pub use types::*;
pub use upload::{NewDocument, Source, Target, Transfer, Uploaded};
pub use uuid::Uuid;
pub use webhook_signature::{WebhookError, WebhookHeaders, WebhookSecret};
