//! Reads requests of Resumable Uploads for HTTP (draft-ietf-httpbis-resumable-upload): what a creation
//! asks for, and what a request appends. Writes nothing.

use domain::{DocumentId, MediaType, UploadProtocol};
use ledger::{NewUpload, Upload, UploadHeader, UploadPurpose};
use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::if_match::precondition;
use super::wanted_upload::{Wanted, announced, missing, refuse_joined};
use crate::problem::{Code, Problem};
use crate::resumable::{
    Append, Checking, Completeness, Concat, PARTIAL_UPLOAD, declared_length, is_of_type, number,
    piece_digest, whole_digest,
};
use crate::uploads::{NewDocument, QueryFields, is_form};

/// Returns what a creation asks for.
pub(super) fn wanted(
    headers: &HeaderMap,
    fields: QueryFields,
    document: Option<DocumentId>,
) -> Result<Wanted, Problem> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::content_encoding());
    }
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    let essence = declared.and_then(|media| media.split(';').next());
    let declared_type: Option<MediaType> = essence.and_then(|media| media.trim().parse().ok());
    if declared_type.as_ref().is_some_and(is_form) {
        let detail = "A form can't be uploaded in pieces; send the file itself.";
        return Err(Problem::from(Code::UnsupportedMediaType).with_detail(detail));
    }
    let identity = format!("{fields:?}\n{document:?}\n{declared:?}");
    let purpose = if let Some(document) = document {
        UploadPurpose::Version {
            document,
            precondition: precondition(headers),
            declared_type,
        }
    } else {
        let document = NewDocument::read(fields)?;
        UploadPurpose::Document {
            name: document.name,
            visibility: document.visibility,
            metadata: document.metadata,
            declared_type,
        }
    };
    Ok(Wanted {
        protocol: UploadProtocol::Ietf,
        expected: whole_digest(headers)?,
        said: UploadHeader::default(),
        concat: Concat::None,
        purpose,
        identity,
    })
}

/// Returns what a creation appends: its body, or nothing if that is all.
pub(super) fn first_append(request: &Request, new: &NewUpload) -> Result<Option<Append>, Problem> {
    let headers = request.headers();
    let ends = Completeness::read(headers) == Some(Completeness::Complete);
    if announced(headers) == Some(0) && !ends {
        return Ok(None);
    }
    Ok(Some(Append {
        whose: (new.owner, new.id),
        creates: true,
        offset: 0,
        announced: announced(headers),
        length: None,
        ends,
        checksum: content_digest(headers)?,
        traceparent: Append::trace_of(request),
    }))
}

/// Returns what a request appends, and whether that is the rest.
pub(super) fn append(
    request: &Request,
    upload: &Upload,
) -> Result<(Append, Completeness), Problem> {
    let headers = request.headers();
    refuse_joined(upload)?;
    if !is_of_type(headers, PARTIAL_UPLOAD) {
        let detail = "The Content-Type of appended bytes is application/partial-upload.";
        return Err(Problem::from(Code::UnsupportedMediaType).with_detail(detail));
    }
    let missing = || missing("Upload-Offset and Upload-Complete are required.");
    let offset = number(headers, "upload-offset")?.ok_or_else(missing)?;
    let said = Completeness::read(headers).ok_or_else(missing)?;
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::content_encoding());
    }
    let append = Append {
        whose: (upload.owner, upload.id),
        creates: false,
        offset,
        announced: announced(headers),
        length: declared_length(headers, offset, announced(headers))?,
        ends: said == Completeness::Complete,
        checksum: content_digest(headers)?,
        traceparent: Append::trace_of(request),
    };
    Ok((append, said))
}

/// The digest of a piece.
fn content_digest(headers: &HeaderMap) -> Result<Checking, Problem> {
    Ok(piece_digest(headers)?.map_or(Checking::None, Checking::Header))
}
