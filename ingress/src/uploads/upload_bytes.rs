//! The bytes of a resumable upload, whose protocol is in header fields.

use poem::{Body, Request, RequestBody, Result};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

/// A body that hasn't been read yet.
pub struct UploadBytes(pub Body);

impl<'a> ApiExtractor<'a> for UploadBytes {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let binary = MetaSchema::new_with_format("string", "binary");
        Some(MetaRequest {
            description: Some("Bytes of the upload, read as a stream."),
            content: vec![
                MetaMediaType {
                    content_type: "application/offset+octet-stream",
                    schema: MetaSchemaRef::Inline(Box::new(binary.clone())),
                },
                MetaMediaType {
                    content_type: "application/partial-upload",
                    schema: MetaSchemaRef::Inline(Box::new(binary)),
                },
            ],
            required: false,
        })
    }

    async fn from_request(
        _: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(Self(body.take()?))
    }
}
