//! Resumable Uploads for HTTP of the IETF (draft-ietf-httpbis-resumable-upload, interop version 8): its
//! header fields, and the creation of an upload by a request for a document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{ByteSize, DocumentId, Sha256, Timestamp};
use poem::http::header::{CONTENT_DISPOSITION, HeaderMap, HeaderValue};
use poem::http::{Method, Uri};
use poem::{Endpoint, Request, Response, Result};

use super::checksum::Expected;
use super::fields::{number, text};
use crate::problem::{Code, Problem};

/// The media type of appended bytes.
pub const PARTIAL_UPLOAD: &str = "application/partial-upload";

/// Whether a request has the last bytes of its upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// `?1`
    Complete,
    /// `?0`
    Incomplete,
}

impl Completeness {
    /// Reads `Upload-Complete`. A value that is no boolean is as good as none; parameters of one mean
    /// nothing (RFC 9651).
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let field = headers.get("upload-complete")?.to_str().ok()?;
        match field.split(';').next()?.trim() {
            "?1" => Some(Self::Complete),
            "?0" => Some(Self::Incomplete),
            _ => None,
        }
    }

    /// Returns the value of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "?1",
            Self::Incomplete => "?0",
        }
    }
}

/// Returns `Upload-Limit` of an upload that expires at `expires_at`, or of one to be created.
pub fn limit(max: ByteSize, now: Timestamp, expires_at: Option<Timestamp>) -> String {
    let size = format!("max-size={}", max.bytes());
    match expires_at {
        None => size,
        Some(at) => format!("{size}, max-age={}", at.since(now).as_secs()),
    }
}

/// Returns all bytes of the upload as a request declares them: in `Upload-Length`, which is as good as
/// none if it is no number, or by the length of the last piece.
pub fn declared_length(
    headers: &HeaderMap,
    offset: u64,
    announced: Option<u64>,
) -> Result<Option<u64>, Problem> {
    let declared = number(headers, "upload-length").unwrap_or_default();
    let implied = match Completeness::read(headers) {
        Some(Completeness::Complete) => announced.and_then(|more| offset.checked_add(more)),
        _ => None,
    };
    match (declared, implied) {
        (Some(declared), Some(implied)) if declared != implied => {
            let detail = "Upload-Length contradicts the length of the last bytes.";
            Err(Problem::from(Code::BadRequest).with_detail(detail))
        }
        (declared, implied) => Ok(declared.or(implied)),
    }
}

/// Refuses the request for a document that is said to be complete, and to have another length than
/// the `announced` one.
pub fn check_complete(headers: &HeaderMap, announced: Option<u64>) -> Result<(), Problem> {
    if Completeness::read(headers) != Some(Completeness::Complete) {
        return Ok(());
    }
    let length = declared_length(headers, 0, announced);
    length.map(drop).map_err(|_| {
        let detail = "The request has another length than Upload-Length says.";
        Problem::from(Code::UploadIncomplete).with_detail(detail)
    })
}

/// Returns the file name of `Content-Disposition`.
pub fn file_name(headers: &HeaderMap) -> Option<String> {
    let field = headers.get(CONTENT_DISPOSITION)?;
    crate::uploads::file_name(field.as_bytes())
}

/// Returns the digest of the whole, of `Repr-Digest`.
pub fn whole_digest(headers: &HeaderMap) -> Result<Option<Sha256>, Problem> {
    let digest = sha256_of(text(headers, "repr-digest")?)?;
    Ok(digest.map(Sha256::from_bytes))
}

/// Returns the digest of the request's bytes, of `Content-Digest`.
pub fn piece_digest(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let digest = sha256_of(text(headers, "content-digest")?)?;
    Ok(digest.map(|digest| Expected::of_sha256(&digest)))
}

/// The SHA-256 of a digest field (RFC 9530); others are ignored.
fn sha256_of(field: &str) -> Result<Option<[u8; 32]>, Problem> {
    for member in field.split(',').map(str::trim) {
        let Some(value) = member.strip_prefix("sha-256=") else {
            continue;
        };
        let bytes = value
            .strip_prefix(':')
            .and_then(|value| value.strip_suffix(':'));
        let bytes = bytes.and_then(|bytes| STANDARD.decode(bytes).ok());
        let digest = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        return digest.map(Some).ok_or_else(|| Code::BadDigest.into());
    }
    Ok(None)
}

/// The outermost layer: a request for a document that says that more bytes follow creates an upload.
/// What says that it is complete goes its own way.
pub struct IetfCreations<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for IetfCreations<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let said = Completeness::read(request.headers());
        let Some(target) = target_of(request.method(), request.uri()) else {
            return self.0.call(request).await;
        };
        match said {
            None => self.0.call(request).await,
            Some(Completeness::Complete) => {
                let mut response = self.0.get_response(request).await;
                let headers = response.headers_mut();
                headers.insert("upload-complete", HeaderValue::from_static("?1"));
                Ok(response)
            }
            Some(Completeness::Incomplete) => {
                request.set_method(Method::POST);
                *request.uri_mut() = target;
                self.0.call(request).await
            }
        }
    }
}

/// Returns where an upload is created for a request of this method and URI.
fn target_of(method: &Method, uri: &Uri) -> Option<Uri> {
    let query = uri
        .query()
        .map(|query| format!("{query}&"))
        .unwrap_or_default();
    let segments: Vec<_> = uri.path().split('/').skip(1).collect();
    let target = match (method, segments.as_slice()) {
        (&Method::POST, ["v1", "documents"]) => format!("/v1/uploads?{query}"),
        (&Method::PUT, ["v1", "documents", id, "content"]) => {
            // One that is malformed belongs to nobody.
            let id: DocumentId = id.parse().ok()?;
            format!("/v1/uploads?{query}document_id={id}")
        }
        _ => return None,
    };
    target.trim_end_matches(['&', '?']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: &Method, uri: &str) -> Option<String> {
        let target = target_of(method, &uri.parse().unwrap());
        target.map(|uri| uri.to_string())
    }

    #[test]
    fn requests_for_documents_create_uploads() {
        let id = "0190a5c0-0000-7000-8000-0000000000ff";
        assert_eq!(
            target(&Method::POST, "/v1/documents?name=a").as_deref(),
            Some("/v1/uploads?name=a")
        );
        assert_eq!(
            target(&Method::POST, "/v1/documents").as_deref(),
            Some("/v1/uploads")
        );
        assert_eq!(
            target(&Method::PUT, &format!("/v1/documents/{id}/content")),
            Some(format!("/v1/uploads?document_id={id}"))
        );
        for (method, uri) in [
            (&Method::PUT, "/v1/documents"),
            (&Method::PUT, "/v1/documents/x/content"),
            (&Method::POST, "/v1/uploads"),
        ] {
            assert_eq!(target(method, uri), None, "{uri}");
        }
    }

    #[test]
    fn a_length_is_declared_or_implied() {
        let headers = |fields: &[(&'static str, &'static str)]| -> HeaderMap {
            let fields = fields.iter();
            fields
                .map(|(name, value)| {
                    let name = poem::http::HeaderName::from_static(name);
                    (name, HeaderValue::from_static(value))
                })
                .collect()
        };
        let last = headers(&[("upload-complete", "?1")]);
        assert_eq!(declared_length(&last, 5, Some(3)).unwrap(), Some(8));
        assert_eq!(declared_length(&last, 5, None).unwrap(), None);
        let both = headers(&[("upload-complete", "?1"), ("upload-length", "8")]);
        assert_eq!(declared_length(&both, 5, Some(3)).unwrap(), Some(8));
        assert!(declared_length(&both, 5, Some(4)).is_err());
        let more = headers(&[("upload-complete", "?0;a=b"), ("upload-length", "8")]);
        assert_eq!(Completeness::read(&more), Some(Completeness::Incomplete));
        assert_eq!(declared_length(&more, 5, Some(1)).unwrap(), Some(8));
        let ignored = headers(&[("upload-complete", "?0"), ("upload-length", "x")]);
        assert_eq!(declared_length(&ignored, 5, Some(1)).unwrap(), None);
        assert!(check_complete(&both, Some(8)).is_ok() && check_complete(&more, Some(1)).is_ok());
        assert!(check_complete(&both, Some(7)).is_err());
    }
}
