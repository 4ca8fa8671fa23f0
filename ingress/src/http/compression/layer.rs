//! The layer that compresses responses.

use poem::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, LAST_MODIFIED, VARY,
};
use poem::http::{Method, StatusCode};
use poem::{Body, Endpoint, Request, Response, Result};

use super::accept::accepted;
use super::encoding::Encoding;

/// Smaller responses fit into one packet anyway.
const WORTH_IT: u64 = 1 << 10;
/// Larger ones would block the thread.
const LONG: usize = 64 << 10;

/// An endpoint whose JSON responses are compressed as the client accepts.
pub struct Compressed<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for Compressed<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let encoding = accepted(request.headers());
        let is_head = request.method() == Method::HEAD;
        let mut response = self.0.call(request).await?;
        if !varies(&response) {
            return Ok(response);
        }
        response
            .headers_mut()
            .append(VARY, HeaderValue::from_static("Accept-Encoding"));
        match encoding {
            Some(encoding) if is_head => Ok(headed(response, encoding)),
            Some(encoding) => compressed(response, encoding).await,
            None => Ok(response),
        }
    }
}

/// Returns whether a response varies by `Accept-Encoding`; 304 does as well.
fn varies(response: &Response) -> bool {
    let is_json = response.content_type().is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence == "application/json" || essence == "application/problem+json"
    });
    let is_content = response.headers().contains_key(LAST_MODIFIED);
    // Prepared pages set the field themselves.
    let is_settled = response.headers().contains_key(VARY);
    let unchanged = response.status() == StatusCode::NOT_MODIFIED;
    (is_json || unchanged) && !is_content && !is_settled
}

/// For HEAD: the compressed length is unknown.
fn headed(mut response: Response, encoding: Encoding) -> Response {
    let length = length(response.headers());
    if length.is_some_and(|length| length >= WORTH_IT) {
        encoded(response.headers_mut(), encoding);
    }
    response
}

async fn compressed(mut response: Response, encoding: Encoding) -> Result<Response> {
    let body = response.take_body().into_bytes().await?;
    if (body.len() as u64) < WORTH_IT {
        response.set_body(Body::from(body));
        return Ok(response);
    }
    let smaller = if body.len() < LONG {
        encoding.encode(&body)
    } else {
        let body = body.clone();
        let encoding = tokio::task::spawn_blocking(move || encoding.encode(&body));
        encoding
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
    };
    match smaller {
        Ok(smaller) => {
            encoded(response.headers_mut(), encoding);
            response.set_body(Body::from(smaller));
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to compress a response; sending it uncompressed"
            );
            response.set_body(Body::from(body));
        }
    }
    Ok(response)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn encoded(headers: &mut HeaderMap, encoding: Encoding) {
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
}
