//! Stored answers.

use ledger::SavedAnswer;
use poem::http::StatusCode;
use poem::http::header::CONTENT_LENGTH;
use poem::{Body, Response};

use crate::problem::REQUEST_ID;

/// Returns whether a repetition must get the same answer. Server errors and rate limits may pass on
/// retry, and unauthenticated callers have no keys.
pub(super) fn is_final(status: StatusCode) -> bool {
    let is_for_now = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS
    );
    (status.is_success() || status.is_client_error()) && !is_for_now
}

/// Reads a complete answer: answers of changing requests are short and in memory.
pub(super) async fn read(response: &mut Response) -> SavedAnswer {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let headers = response.headers().iter();
    // Each replay answers a request with another id.
    let kept = headers.filter(|(name, _)| **name != CONTENT_LENGTH && **name != REQUEST_ID);
    let saved = SavedAnswer {
        status: response.status().as_u16(),
        headers: kept
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: body.to_vec(),
    };
    response.set_body(Body::from(body));
    saved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_on_another_try_is_not_kept() {
        for (status, kept) in [
            (202, true),
            (204, true),
            (404, true),
            (422, true),
            (401, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            assert_eq!(
                is_final(StatusCode::from_u16(status).unwrap()),
                kept,
                "{status}"
            );
        }
    }
}
