//! Reads requests of tus 1.0.0, <https://tus.io/protocols/resumable-upload>: what a creation asks for,
//! and what a request appends. Writes nothing.

use domain::UploadProtocol;
use ledger::{NewUpload, Upload, UploadHeader, UploadPurpose};
use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::if_match::precondition;
use super::wanted_upload::{Wanted, announced, missing, refuse_joined};
use crate::problem::{Code, Problem};
use crate::resumable::{
    Append, Checking, Concat, Expected, UploadMetadata, is_of_type, number, text,
};

/// The media type of appended bytes.
const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// Returns what a creation asks for.
pub(super) fn wanted(headers: &HeaderMap) -> Result<Wanted, Problem> {
    let metadata = text(headers, "upload-metadata")?.to_owned();
    let said = UploadHeader {
        concat: text(headers, "upload-concat")?.to_owned(),
        metadata,
    };
    let concat = Concat::read(&said.concat)?;
    let read = UploadMetadata::read(&said.metadata)?;
    let purpose = match concat {
        Concat::Partial => UploadPurpose::Part,
        Concat::None | Concat::Final(_) => read.purpose(precondition(headers))?,
    };
    let length = text(headers, "upload-length")?;
    Ok(Wanted {
        protocol: UploadProtocol::Tus,
        expected: None,
        identity: format!("{}\n{}\n{length}", said.metadata, said.concat),
        said,
        concat,
        purpose,
    })
}

/// Returns what a creation appends: its body, or nothing to an upload of nothing, which ends with it.
pub(super) fn first_append(request: &Request, new: &NewUpload) -> Result<Option<Append>, Problem> {
    let headers = request.headers();
    let has_body = headers.contains_key(CONTENT_TYPE) && announced(headers) != Some(0);
    if has_body {
        check_media_type(headers)?;
    } else if new.length != Some(0) {
        return Ok(None);
    }
    Ok(Some(Append {
        whose: (new.owner, new.id),
        creates: true,
        offset: 0,
        announced: announced(headers),
        length: None,
        ends: false,
        checksum: checksum(headers)?,
        traceparent: Append::trace_of(request),
    }))
}

/// Returns what a request appends.
pub(super) fn append(request: &Request, upload: &Upload) -> Result<Append, Problem> {
    let headers = request.headers();
    refuse_joined(upload)?;
    check_media_type(headers)?;
    let offset = number(headers, "upload-offset")?;
    Ok(Append {
        whose: (upload.owner, upload.id),
        creates: false,
        offset: offset.ok_or_else(|| missing("Upload-Offset is required."))?,
        announced: announced(headers),
        length: number(headers, "upload-length")?,
        ends: false,
        checksum: checksum(headers)?,
        traceparent: Append::trace_of(request),
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::content_encoding());
    }
    if is_of_type(headers, OFFSET_STREAM) {
        return Ok(());
    }
    let detail = "The Content-Type of appended bytes is application/offset+octet-stream.";
    Err(Problem::from(Code::UnsupportedMediaType).with_detail(detail))
}

fn checksum(headers: &HeaderMap) -> Result<Checking, Problem> {
    let field = text(headers, "upload-checksum")?;
    if headers.contains_key("upload-checksum") {
        return Ok(Checking::Header(Expected::read(field)?));
    }
    let trailer = headers.get_all("trailer").iter();
    let mut names = trailer
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','));
    if names.any(|name| name.trim().eq_ignore_ascii_case("upload-checksum")) {
        return Ok(Checking::Trailer);
    }
    Ok(Checking::None)
}
