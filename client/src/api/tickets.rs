//! Tickets: uploads by somebody without a key.

use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{NewTicket, Ticket};
use crate::{Client, Error};

impl Client {
    /// Makes a ticket. Its URL, with the secret, is told this once.
    pub async fn make_ticket(&self, ticket: &NewTicket) -> Result<Ticket, Error> {
        self.ask(Call::post(&["v1", "tickets"]).json(ticket)).await
    }

    /// The tickets, the newest first.
    #[must_use]
    pub fn tickets(&self) -> Items<Ticket> {
        self.items(Call::get(&["v1", "tickets"]))
    }

    /// A ticket.
    pub async fn ticket(&self, id: Uuid) -> Result<Ticket, Error> {
        self.ask(Call::get(&["v1", "tickets", &id.to_string()]))
            .await
    }

    /// Revokes a ticket at once.
    pub async fn revoke_ticket(&self, id: Uuid) -> Result<(), Error> {
        let call = Call::delete(&["v1", "tickets", &id.to_string()]);
        self.send(call).await.map(drop)
    }
}
