//! Tickets: uploads by somebody without a key, as the ticket's owner and within its limits.

mod change;
mod find;
mod ticket;
mod uses;

pub use change::{TicketError, create_ticket, expire_tickets, forget_tickets, revoke_ticket};
pub use find::{find_ticket, find_ticket_by_secret, is_of_ticket, list_tickets};
pub use ticket::Ticket;
pub(crate) use ticket::read_types;
pub(crate) use uses::{give_back, has_uses, take_use};
