//! Begins uploads with a ticket, and receives those that come in one request. Called by the door, which
//! has judged the ticket.

use std::sync::Arc;

use domain::{ByteSize, DocumentName, Metadata, UploadId, UploadProtocol, Visibility};
use ledger::{
    Completed, FinishedUpload, NewUpload, ReceivedContent, Ticket, Upload as Row, UploadError,
    UploadHeader, UploadPurpose, complete_upload, create_upload,
};
use poem::http::HeaderMap;

use crate::dto::TicketDocumentBody;
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

/// Receives an upload in one request. It takes a use of the ticket first, so that no two share one.
pub(super) async fn receive(
    sessions: &UploadSessions,
    ticket: &Ticket,
    (name, body): (Option<String>, Upload),
    traceparent: Option<String>,
) -> Result<TicketDocumentBody, Problem> {
    let service = &sessions.service;
    let body = body.limited(ticket.max_bytes)?;
    let given = ticket.name.as_ref().map(ToString::to_string).or(name);
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
    let upload = create_upload(&service.db, &new, &service.limits).await?;
    let received = match stage(sessions, &upload, (given, body)).await {
        Ok(received) => complete(sessions, (ticket, &upload), received, traceparent).await,
        Err(problem) => Err(problem),
    };
    if received.is_err() {
        let whose = (upload.owner, upload.id);
        sessions.give_up(whose, Some(upload.fence)).await;
    }
    received
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
    traceparent: Option<String>,
) -> Result<TicketDocumentBody, Problem> {
    let service = &sessions.service;
    let document = received.fields.into_new_document()?;
    let is_plain = document.visibility == Visibility::Private { unique_name: None };
    if !is_plain || document.metadata != Metadata::default() {
        let detail = "is the ticket's to say";
        return Err(Problem::invalid_field("/metadata", detail));
    }
    let staged = received.bytes.staged();
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
    match complete_upload(&service.db, &service.limits, &done).await {
        Ok(Completed::Became(became, job)) => {
            received.bytes.keep();
            service.meters.took_in(size);
            sessions.announce(job);
            Ok(TicketDocumentBody::pending(became.document, &named, size))
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
