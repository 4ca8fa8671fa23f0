//! The words of the command line.

mod documents;
mod put;
mod root;
mod select;
mod service;
mod user;
mod values;
mod webhook;

pub use documents::{Cat, Edit, Export, Get, Import, List, Receipt, Show, Timeline, Versions};
pub use put::Put;
pub use root::{Cli, Command, Login, OperationCommand, TicketCommand, UploadCommand, Usage, Watch};
pub use select::{Filters, Selected, pairs, selection};
pub use service::{AuditLog, JobCommand, Jobs, QueueCommand, StorageCommand};
pub use user::{EditUser, KeyCommand, KeyOwner, NewUser, UserCommand};
pub use values::{Owner, Quota, size};
pub use webhook::WebhookCommand;
