//! JSON request bodies: of the documented type, and bounded before they are decoded.

use std::marker::PhantomData;

use poem::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::{MetaMediaType, MetaParamIn, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::members::{FromMembers, read_object};
use super::read::{LARGEST, ReadBody, extent, parsed};
use crate::problem::{Code, Problem};

/// The parser's depth limit.
const DEEPEST: usize = 127;

/// Which bodies an operation accepts.
pub trait Media: Send + Sync {
    /// The media types, the preferred one first.
    const TYPES: &'static [&'static str];
    /// Whether an empty body means `{}`.
    const MAY_BE_EMPTY: bool = false;
    /// The most bytes: several times escaped metadata of 16 KiB, so that a too long member is
    /// reported by name.
    const MOST: usize = 512 << 10;
    /// The most values.
    const MOST_VALUES: usize = Self::MOST;
}

/// `application/json`.
pub struct Required;
/// `application/json`, or nothing.
pub struct Optional;
/// `application/merge-patch+json` (RFC 7396) or `application/json`.
pub struct MergePatch;
/// `application/json` with many ids.
pub struct Many;

impl Media for Required {
    const TYPES: &'static [&'static str] = &["application/json"];
}

impl Media for Optional {
    const TYPES: &'static [&'static str] = &["application/json"];
    const MAY_BE_EMPTY: bool = true;
}

impl Media for Many {
    const TYPES: &'static [&'static str] = &["application/json"];
    const MOST: usize = LARGEST;
    const MOST_VALUES: usize = 120_000;
}

impl Media for MergePatch {
    const TYPES: &'static [&'static str] = &["application/merge-patch+json", "application/json"];
}

/// The JSON body of a request.
pub struct JsonBody<T, M = Required>(pub T, PhantomData<M>);

impl<'a, T: FromMembers, M: Media> ApiExtractor<'a> for JsonBody<T, M> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    const PARAM_IS_REQUIRED: bool = !M::MAY_BE_EMPTY;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::Schema::register(registry);
    }

    fn param_in() -> Option<MetaParamIn> {
        None
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        None
    }

    fn request_meta() -> Option<MetaRequest> {
        let media = |content_type: &&'static str| MetaMediaType {
            content_type,
            schema: T::Schema::schema_ref(),
        };
        Some(MetaRequest {
            description: None,
            content: M::TYPES.iter().map(media).collect(),
            required: !M::MAY_BE_EMPTY,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err(Problem::content_encoding().into());
        }
        let body = ReadBody::read(request, body.take()?, M::MOST).await?;
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or_default());
        if body.bytes.is_empty() && M::MAY_BE_EMPTY {
            return Ok(Self(read_object(b"{}")?, PhantomData));
        }
        let essence = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !M::TYPES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(essence))
        {
            let detail = format!("The request body must be {}.", M::TYPES.join(" or "));
            return Err(Problem::from(Code::UnsupportedMediaType)
                .with_detail(detail)
                .into());
        }
        let read = parsed(body.bytes.clone(), |bytes| {
            let (values, depth) = extent(bytes);
            if values > M::MOST_VALUES && depth <= DEEPEST {
                return Err(Code::TooLarge.into());
            }
            read_object(bytes)
        });
        Ok(Self(read.await??, PhantomData))
    }
}
