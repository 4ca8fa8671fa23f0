//! Answers as they are kept and given again.

use ledger::SavedAnswer;
use poem::http::StatusCode;
use poem::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use poem::{Body, Response};

use crate::problem::{REQUEST_ID, RequestId};

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Whether an answer is one that a repetition must get as well. Failures of ours may pass
/// on another try, as may what was too much for now, and who isn't known has no keys.
pub(super) fn is_final(status: StatusCode) -> bool {
    let is_for_now = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS
    );
    (status.is_success() || status.is_client_error()) && !is_for_now
}

/// Reads an answer whole: the answers of changing requests are short, and lie in memory, so
/// that nothing can be lost of them.
pub(super) async fn read(response: &mut Response) -> SavedAnswer {
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let headers = response.headers().iter();
    // Each time that it is given, it answers a request of another id.
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

/// The answer once more, to the request `id`.
pub(super) fn replay(answer: SavedAnswer, id: &RequestId) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::builder().status(status).body(answer.body);
    // Only what was kept says what kind of body it is.
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().append(name, value);
        }
    }
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(REQUEST_ID), id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_comes_back_as_it_was() {
        let mut first = Response::builder()
            .status(StatusCode::CREATED)
            .header("location", "/x")
            .content_type("application/json")
            .body("{}");
        let saved = read(&mut first).await;
        assert_eq!(first.into_body().into_vec().await.unwrap(), b"{}");
        let id = RequestId::of(&poem::Request::default());
        let again = replay(saved, &id);
        assert_eq!(again.header("x-request-id"), Some(id.as_str()));
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.header("location"), Some("/x"));
        assert_eq!(again.content_type(), Some("application/json"));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.into_body().into_vec().await.unwrap(), b"{}");
    }

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
