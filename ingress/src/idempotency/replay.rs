//! Replays of earlier answers.

use ledger::SavedAnswer;
use poem::http::StatusCode;
use poem::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use super::sealed::open;
use crate::problem::{Code, Problem};

/// Marks a replayed answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An earlier answer.
#[derive(Debug)]
pub struct Replay(Response);

/// The answer of a handler that learns late whether its request is a repetition. Documented as `T`
/// either way.
#[derive(Debug)]
pub enum Replayable<T> {
    /// A new answer.
    New(T),
    /// A replayed answer.
    Replayed(Replay),
}

impl Replay {
    /// Returns the stored answer for a request with this bearer token. Only the token of the first
    /// request opens an answer that holds a secret.
    pub(super) fn new(answer: SavedAnswer, token: Option<&str>) -> Result<Self, Problem> {
        let answer = open(answer, token).ok_or_else(|| {
            Problem::from(Code::IdempotencyKeyReused).with_detail(
                "Its answer holds a secret that only the token of the first request can read.",
            )
        })?;
        Ok(Self(response(answer)))
    }
}

fn response(answer: SavedAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::builder().status(status).body(answer.body);
    let headers = response.headers_mut();
    // Take the content type from the stored answer.
    headers.remove(CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.append(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

impl IntoResponse for Replay {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: IntoResponse> IntoResponse for Replayable<T> {
    fn into_response(self) -> Response {
        match self {
            Self::New(answer) => answer.into_response(),
            Self::Replayed(replay) => replay.into_response(),
        }
    }
}

impl<T: ApiResponse> ApiResponse for Replayable<T> {
    fn meta() -> MetaResponses {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idempotency::answer::read;

    #[tokio::test]
    async fn an_answer_comes_back_as_it_was() {
        let mut first = Response::builder()
            .status(StatusCode::CREATED)
            .header("location", "/x")
            .header("x-request-id", "the first")
            .content_type("application/json")
            .body("{}");
        let saved = read(&mut first).await;
        assert_eq!(first.into_body().into_vec().await.unwrap(), b"{}");
        let again = Replay::new(saved, None).unwrap().into_response();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.header("location"), Some("/x"));
        assert_eq!(again.header("x-request-id"), None);
        assert_eq!(again.content_type(), Some("application/json"));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.into_body().into_vec().await.unwrap(), b"{}");
    }
}
