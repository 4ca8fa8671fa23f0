//! Tickets for uploads without a key.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    ByteSize, DocumentName, Metadata, TicketId, TicketStatus, Timestamp, TypePattern, read_json,
};
use ledger::Ticket;
use poem_openapi::{Enum, Object};
use serde_json::Value;
use settings::{CorsOrigin, parse_duration};

use super::{DurationText, Id, Moment, NameText, OriginText, TypePatternText};
use crate::http::{Change, FromMembers, Members};

/// The status of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "TicketStatus", rename_all = "lowercase")]
pub enum TicketStatusBody {
    /// Uploads may begin.
    Open,
    /// It has no use left.
    Used,
    /// Its time is over; uploads that have begun may end.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A ticket.
#[derive(Debug, Object)]
#[oai(rename = "Ticket")]
pub struct TicketBody {
    /// Its id.
    pub id: Id<TicketId>,
    /// Where to upload: shown only when it is created.
    #[oai(nullable)]
    pub url: Option<String>,
    /// Its status.
    pub status: TicketStatusBody,
    /// How many uploads it was created for.
    pub uses: u32,
    /// How many are left.
    pub uses_left: u32,
    /// The most bytes of one.
    #[oai(nullable)]
    pub max_bytes: Option<u64>,
    /// The types that are allowed; all if empty.
    pub allowed_types: Vec<TypePatternText>,
    /// The name of the documents; `null` leaves it to the uploader.
    #[oai(nullable)]
    pub name: Option<String>,
    /// Their metadata.
    pub metadata: BTreeMap<String, Value>,
    /// The origin whose scripts may upload.
    #[oai(nullable)]
    pub cors_origin: Option<String>,
    /// When it was created.
    pub created_at: Moment,
    /// Until when uploads may begin.
    pub expires_at: Moment,
}

/// A page of tickets.
#[derive(Debug, Object)]
#[oai(rename = "TicketPage")]
pub struct TicketPageBody {
    /// The tickets, newest first.
    pub items: Vec<TicketBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// A request for a ticket.
#[derive(Debug, Object)]
#[oai(rename = "NewTicket")]
pub struct NewTicketBody {
    /// How many uploads it is for; 1 by default.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub uses: Option<u32>,
    /// Until when uploads may begin, such as `24h` (the default) or `30d`; a year at most.
    pub expires_in: Option<DurationText>,
    /// The most bytes of one, which are reserved from the quota for each use.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub max_bytes: Option<i64>,
    /// The types that are allowed, such as `image/*`; all by default.
    #[oai(validator(max_items = "100"))]
    pub allowed_types: Option<Vec<TypePatternText>>,
    /// The name of the documents; by default the uploader gives it.
    #[oai(nullable)]
    pub name: Option<NameText>,
    /// Their metadata.
    pub metadata: Option<BTreeMap<String, Value>>,
    /// The origin whose scripts may upload.
    #[oai(nullable)]
    pub cors_origin: Option<OriginText>,
}

/// What a new ticket is to allow.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// How many uploads.
    pub uses: u32,
    /// How long they may begin.
    pub expires_in: Duration,
    /// The most bytes of one.
    pub max_bytes: Option<ByteSize>,
    /// The allowed types.
    pub allowed_types: Vec<TypePattern>,
    /// The name of the documents.
    pub name: Option<DocumentName>,
    /// Their metadata.
    pub metadata: Metadata,
    /// The origin whose scripts may upload; `*` for any.
    pub cors_origin: Option<String>,
}

/// The most uses of a ticket.
const MOST_USES: u64 = 10_000;

/// The most types that a ticket names.
const MOST_TYPES: usize = 100;

/// The longest time of a ticket.
const LONGEST: Duration = Duration::from_hours(365 * 24);

impl FromMembers for NewTicket {
    type Schema = NewTicketBody;

    fn take(members: &mut Members) -> Option<Self> {
        let uses = members.change_with("uses", |value| {
            let uses = value.as_u64().filter(|uses| (1..=MOST_USES).contains(uses));
            let uses = uses.and_then(|uses| u32::try_from(uses).ok());
            uses.ok_or("must be a whole number from 1 to 10000")
        });
        let uses = members.not_null("uses", uses);
        let expires_in = members.change_with("expires_in", |value| duration(&value));
        let expires_in = members.not_null("expires_in", expires_in);
        let max_bytes = members.change_with("max_bytes", |value| {
            let bytes = value.as_u64().filter(|bytes| i64::try_from(*bytes).is_ok());
            bytes
                .map(ByteSize::new)
                .ok_or("must be a whole number that is not negative")
        });
        let allowed_types = members.change_with("allowed_types", |value| types(&value));
        let allowed_types = members.not_null("allowed_types", allowed_types);
        let name: Change<DocumentName> = members.change("name");
        let metadata = members.change_with("metadata", |value| {
            Metadata::try_from(value).map_err(|error| error.to_string())
        });
        let metadata = members.not_null("metadata", metadata);
        let cors_origin: Change<CorsOrigin> = members.change("cors_origin");
        Some(Self {
            uses: uses.unwrap_or(1),
            expires_in: expires_in.unwrap_or(Duration::from_hours(24)),
            max_bytes: max_bytes.value(),
            allowed_types: allowed_types.unwrap_or_default(),
            name: name.value(),
            metadata: metadata.unwrap_or_default(),
            cors_origin: cors_origin.value().map(|origin| match origin {
                CorsOrigin::Any => "*".to_owned(),
                CorsOrigin::One(origin) => origin,
            }),
        })
    }
}

fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.as_str().ok_or("must be a string")?;
    let duration = parse_duration(text)?;
    if duration.is_zero() || duration > LONGEST {
        return Err("must be more than nothing, and a year at most".to_owned());
    }
    Ok(duration)
}

fn types(value: &Value) -> Result<Vec<TypePattern>, String> {
    let list = value.as_array().filter(|list| list.len() <= MOST_TYPES);
    let list = list.ok_or("must be an array of at most 100 types")?;
    let pattern = |value: &Value| {
        let text = value.as_str().ok_or("must be strings")?;
        text.parse::<TypePattern>()
            .map_err(|error| error.to_string())
    };
    list.iter().map(pattern).collect()
}

impl TicketBody {
    /// A ticket at `now`; `url` is known only when it is created.
    pub fn of(ticket: Ticket, url: Option<String>, now: Timestamp) -> Self {
        let status = match ticket.status(now) {
            TicketStatus::Open => TicketStatusBody::Open,
            TicketStatus::Used => TicketStatusBody::Used,
            TicketStatus::Expired => TicketStatusBody::Expired,
            TicketStatus::Revoked => TicketStatusBody::Revoked,
        };
        let metadata = serde_json::to_vec(&ticket.metadata).unwrap_or_default();
        let types = ticket.allowed_types.iter();
        Self {
            id: Id(ticket.id),
            url,
            status,
            uses: ticket.uses,
            uses_left: ticket.uses_left,
            max_bytes: ticket.max_bytes.map(ByteSize::bytes),
            allowed_types: types
                .map(|pattern| TypePatternText(pattern.to_string()))
                .collect(),
            name: ticket.name.map(|name| name.to_string()),
            metadata: read_json(&metadata).unwrap_or_default(),
            cors_origin: ticket.cors_origin,
            created_at: Moment(ticket.created_at),
            expires_at: Moment(ticket.expires_at),
        }
    }
}
