//! Begins uploads with a ticket, and receives those that come in one request. Called by the door, which
//! has judged the ticket.

use std::sync::Arc;

use domain::{ByteSize, DocumentName, MediaType, Metadata, UploadId, UploadProtocol, Visibility};
use ledger::{
    Completed, FinishedUpload, NewUpload, ReceivedContent, Ticket, Upload as Row, UploadError,
    UploadHeader, UploadPurpose, complete_upload, create_upload,
};
use poem::http::HeaderMap;
use serde_json::json;
use storage::{Staged, Writer};

use super::ticket_page::Reply;
use super::upload_answer::settled_by;
use crate::dto::TicketDocumentBody;
use crate::idempotency::{Begun, KeyedUpload, Replayable, Turn};
use crate::problem::{Code, Problem};
use crate::resumable::{Concat, Length, UploadMetadata, UploadSessions, text};
use crate::service::Service;
use crate::uploads::{Bounds, Destination, Purpose, QueryFields, Received, Upload};

/// The name of a document whose uploader gave none and whose form hasn't come yet.
const UNNAMED: &str = "upload";

/// Returns the resumable upload that a request creates.
pub(super) fn new_upload(
    service: &Service,
    ticket: &Ticket,
    headers: &HeaderMap,
) -> Result<NewUpload, Problem> {
    if Concat::read(text(headers, "upload-concat")?)? != Concat::None {
        let detail = "A ticket's uploads can't be joined.";
        return Err(Problem::from(Code::BadRequest).with_detail(detail));
    }
    let max = service.limits.max_document;
    let max = ticket.max_bytes.map_or(max, |most| most.min(max));
    let length = Length::read(headers, max)?.known();
    let said = UploadHeader {
        metadata: text(headers, "upload-metadata")?.to_owned(),
        concat: String::new(),
    };
    let read = UploadMetadata::read(&said.metadata)?;
    let purpose = read.of_ticket(ticket.name.clone(), ticket.metadata.clone())?;
    Ok(NewUpload {
        said,
        length,
        ..of_ticket(service, ticket, purpose)?
    })
}

/// An upload of unknown length.
fn of_ticket(
    service: &Service,
    ticket: &Ticket,
    purpose: UploadPurpose,
) -> Result<NewUpload, Problem> {
    let at = service.clock.now();
    Ok(NewUpload {
        id: UploadId::new(at),
        owner: ticket.owner,
        protocol: UploadProtocol::Tus,
        purpose,
        said: UploadHeader::default(),
        length: None,
        expected: None,
        growing: service.places.grow(at)?,
        joins: None,
        ticket: Some(ticket.id),
        max_bytes: ticket.max_bytes.map(ByteSize::bytes),
        at,
    })
}

/// An upload in one request.
pub(super) struct Sent {
    /// The name in its URL.
    pub(super) name: Option<String>,
    /// Its body.
    pub(super) body: Upload,
    /// The W3C trace context.
    pub(super) traceparent: Option<String>,
    /// Its key, if it has one.
    pub(super) keyed: KeyedUpload,
    /// How it is answered.
    pub(super) reply: Reply,
}

/// Receives an upload in one request. It takes a use of the ticket first, so that no two share one; a
/// repetition takes none.
pub(super) async fn receive(
    sessions: &UploadSessions,
    ticket: &Ticket,
    sent: Sent,
) -> Result<Replayable<TicketDocumentBody>, Problem> {
    let service = &sessions.service;
    let body = sent.body.limited(ticket.max_bytes)?;
    let given = ticket.name.as_ref().map(ToString::to_string);
    let given = given.or(sent.name);
    if sent.keyed.came_before() {
        return repeated(sessions, ticket, (given, body), &sent.keyed).await;
    }
    let unnamed = given.as_deref().unwrap_or(UNNAMED).parse();
    let unnamed: DocumentName = unnamed.map_err(|error| Problem::invalid_field("name", error))?;
    let purpose = UploadPurpose::Document {
        name: unnamed,
        visibility: Visibility::Private { unique_name: None },
        metadata: ticket.metadata.clone(),
        declared_type: None,
    };
    let new = of_ticket(service, ticket, purpose)?;
    sessions.admit(ticket.owner, &new.purpose).await?;
    if sent.keyed.hold().await? == Turn::Repeated {
        return repeated(sessions, ticket, (given, body), &sent.keyed).await;
    }
    let upload = create_upload(&service.db, &new, &service.limits).await?;
    let received = match stage(sessions, &upload, (given, body)).await {
        Ok(received) => {
            let how = (sent.keyed, sent.reply, sent.traceparent);
            complete(sessions, (ticket, &upload), received, how).await
        }
        Err(problem) => Err(problem),
    };
    if received.is_err() {
        let whose = (upload.owner, upload.id);
        sessions.give_up(whose, Some(upload.fence)).await;
    }
    received.map(Replayable::New)
}

/// Receives a repetition, and answers it as the request before. Its bytes are compared, and removed.
async fn repeated(
    sessions: &UploadSessions,
    ticket: &Ticket,
    (name, body): (Option<String>, Upload),
    keyed: &KeyedUpload,
) -> Result<Replayable<TicketDocumentBody>, Problem> {
    let _repetition = keyed.repeat()?;
    let in_flight = sessions.intake.in_flight();
    let bounds = Bounds {
        quota: u64::MAX,
        quota_limit: u64::MAX,
        staging: in_flight.room(ticket.owner).await?.staging,
    };
    let to = Destination {
        places: sessions.service.places.clone(),
        writer: Writer::Tickets(ticket.owner),
        now: sessions.service.clock.now(),
        patience: sessions.service.server.upload,
        held: in_flight
            .begin(ticket.owner, body.declared_size(), bounds)
            .await?,
        inline: None,
    };
    let fields = QueryFields {
        name,
        ..QueryFields::default()
    };
    let received = body.receive(Purpose::Document(fields), &to).await?;
    let document = received.fields.into_new_document()?;
    let staged = received.bytes.staged();
    let declared = received.declared_type.as_ref();
    let identity = || identity(ticket, &document.name, (declared, staged));
    match keyed.begin(identity).await? {
        Begun::Replay(replay) => Ok(Replayable::Replayed(replay)),
        // The request before has just left it, and the body is read.
        Begun::First(_) => Err(Code::IdempotencyInProgress.into()),
    }
}

/// What makes an upload the same as another.
fn identity(
    ticket: &Ticket,
    name: &DocumentName,
    (declared, staged): (Option<&MediaType>, &Staged),
) -> String {
    json!({
        "name": ticket.name.as_ref().unwrap_or(name).to_string(),
        "declared_type": declared.map(MediaType::as_str),
        "sha256": staged.sha256,
        "size": staged.size,
    })
    .to_string()
}

/// Streams the bytes into staging, within what the owner's quota has left beside what is reserved for
/// this upload.
async fn stage(
    sessions: &UploadSessions,
    upload: &Row,
    (name, body): (Option<String>, Upload),
) -> Result<Received, Problem> {
    let service = &sessions.service;
    let (in_flight, size) = (sessions.intake.in_flight(), body.declared_size());
    let room = in_flight.room(upload.owner).await?;
    let bounds = Bounds {
        quota: room.bytes.saturating_add(upload.reserved),
        quota_limit: room.byte_limit,
        staging: room.staging,
    };
    if size.bytes() > bounds.quota {
        return Err(Code::QuotaExceeded.into());
    }
    let to = Destination {
        places: service.places.clone(),
        writer: upload.writer(),
        now: service.clock.now(),
        patience: service.server.upload,
        held: in_flight.begin(upload.owner, size, bounds).await?,
        inline: sessions.intake.inline().take(size).map(Arc::new),
    };
    let fields = QueryFields {
        name,
        ..QueryFields::default()
    };
    body.receive(Purpose::Document(fields), &to).await
}

/// Makes the received bytes a document.
async fn complete(
    sessions: &UploadSessions,
    (ticket, upload): (&Ticket, &Row),
    received: Received,
    (keyed, reply, traceparent): (KeyedUpload, Reply, Option<String>),
) -> Result<TicketDocumentBody, Problem> {
    let service = &sessions.service;
    let document = received.fields.into_new_document()?;
    let is_plain = document.visibility == Visibility::Private { unique_name: None };
    if !is_plain || document.metadata != Metadata::default() {
        let detail = "is the ticket's to say";
        return Err(Problem::invalid_field("/metadata", detail));
    }
    let staged = received.bytes.staged();
    let declared = received.declared_type.as_ref();
    let told = || identity(ticket, &document.name, (declared, staged));
    let idempotent = match keyed.begin(told).await? {
        Begun::First(idempotent) => idempotent.open_until(settled_by(service, reply.wait)),
        Begun::Replay(_) => return Err(Code::IdempotencyInProgress.into()),
    };
    let named = ticket.name.clone().unwrap_or(document.name);
    let done = FinishedUpload {
        id: upload.id,
        fence: upload.fence,
        staged: staged.url.clone(),
        content: Some(ReceivedContent {
            size: staged.size,
            sha256: staged.sha256,
            body: staged.body.clone(),
            declared_type: received.declared_type,
            name: Some(named.clone()),
        }),
        traceparent,
        at: service.clock.now(),
    };
    let size = staged.size;
    let pending = TicketDocumentBody::pending(upload.id.into(), &named, size);
    let accepted = pending.clone();
    let on = idempotent.on(&service.db, move |_: Completed| {
        reply.accepted(accepted.clone())
    });
    match complete_upload(&on, &service.limits, &done).await {
        Ok(Completed::Became(_, job)) => {
            received.bytes.keep();
            service.meters.took_in(size);
            sessions.announce(job);
            Ok(pending)
        }
        Ok(Completed::Before(_) | Completed::Part) => Err(Problem::internal(
            "an upload with a ticket was completed by somebody else",
        )),
        Err(error) => {
            if matches!(&error, UploadError::Database(error) if error.may_be_committed()) {
                // A row may refer to them. If none does, the cleanup finds that out.
                received.bytes.keep();
            }
            Err(error.into())
        }
    }
}
