//! What an upload declares in its header, checked before its body is read.

use domain::{ByteSize, MediaType};
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use poem::{Body, Request, RequestBody, Result};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::digest_field::Digests;
use super::envelope::ENVELOPE_BYTES;
use super::parameters::Parameters;
use crate::dto::{MetadataText, NameText, UniqueNameText};
use crate::problem::{Code, Problem};

/// The longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The largest document, in the request's data for the extractor.
#[derive(Clone, Copy, Debug)]
pub struct MaxDocument(pub ByteSize);

/// The largest imported archive, in the request's data for the extractor.
#[derive(Clone, Copy, Debug)]
pub struct MaxArchive(pub ByteSize);

/// An upload whose body has not been read yet.
pub struct Upload {
    pub(super) form: Form,
    pub(super) digests: Digests,
    pub(super) max: ByteSize,
    pub(super) declared_size: Option<ByteSize>,
    pub(super) body: Body,
}

/// The format of the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The body is the document.
    Raw {
        /// The declared media type.
        declared_type: Option<MediaType>,
    },
    /// The document is the part `file` of a form.
    Multipart {
        /// The boundary.
        boundary: String,
    },
}

impl Upload {
    pub(super) fn read(headers: &HeaderMap, max: ByteSize, body: Body) -> Result<Self, Problem> {
        if headers.contains_key(CONTENT_ENCODING) {
            return Err(Problem::content_encoding());
        }
        let form = Form::read(headers)?;
        let digests =
            Digests::of(headers).map_err(|error| Problem::from(Code::BadDigest).because(error))?;
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let allowance = if matches!(form, Form::Multipart { .. }) {
            ENVELOPE_BYTES
        } else {
            0
        };
        if length.is_some_and(|length| length > max.bytes().saturating_add(allowance)) {
            return Err(too_large(max));
        }
        let declared_size = length.map(|length| ByteSize::new(length.saturating_sub(allowance)));
        Ok(Self {
            form,
            digests,
            max,
            declared_size,
            body,
        })
    }

    /// The same upload, of at most `max` bytes.
    pub fn limited(mut self, max: Option<ByteSize>) -> Result<Self, Problem> {
        self.max = max.map_or(self.max, |max| max.min(self.max));
        if self.declared_size() > self.max {
            return Err(too_large(self.max));
        }
        Ok(self)
    }

    /// Returns the least size of the document according to its header.
    #[must_use]
    pub fn declared_size(&self) -> ByteSize {
        self.declared_size.unwrap_or_default()
    }
}

/// An upload of more than `max` bytes.
pub(super) fn too_large(max: ByteSize) -> Problem {
    let detail = format!("The upload has more than {max} bytes, the most that is accepted.");
    Problem::from(Code::TooLarge).with_detail(detail)
}

/// Returns whether a body of this type is a form; any other is the file itself.
#[must_use]
pub fn is_form(declared: &MediaType) -> bool {
    declared.as_str() == "multipart/form-data"
}

/// Returns the type declared by the header of a body or part; `None` if it is missing or malformed.
pub(super) fn declared_type(headers: &HeaderMap) -> Option<MediaType> {
    let field = headers.get(CONTENT_TYPE)?.as_bytes();
    let essence = field.split(|byte| *byte == b';').next()?;
    std::str::from_utf8(essence).ok()?.parse().ok()
}

fn begins_as_form(content_type: &[u8]) -> bool {
    let form = b"multipart/form-data";
    let begin = content_type.trim_ascii_start().get(..form.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(form))
}

impl Form {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.map_or(&b""[..], |value| value.as_bytes());
        let declared_type = declared_type(headers);
        let is_form = match &declared_type {
            Some(declared) => is_form(declared),
            // A form with a malformed type must not be stored as the file.
            None if begins_as_form(content_type) => {
                return Err(Problem::from(Code::UnsupportedMediaType)
                    .with_detail("The Content-Type is a malformed multipart/form-data."));
            }
            None => false,
        };
        if !is_form {
            return Ok(Self::Raw { declared_type });
        }
        let parameters = Parameters::of_media_type(content_type);
        let boundary = parameters
            .get("boundary")
            .and_then(|boundary| std::str::from_utf8(boundary).ok())
            .map(|boundary| boundary.trim_end_matches(' ').to_owned())
            .ok_or(Code::BadMultipart)?;
        if (1..=MAX_BOUNDARY).contains(&boundary.len()) {
            Ok(Self::Multipart { boundary })
        } else {
            Err(Code::BadMultipart.into())
        }
    }
}

impl Upload {
    fn of_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let max = request
            .data::<MaxDocument>()
            .ok_or_else(|| Problem::internal("no size limit is set up"))?;
        Ok(Self::read(request.headers(), max.0, body.take()?)?)
    }
}

/// An upload of a new version: its form has only the file.
pub struct VersionUpload(pub Upload);

impl<'a> ApiExtractor<'a> for Upload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta(described_fields()))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Self::of_request(request, body)
    }
}

impl<'a> ApiExtractor<'a> for VersionUpload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta(Vec::new()))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(Self(Upload::of_request(request, body)?))
    }
}

/// An archive to import: its form has only the file.
pub struct ArchiveUpload(pub Upload);

impl<'a> ApiExtractor<'a> for ArchiveUpload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: Some(
                "The ZIP archive: as the part `file` of a form, or, under any other `Content-Type`, \
                 as the body itself. It is read as a stream, of any size up to the limit of the service.",
            ),
            ..request_meta(Vec::new())
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let max = request
            .data::<MaxArchive>()
            .ok_or_else(|| Problem::internal("no size limit is set up"))?;
        let upload = Upload::read(request.headers(), max.0, body.take()?)?;
        Ok(Self(upload))
    }
}

type Property = (&'static str, MetaSchemaRef);

fn request_meta(fields: Vec<Property>) -> MetaRequest {
    let binary =
        || MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
    let form = MetaSchema {
        required: vec!["file"],
        properties: [("file", binary())].into_iter().chain(fields).collect(),
        ..MetaSchema::new("object")
    };
    MetaRequest {
        description: Some(
            "The bytes of the document: as the part `file` of a form, or, under any other \
             `Content-Type`, as the body itself. They are read as a stream, of any size up to the \
             limit of the service. Fields of a form are UTF-8, unless their part or the \
             field `_charset_` declares another charset (RFC 7578).",
        ),
        content: vec![
            MetaMediaType {
                content_type: "multipart/form-data",
                schema: MetaSchemaRef::Inline(Box::new(form)),
            },
            MetaMediaType {
                content_type: "*/*",
                schema: binary(),
            },
        ],
        required: true,
    }
}

fn described_fields() -> Vec<Property> {
    let field = |schema, description| {
        let described = MetaSchema {
            description: Some(description),
            ..schema
        };
        MetaSchemaRef::Inline(Box::new(described))
    };
    vec![
        (
            "name",
            field(
                NameText::schema(),
                "The document's name; the file's name by default.",
            ),
        ),
        (
            "unique_name",
            field(
                UniqueNameText::schema(),
                "A name that is unique across the service.",
            ),
        ),
        (
            "is_public",
            field(
                MetaSchema::new("boolean"),
                "Whether anybody may read it by its unique name.",
            ),
        ),
        (
            "metadata",
            field(MetadataText::schema(), "A JSON object, as text."),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderName;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Upload, Code> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        Upload::read(&headers.collect(), ByteSize::new(1000), Body::empty())
            .map_err(|problem| problem.code())
    }

    fn form(content_type: &str) -> Result<Form, Code> {
        read(&[("content-type", content_type)]).map(|upload| upload.form)
    }

    #[test]
    fn any_type_but_a_form_is_a_raw_body() {
        let raw = |name: &str| Form::Raw {
            declared_type: Some(name.parse().unwrap()),
        };
        assert_eq!(form("Text/Plain; charset=utf-8"), Ok(raw("text/plain")));
        assert_eq!(
            form("multipart/mixed; boundary=x"),
            Ok(raw("multipart/mixed"))
        );
        assert_eq!(
            read(&[]).unwrap().form,
            Form::Raw {
                declared_type: None
            }
        );
        for none in [
            "",
            " ",
            ";",
            "; charset=utf-8",
            "text",
            "unknown",
            "text/",
            "/plain",
        ] {
            let raw = Form::Raw {
                declared_type: None,
            };
            assert_eq!(form(none), Ok(raw), "{none}");
        }
        assert_eq!(
            form("Multipart/Form-Data, text/plain"),
            Err(Code::UnsupportedMediaType)
        );
    }

    #[test]
    fn a_form_needs_a_boundary() {
        assert_eq!(
            form("multipart/form-data; boundary=\"a b\""),
            Ok(Form::Multipart {
                boundary: "a b".to_owned()
            })
        );
        for content_type in [
            "multipart/form-data ; boundary=abc123",
            "multipart/form-data;boundary=\"abc123\"",
            "Multipart/Form-Data;; charset=utf-8 ;\tBOUNDARY = abc123 ;",
            "multipart/form-data; x=\"boundary=no; y\"; boundary=abc123",
            r#"multipart/form-data; boundary="abc\1\23""#,
        ] {
            let read = Form::Multipart {
                boundary: "abc123".to_owned(),
            };
            assert_eq!(form(content_type), Ok(read), "{content_type}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for bad in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            &long,
        ] {
            assert_eq!(form(bad), Err(Code::BadMultipart), "{bad}");
        }
    }

    #[test]
    fn what_is_declared_too_large_is_refused_unread() {
        assert!(read(&[("content-length", "1000")]).is_ok());
        assert_eq!(
            read(&[("content-length", "1001")]).err(),
            Some(Code::TooLarge)
        );
        let multipart = ("content-type", "multipart/form-data; boundary=x");
        let most = (1000 + ENVELOPE_BYTES).to_string();
        assert!(read(&[multipart, ("content-length", &most)]).is_ok());
        let more = (1001 + ENVELOPE_BYTES).to_string();
        assert_eq!(
            read(&[multipart, ("content-length", &more)]).err(),
            Some(Code::TooLarge)
        );
    }

    #[test]
    fn encoded_bodies_are_refused() {
        for encoding in ["gzip", "identity"] {
            assert_eq!(
                read(&[("content-encoding", encoding)]).err(),
                Some(Code::UnsupportedMediaType)
            );
        }
    }

    #[test]
    fn a_malformed_digest_is_refused() {
        assert_eq!(
            read(&[("content-digest", "sha-256=1")]).err(),
            Some(Code::BadDigest)
        );
    }
}
