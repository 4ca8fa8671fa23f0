//! The outer layer of all endpoints: opens the request's span, converts failures to problems, and
//! logs them once.

use std::any::Any;
use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use poem::http::header::{CONTENT_LENGTH, HeaderValue};
use poem::http::{HeaderName, Method};
use poem::{Body, Endpoint, Request, Response, Result};
use tracing::Instrument;

use super::route_table::RouteMatch;
use super::trace_context::trace_of;
use crate::problem::{Code, Problem, REQUEST_ID, RequestId, code_of, problem_of};

/// Wraps the API so that every answer follows the contract.
pub struct Frame<E>(pub E);

impl<E: Endpoint<Output = Response>> Frame<E> {
    async fn answer(&self, mut request: Request) -> Result<Response, Problem> {
        let found = request.data::<RouteMatch>().cloned();
        let route = found.unwrap_or(RouteMatch::NotFound).route()?;
        tracing::Span::current().record("http.route", route.pattern.as_str());
        // The library would drop the body before its length is known.
        request.set_method(route.method.clone());
        answer_of(&self.0, request).await
    }
}

/// Returns the answer of `endpoint`, or the problem of its error, panic or bare status.
pub async fn answer_of<E>(endpoint: &E, request: Request) -> Result<Response, Problem>
where
    E: Endpoint<Output = Response>,
{
    let answer = AssertUnwindSafe(endpoint.call(request)).catch_unwind();
    match answer.await {
        Ok(Ok(response)) if is_bare_failure(&response) => Err(code_of(response.status()).into()),
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(problem_of(error)),
        Err(panic) => Err(Problem::internal(panic_text(panic.as_ref()))),
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Frame<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = RequestId::of(&request);
        let is_head = request.method() == Method::HEAD;
        let span = tracing::info_span!(
            "request",
            request.id = %id,
            http.method = %request.method(),
            http.route = tracing::field::Empty,
            http.status = tracing::field::Empty,
            trace.id = tracing::field::Empty,
        );
        let trace = trace_of(&request, &span);
        span.record("trace.id", trace.trace_id());
        request.set_data(id.clone());
        request.set_data(trace);
        let answer = self.answer(request).instrument(span.clone()).await;
        let mut response = answer.unwrap_or_else(|problem| {
            span.in_scope(|| log_problem(&problem));
            problem.to_response(id.as_str())
        });
        span.record("http.status", response.status().as_u16());
        span.in_scope(|| tracing::debug!("answered"));
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(REQUEST_ID), value);
        }
        Ok(if is_head {
            without_body(response)
        } else {
            response
        })
    }
}

/// An error status with the library's plain-text body.
fn is_bare_failure(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed
        && response.content_type() != Some("application/problem+json")
        && response
            .content_type()
            .is_none_or(|content| !content.starts_with("application/json"))
}

/// Returns the header of the answer to GET, with the length if known.
fn without_body(mut response: Response) -> Response {
    let body = response.take_body();
    let body: http_body_util::combinators::BoxBody<_, _> = body.into();
    if let Some(length) = hyper::body::Body::size_hint(&body).exact()
        && length > 0
    {
        response
            .headers_mut()
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| HeaderValue::from(length));
    }
    response.set_body(Body::empty());
    response
}

/// Logs a problem that its request ends with.
pub fn log_problem(problem: &Problem) {
    let cause = problem.source().map(chain).unwrap_or_default();
    match problem.code() {
        Code::Internal if !problem.is_of_document() => {
            tracing::error!(problem.code = %problem.code(), cause, "the request failed");
        }
        // Problems without a cause were logged where they occurred.
        Code::Unavailable | Code::Overloaded if !cause.is_empty() => {
            tracing::warn!(problem.code = %problem.code(), cause, "failed to serve the request");
        }
        code => tracing::debug!(problem.code = %code, cause, "the request was refused"),
    }
}

fn chain(cause: &dyn StdError) -> String {
    let mut text = cause.to_string();
    let mut source = cause.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        // Many a library repeats the cause in its own text.
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        source = cause.source();
    }
    text
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use poem::error::ParseJsonError;
    use poem::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::http::{RouteTable, Router};

    async fn framed<F>(answer: impl Fn() -> F + Send + Sync) -> Response
    where
        F: Future<Output = Result<Response>> + Send,
    {
        let table = RouteTable::from_document(&json!({"paths": {"/": {"get": {}}}}));
        let endpoint = poem::endpoint::make(move |_| answer());
        let routed = Router::new(Frame(endpoint), table);
        routed.get_response(Request::default()).await
    }

    async fn code(response: Response) -> (u16, String) {
        let status = response.status().as_u16();
        assert_eq!(response.content_type(), Some("application/problem+json"));
        let body: serde_json::Value = response.into_body().into_json().await.unwrap();
        assert!(!body.to_string().contains("secret"), "{body}");
        (status, body["code"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_problem() {
        let response = framed(|| async { panic!("a secret") }).await;
        assert_eq!(code(response).await, (500, "internal".to_owned()));
    }

    #[tokio::test]
    async fn errors_of_the_library_are_problems() {
        let missing = framed(|| async { Err(poem::error::NotFoundError.into()) }).await;
        assert_eq!(code(missing).await, (404, "not_found".to_owned()));
        let json = framed(|| async { Err(ParseJsonError::ContentTypeRequired.into()) }).await;
        assert_eq!(code(json).await, (415, "unsupported_media_type".to_owned()));
        let bare = framed(|| async { Ok(StatusCode::IM_A_TEAPOT.into()) }).await;
        assert_eq!(code(bare).await, (400, "bad_request".to_owned()));
    }

    #[tokio::test]
    async fn a_cause_stays_in_the_log() {
        let response = framed(|| async { Err(Problem::internal("a secret").into()) }).await;
        assert_eq!(code(response).await, (500, "internal".to_owned()));
    }
}
