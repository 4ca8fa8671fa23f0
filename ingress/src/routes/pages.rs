//! The static pages: the OpenAPI document, its documentation, the script of the tickets' page, and
//! the summary for language models.

use std::sync::{Arc, LazyLock, OnceLock};

use poem::http::StatusCode;
use poem::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY};
use poem::{IntoResponse, Request, Response};
use poem_openapi::payload::{Html, Json, Payload, PlainText};
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::Value;

use super::ticket_page::SCRIPT;
use crate::auth::Anyone;
use crate::http::PreparedPage;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::Problem;

problem_sets! {
    /// What the pages can answer besides themselves.
    PageProblems { Invalid }
}

/// The pages, set after the routes they are generated from.
#[derive(Clone, Debug, Default)]
pub struct Pages(Arc<OnceLock<Made>>);

#[derive(Debug)]
struct Made {
    document: PreparedPage,
    later: PreparedPage,
    page: PreparedPage,
}

impl Pages {
    /// Sets the pages, once.
    pub fn set(&self, document: &Value, later: &Value, page: String) {
        let _ = self.0.set(Made {
            document: PreparedPage::new("application/json", document.to_string()),
            later: PreparedPage::new("application/json", later.to_string()),
            page: PreparedPage::new("text/html; charset=utf-8", page),
        });
    }

    fn get(&self) -> Result<&Made, Documented<PageProblems>> {
        Ok(self
            .0
            .get()
            .ok_or_else(|| Problem::internal("the pages are not made yet"))?)
    }
}

/// The routes of the pages.
#[derive(Clone, Debug, Default)]
pub struct PageRoutes(pub Pages);

/// The page may load nothing from elsewhere, and may not be framed.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     img-src 'self' data:; font-src data:; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// The script of the tickets' page.
static TICKET_SCRIPT: LazyLock<PreparedPage> =
    LazyLock::new(|| PreparedPage::new(JavaScript::CONTENT_TYPE, SCRIPT));

/// What a language model needs to know to use the API, see <https://llmstxt.org>.
static SUMMARY: LazyLock<PreparedPage> =
    LazyLock::new(|| PreparedPage::new("text/plain; charset=utf-8", include_str!("llms.txt")));

/// A script, as it is documented.
pub(super) enum JavaScript {}

/// A page documented as `P`, or 304.
pub(super) struct PageAnswer<P>(Response, std::marker::PhantomData<P>);

/// The path of the documentation.
struct Home;

type Answer<T> = Result<T, Documented<PageProblems>>;

#[OpenApi(tag = "Group::Service")]
impl PageRoutes {
    /// Redirect to the documentation
    #[oai(path = "/", method = "get", operation_id = "home")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn home(&self, _anyone: Anyone) -> Answer<Home> {
        Ok(Home)
    }

    /// The OpenAPI document, version 3.0
    #[oai(path = "/openapi.json", method = "get", operation_id = "openapi")]
    async fn openapi(&self, _anyone: Anyone, request: &Request) -> Answer<PageAnswer<Json<Value>>> {
        let answer = self.0.get()?.document.answer(request.headers()).await;
        Ok(PageAnswer::of(answer))
    }

    /// The OpenAPI document, version 3.1, with webhooks
    #[oai(
        path = "/openapi-3.1.json",
        method = "get",
        operation_id = "openapi_3_1"
    )]
    async fn openapi_3_1(
        &self,
        _anyone: Anyone,
        request: &Request,
    ) -> Answer<PageAnswer<Json<Value>>> {
        let answer = self.0.get()?.later.answer(request.headers()).await;
        Ok(PageAnswer(answer, std::marker::PhantomData))
    }

    /// Interactive documentation
    #[oai(path = "/docs", method = "get", operation_id = "docs")]
    async fn docs(&self, _anyone: Anyone, request: &Request) -> Answer<PageAnswer<Html<String>>> {
        let mut answer = self.0.get()?.page.answer(request.headers()).await;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Ok(PageAnswer::of(answer))
    }

    /// The script of the upload page of a ticket
    #[oai(path = "/ticket.js", method = "get", operation_id = "ticket_script")]
    async fn ticket_script(
        &self,
        _anyone: Anyone,
        request: &Request,
    ) -> Answer<PageAnswer<JavaScript>> {
        let answer = TICKET_SCRIPT.answer(request.headers()).await;
        Ok(PageAnswer::of(answer))
    }

    /// A summary of the API for language models
    #[oai(path = "/llms.txt", method = "get", operation_id = "summary")]
    async fn summary(
        &self,
        _anyone: Anyone,
        request: &Request,
    ) -> Answer<PageAnswer<PlainText<String>>> {
        let answer = SUMMARY.answer(request.headers()).await;
        Ok(PageAnswer(answer, std::marker::PhantomData))
    }
}

impl Payload for JavaScript {
    const CONTENT_TYPE: &'static str = "text/javascript; charset=utf-8";

    fn check_content_type(content_type: &str) -> bool {
        content_type.starts_with("text/javascript")
    }

    fn schema_ref() -> MetaSchemaRef {
        String::schema_ref()
    }
}

impl<P> PageAnswer<P> {
    /// An answer that is documented as `P`.
    pub(super) const fn of(answer: Response) -> Self {
        Self(answer, std::marker::PhantomData)
    }
}

impl<P: Send> IntoResponse for PageAnswer<P> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<P: Payload> ApiResponse for PageAnswer<P> {
    fn meta() -> MetaResponses {
        let page = MetaMediaType {
            content_type: P::CONTENT_TYPE,
            schema: P::schema_ref(),
        };
        MetaResponses {
            responses: vec![
                response(200, "The page.", vec![page], &TAG),
                response(304, "The client's copy is current.", vec![], &TAG),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        P::register(registry);
    }
}

impl IntoResponse for Home {
    fn into_response(self) -> Response {
        Response::builder()
            .status(StatusCode::SEE_OTHER)
            .header(LOCATION, "/docs")
            .finish()
    }
}

impl ApiResponse for Home {
    fn meta() -> MetaResponses {
        let there = ("Location", "The page.");
        MetaResponses {
            responses: vec![response(
                303,
                "Redirects to the documentation.",
                vec![],
                &there,
            )],
        }
    }

    fn register(_: &mut Registry) {}
}

pub(super) const TAG: (&str, &str) = ("ETag", "Entity tag of the page.");

pub(super) fn response(
    status: u16,
    description: &'static str,
    content: Vec<MetaMediaType>,
    (name, told): &(&str, &str),
) -> MetaResponse {
    let header = MetaHeader {
        name: (*name).to_owned(),
        description: Some((*told).to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    };
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content,
        headers: vec![header],
    }
}
