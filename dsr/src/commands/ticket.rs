//! Tickets: uploads by somebody without a key.

use std::fmt::Write as _;

use client::{NewTicket, Ticket};
use futures::TryStreamExt as _;

use crate::cli::{TicketCommand, pairs};
use crate::failure::Failure;
use crate::output::{Column, Table, moment, size};
use crate::session::Session;

const COLUMNS: [Column; 5] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::number("LEFT"),
    Column::text("EXPIRES (UTC)").whole(),
    Column::text("NAME").whole(),
];

/// Runs one of the commands.
pub async fn ticket(session: &Session<'_>, command: TicketCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        TicketCommand::New { .. } => {
            let made = client.make_ticket(&wanted(command)?).await?;
            let url = made.url.as_deref().unwrap_or_default();
            let url = client.url().join(url);
            let url = url.map(|url| url.to_string()).unwrap_or_default();
            screen.result(&made, &url)?;
            let until = moment(made.expires_at);
            screen.note(&format!(
                "Whoever has this address may upload {} until {until} UTC. It isn't shown again.",
                match made.uses {
                    1 => "one document".to_owned(),
                    uses => format!("{uses} documents"),
                }
            ));
            Ok(())
        }
        TicketCommand::Ls => list(session).await,
        TicketCommand::Show { id } => {
            let ticket = client.ticket(id).await?;
            screen.result(&ticket, &describe(&ticket))
        }
        TicketCommand::Revoke { id } => {
            client.revoke_ticket(id).await?;
            let revoked = serde_json::json!({"id": id, "revoked": true});
            screen.result(&revoked, &format!("{id}  revoked"))
        }
    }
}

/// The ticket that the options describe.
fn wanted(command: TicketCommand) -> Result<NewTicket, Failure> {
    let TicketCommand::New {
        uses,
        expires_in,
        max_bytes,
        types,
        name,
        metadata,
        cors_origin,
    } = command
    else {
        return Ok(NewTicket::default());
    };
    let metadata = pairs(&metadata)?;
    Ok(NewTicket {
        uses: Some(uses),
        expires_in,
        max_bytes,
        allowed_types: (!types.is_empty()).then_some(types),
        name,
        metadata: (!metadata.is_empty()).then_some(metadata),
        cors_origin,
    })
}

async fn list(session: &Session<'_>) -> Result<(), Failure> {
    let screen = session.screen;
    let mut table = Table::new(&COLUMNS);
    let mut tickets = session.client.tickets();
    while let Some(ticket) = tickets.try_next().await? {
        if screen.is_json() {
            screen.result(&ticket, "")?;
            continue;
        }
        table.row(vec![
            ticket.id.to_string(),
            status(&ticket),
            format!("{}/{}", ticket.uses_left, ticket.uses),
            moment(ticket.expires_at),
            ticket.name.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    if table.is_empty() {
        screen.note("There are no tickets.");
        return Ok(());
    }
    screen.table(&table)
}

fn describe(ticket: &Ticket) -> String {
    let mut text = format!(
        "{}  {}  {} of {} uses left, until {} UTC",
        ticket.id,
        status(ticket),
        ticket.uses_left,
        ticket.uses,
        moment(ticket.expires_at),
    );
    if let Some(most) = ticket.max_bytes {
        let _ = write!(text, ", at most {}", size(most));
    }
    text
}

fn status(ticket: &Ticket) -> String {
    format!("{:?}", ticket.status).to_lowercase()
}
