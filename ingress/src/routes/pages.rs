//! The OpenAPI document and a page to read it by. The page brings all it needs along.

use std::sync::{Arc, OnceLock};

use poem_openapi::OpenApi;
use poem_openapi::payload::Response as WithHeader;
use poem_openapi::payload::{Html, Json};
use serde_json::Value;

use super::tags::Group;
use crate::auth::Anyone;
use crate::problem::{Documented, Problem, problem_sets};

problem_sets! {
    /// What the pages can answer besides themselves.
    PageProblems { Invalid }
}

/// The pages, which are made of the routes that they are among: so they come later.
#[derive(Clone, Debug, Default)]
pub struct Pages(Arc<OnceLock<Made>>);

#[derive(Debug)]
struct Made {
    document: Value,
    page: String,
}

impl Pages {
    /// Sets the pages. Only the first time counts.
    pub fn set(&self, document: Value, page: String) {
        let _ = self.0.set(Made { document, page });
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

/// What the page may load: nothing from anywhere but itself, and answers of this service.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                           img-src 'self' data:; font-src data:; connect-src 'self'";

type Answer<T> = Result<WithHeader<T>, Documented<PageProblems>>;

#[OpenApi(tag = "Group::Service")]
impl PageRoutes {
    /// The OpenAPI document
    #[oai(path = "/openapi.json", method = "get", operation_id = "openapi")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn openapi(&self, _anyone: Anyone) -> Answer<Json<Value>> {
        let document = Json(self.0.get()?.document.clone());
        Ok(WithHeader::new(document).header("Content-Type", "application/json"))
    }

    /// A page to read it by
    #[oai(path = "/docs", method = "get", operation_id = "docs")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn docs(&self, _anyone: Anyone) -> Answer<Html<String>> {
        let page = Html(self.0.get()?.page.clone());
        Ok(WithHeader::new(page).header("Content-Security-Policy", PAGE_POLICY))
    }
}
