//! The console: its page and the files that this loads, embedded in the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use poem::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::Path;
use poem_openapi::payload::{Html, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};

use super::pages::{JavaScript, PageAnswer, TAG, response};
use crate::auth::Anyone;
use crate::http::PreparedPage;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::Code;

problem_sets! {
    /// What the console can answer besides its files.
    ConsoleProblems { NotFound, Invalid }
}

const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const PAGE: &str = include_str!("../../../console/index.html");

/// Nothing is loaded from elsewhere, nothing is inline, and nobody may frame it. Blobs are previews, made
/// by its scripts of types that can't run any.
pub(super) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; frame-src blob:; form-action 'none'; frame-ancestors 'none'; \
     base-uri 'none'",
);

macro_rules! files {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../../console/", $name)))),*]
    };
}

/// The files, by name.
const FILES: [(&str, &str); 24] = files![
    "api.js",
    "app.js",
    "bulk.js",
    "chart.js",
    "dom.js",
    "icon.svg",
    "live.js",
    "page_account.js",
    "page_activity.js",
    "page_document.js",
    "page_documents.js",
    "page_events.js",
    "page_operations.js",
    "page_queues.js",
    "page_storage.js",
    "page_users.js",
    "page_webhooks.js",
    "parts.js",
    "preview.js",
    "save.js",
    "signed_in.js",
    "style.css",
    "tus.js",
    "uploads.js",
];

static HOME: LazyLock<PreparedPage> =
    LazyLock::new(|| PreparedPage::new("text/html; charset=utf-8", PAGE));

static PREPARED: LazyLock<BTreeMap<&str, PreparedPage>> = LazyLock::new(|| {
    let prepared = FILES.map(|(name, text)| (name, PreparedPage::new(type_of(name), text)));
    prepared.into_iter().collect()
});

fn type_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => STYLE,
        Some("svg") => IMAGE,
        _ => JavaScript::CONTENT_TYPE,
    }
}

/// A file, or 304.
struct FileAnswer(Response);

/// The routes of the console.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleRoutes;

type Answer<T> = Result<T, Documented<ConsoleProblems>>;

#[OpenApi(tag = "Group::Service")]
impl ConsoleRoutes {
    /// The console
    ///
    /// A page for people. It asks for an API key, or lets them sign in with the provider, and does
    /// everything by this API.
    #[oai(path = "/console", method = "get", operation_id = "console")]
    async fn page(&self, _anyone: Anyone, request: &Request) -> Answer<PageAnswer<Html<String>>> {
        let answer = HOME.answer(request.headers()).await;
        Ok(PageAnswer::of(guarded(answer)))
    }

    /// A file of the console
    #[oai(path = "/console/:file", method = "get", operation_id = "console_file")]
    async fn file(
        &self,
        _anyone: Anyone,
        request: &Request,
        file: Path<String>,
    ) -> Answer<FileAnswer> {
        let file = PREPARED.get(file.0.as_str()).ok_or(Code::NotFound)?;
        Ok(FileAnswer(guarded(file.answer(request.headers()).await)))
    }
}

/// Adds what keeps others out.
fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

impl IntoResponse for FileAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for FileAnswer {
    fn meta() -> MetaResponses {
        let types = [JavaScript::CONTENT_TYPE, STYLE, IMAGE];
        let files = types.map(|content_type| MetaMediaType {
            content_type,
            schema: String::schema_ref(),
        });
        MetaResponses {
            responses: vec![
                response(200, "The file.", files.into(), &TAG),
                response(304, "The client's copy is current.", vec![], &TAG),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../console");
        let entries = std::fs::read_dir(folder).unwrap();
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_known = name == "index.html" || PREPARED.contains_key(name.as_str());
            assert!(is_known, "{name}");
        }
    }

    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for (name, text) in FILES.into_iter().chain([("index.html", PAGE)]) {
            for absent in [
                "https://",
                "http://",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
            ] {
                // What names a kind of XML, and what a field shows as an example, loads nothing.
                let text = text.replace("http://www.w3.org/2000/svg", "");
                let text = text.replace("placeholder: 'https://'", "");
                assert!(!text.contains(absent), "{name}: {absent}");
            }
        }
        for absent in ["<style", " style=", " onclick", "javascript:", "<script>"] {
            assert!(!PAGE.contains(absent), "{absent}");
        }
        let policy = POLICY;
        let policy = policy.to_str().unwrap();
        assert!(!policy.contains("unsafe") && policy.contains("default-src 'none'"));
    }
}
