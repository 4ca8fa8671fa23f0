//! The words of the command line.

mod documents;
mod put;
mod root;
mod select;
mod webhook;

pub use documents::{Cat, Edit, Export, Get, Import, List, Receipt, Show, Versions};
pub use put::Put;
pub use root::{Cli, Command, Login, OperationCommand, TicketCommand, Watch};
pub use select::{Filters, Selected, pairs, selection};
pub use webhook::WebhookCommand;
