//! The OpenAPI document and the page that shows it.

use std::collections::HashSet;
use std::fmt;

use poem::http::Method;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::app::App;
use crate::http::RouteTable;

/// JSON that refuses an object with the same key twice.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        while items.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        let mut seen = HashSet::new();
        while let Some((key, _)) = members.next_entry::<String, Strict>()? {
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("duplicate key {key}")));
            }
        }
        Ok(Strict)
    }
}

#[tokio::test]
async fn the_document_is_as_it_was_reviewed() {
    let app = App::start().await;
    let answer = app.nobody().get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    domain::read_json::<Strict>(&answer.body).unwrap();
    let mut document = answer.json();
    document["info"]["version"] = "[version]".into();
    // As a text: numbers that are kept as they are written are no numbers for other writers.
    let document = serde_json::to_string_pretty(&document).unwrap();
    insta::assert_snapshot!(document);
}

/// Any request may find no room; any request of somebody may be one too many.
#[tokio::test]
async fn every_operation_tells_that_it_may_be_turned_away() {
    let app = App::start().await;
    let document = app.nobody().get("/openapi.json").await.json();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let tells = |status: &str, code: &str| {
                let response = &operation["responses"][status];
                let text = response["description"].as_str().unwrap_or_default();
                let says_when = response["headers"]["Retry-After"].is_object();
                text.contains(&format!("`{code}`")) && says_when
            };
            assert!(tells("503", "overloaded"), "{method} {path}");
            let has_a_user = operation["security"].is_array();
            assert_eq!(tells("429", "rate_limited"), has_a_user, "{method} {path}");
        }
    }
    assert!(operations > 40, "{operations}");
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = App::start().await;
    let answer = app.nobody().get("/docs").await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("http"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let page = String::from_utf8(answer.body.clone()).unwrap();
    for loading in ["src=\"http", "href=\"http", "@import", "src=\"//"] {
        let head = page.split("<script").next().unwrap();
        assert!(!head.contains(loading), "{loading}");
    }
    assert!(page.contains("/v1/documents"));
}

#[tokio::test]
async fn the_summary_names_only_what_the_document_has() {
    let app = App::start().await;
    let document: Value = app.nobody().get("/openapi.json").await.json();
    let answer = app.nobody().get("/llms.txt").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = String::from_utf8(answer.body.clone()).unwrap();
    // The form of llmstxt.org: a title, a quoted line that says what it is, sections.
    assert!(text.starts_with("# Dossier\n\n> "), "{text}");
    let mut named = 0;
    for code in text.split('`').skip(1).step_by(2) {
        let Some((method, path)) = code.split_once(' ') else {
            continue;
        };
        let path = path.split('?').next().unwrap_or_default();
        if !path.starts_with('/') {
            continue;
        }
        let operation = &document["paths"][path][method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{code}");
        named += 1;
    }
    assert!(named > 15, "{named}");
}

#[tokio::test]
async fn the_root_leads_to_the_page() {
    let app = App::start().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = app.nobody().send(method, "/", &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, Some("/docs"))
        );
    }
}

#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again() {
    let app = App::start().await;
    for path in ["/docs", "/openapi.json", "/llms.txt"] {
        let first = app.nobody().get(path).await;
        let tag = first.header("etag").unwrap();
        for encoding in ["identity", "zstd", "br", "gzip"] {
            let fields = [("if-none-match", tag), ("accept-encoding", encoding)];
            let again = app.nobody().send(Method::GET, path, &fields, "").await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
            let varies = again.headers.get_all("vary").iter();
            let by_encoding = varies.filter(|by| *by == "Accept-Encoding");
            assert_eq!(by_encoding.count(), 1);
        }
    }
}

/// Providers lead browsers here with parameters of their own: none is refused.
const CALLBACK: &str = "/oidc/callback";

/// Every operation but these demands a token, says so, and tells nobody anything before it has one.
const OPEN: [&str; 20] = [
    "/",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/openapi-3.1.json",
    "/docs",
    "/llms.txt",
    "/.well-known/jwks.json",
    "/public/{unique_name}",
    "/public/{unique_name}/content",
    // The page behind the URL of a ticket.
    "/ticket.js",
    "/console",
    "/console/{file}",
    "/v1/sign-in",
    "/oidc/sign-in",
    CALLBACK,
    "/t/{secret}",
    "/t/{secret}/documents/{id}",
    "/t/{secret}/uploads",
    "/t/{secret}/uploads/{id}",
];

#[tokio::test]
async fn every_operation_asks_who_is_there_first() {
    let app = App::start().await;
    let document = app.nobody().get("/openapi.json").await.json();
    let table = RouteTable::from_document(&document);
    for (method, pattern) in table.operations() {
        let operation = &document["paths"][pattern][method.as_str().to_ascii_lowercase()];
        let path = pattern
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part });
        let uri = format!("{}?surprise=1", path.collect::<Vec<_>>().join("/"));
        let nobody = app
            .nobody()
            .send(method.clone(), &uri, &[], "nonsense")
            .await;
        let wrong = app
            .with_token(Some("wrong"), "")
            .send(method.clone(), &uri, &[], "nonsense")
            .await;
        let open = OPEN.contains(&pattern);
        assert_eq!(
            operation["security"].is_array(),
            !open,
            "{method} {pattern}"
        );
        if pattern == CALLBACK {
            continue;
        }
        for answer in [nobody, wrong] {
            assert_eq!(
                answer.status,
                if open { 422 } else { 401 },
                "{method} {pattern}"
            );
            assert_eq!(
                answer.header("www-authenticate"),
                (!open).then_some("Bearer")
            );
        }
        if !open {
            let known = app
                .admin()
                .send(method.clone(), &uri, &[], "nonsense")
                .await;
            assert_eq!(
                known.status, 422,
                "{method} {pattern}: an unknown parameter"
            );
        }
    }
}

#[tokio::test]
async fn every_admin_operation_refuses_ordinary_users() {
    let app = App::start().await;
    let alice = app.alice().await;
    let document: Value = app.nobody().get("/openapi.json").await.json();
    let table = RouteTable::from_document(&document);
    let mut count = 0;
    for (method, pattern) in table
        .operations()
        .filter(|(_, pattern)| pattern.starts_with("/v1/admin"))
    {
        let answer = alice
            .send(method.clone(), &pattern.replace(['{', '}'], ""), &[], "{}")
            .await;
        if *method != Method::HEAD {
            assert_eq!(
                answer.problem(),
                (403, "forbidden".to_owned()),
                "{method} {pattern}"
            );
        }
        count += 1;
    }
    assert_eq!(count, 24);
}

#[tokio::test]
async fn the_later_version_has_the_same_operations_and_every_webhook() {
    let app = App::start().await;
    let answer = app.nobody().get("/openapi-3.1.json").await;
    domain::read_json::<Strict>(&answer.body).unwrap();
    let later = answer.json();
    assert_eq!(later["openapi"], "3.1.0");
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains("\"nullable\":true"));
    let document = app.nobody().get("/openapi.json").await.json();
    let operations = |document: &Value| -> HashSet<String> {
        let paths = document["paths"].as_object().unwrap().iter();
        let of_path = |(path, item): (&String, &Value)| -> Vec<String> {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| format!("{method} {path}")).collect()
        };
        paths.flat_map(of_path).collect()
    };
    assert_eq!(operations(&later), operations(&document));
    for kind in domain::EventType::ALL {
        let told = &later["webhooks"][kind.as_str()]["post"]["requestBody"];
        let data = &told["content"]["application/json"]["schema"]["properties"]["data"];
        assert_eq!(data["$ref"], "#/components/schemas/EventData", "{kind}");
    }
}
