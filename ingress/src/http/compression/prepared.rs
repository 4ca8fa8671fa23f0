//! A static page: shared by all responses, and compressed once in each encoding. Copies nothing per
//! request.

use std::sync::Arc;

use bytes::Bytes;
use domain::Sha256;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderMap, StatusCode};
use poem::{Body, Response};
use tokio::sync::OnceCell;

use super::accept::accepted;
use super::encoding::Encoding;
use crate::http::conditional::matches_etag;
use crate::http::server::SharedBody;

/// Revalidated each time, since another release has another page.
const CACHED: &str = "no-cache";

/// The page; clones share its bytes.
#[derive(Clone, Debug)]
pub struct PreparedPage(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    content_type: &'static str,
    etag: String,
    plain: Bytes,
    encoded: [OnceCell<Bytes>; Encoding::ALL.len()],
}

impl PreparedPage {
    /// Creates a page from bytes.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let plain = bytes.into();
        Self(Arc::new(Prepared {
            content_type,
            // Weak: one tag for all encodings.
            etag: format!("W/\"{}\"", Sha256::of(&plain)),
            plain,
            encoded: Default::default(),
        }))
    }

    /// Returns the response to a request with these header fields: the page in the preferred
    /// encoding, or 304.
    pub async fn answer(&self, headers: &HeaderMap) -> Response {
        let page = &*self.0;
        let response = Response::builder()
            .header(ETAG, &page.etag)
            .header(CACHE_CONTROL, CACHED)
            .header(VARY, "Accept-Encoding")
            .header(X_CONTENT_TYPE_OPTIONS, "nosniff");
        if matches_etag(headers, &IF_NONE_MATCH, &page.etag) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        let response = response.header(CONTENT_TYPE, page.content_type);
        let encoding = accepted(headers);
        let encoded = match encoding {
            Some(encoding) => self.encoded(encoding).await,
            None => None,
        };
        let mut response = match (encoding, encoded) {
            (Some(encoding), Some(bytes)) => response
                .header(CONTENT_ENCODING, encoding.name())
                .body(Body::from(bytes)),
            _ => response.body(Body::from(page.plain.clone())),
        };
        response.extensions_mut().insert(SharedBody);
        response
    }

    /// Returns the page in one encoding, created by the first request. `None` if that fails.
    async fn encoded(&self, encoding: Encoding) -> Option<Bytes> {
        let cell = self.0.encoded.get(encoding.index())?;
        let make = async || {
            let plain = self.0.plain.clone();
            let encoding = tokio::task::spawn_blocking(move || encoding.encode(&plain));
            let bytes = encoding.await.map_err(std::io::Error::other)??;
            Ok::<_, std::io::Error>(Bytes::from(bytes))
        };
        match cell.get_or_try_init(make).await {
            Ok(bytes) => Some(bytes.clone()),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "failed to compress a page; sending it uncompressed");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::http::header::ACCEPT_ENCODING;

    use super::*;

    async fn sent(page: &PreparedPage, encodings: &'static str) -> Bytes {
        let headers = [(ACCEPT_ENCODING, encodings.parse().unwrap())];
        let response = page.answer(&headers.into_iter().collect()).await;
        response.into_body().into_bytes().await.unwrap()
    }

    #[tokio::test]
    async fn all_answers_share_the_same_bytes() {
        let page = PreparedPage::new("text/html", "<p>words</p>".repeat(1_000));
        for encodings in ["identity", "gzip", "br", "zstd"] {
            let (first, second) = (sent(&page, encodings).await, sent(&page, encodings).await);
            assert_eq!(first.as_ptr(), second.as_ptr(), "{encodings}");
        }
    }

    #[tokio::test]
    async fn who_has_it_in_any_encoding_gets_it_no_second_time() {
        let page = PreparedPage::new("text/html", "<p>words</p>");
        let tag = page.answer(&HeaderMap::new()).await.headers()[ETAG].clone();
        let headers = [
            (IF_NONE_MATCH, tag),
            (ACCEPT_ENCODING, "br".parse().unwrap()),
        ];
        let answer = page.answer(&headers.into_iter().collect()).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
    }
}
