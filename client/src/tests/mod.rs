//! What can be tested of the client without a service.

mod description;
mod receipts;
mod signatures;
