//! The table of routes, methods and parameters, read once from the OpenAPI document so that it can't drift from it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Role, check_storable};
use poem::http::Method;
use serde_json::Value;

use crate::problem::{Code, FieldError, Problem};

const UNSTORABLE: &str = "must not contain the character U+0000";

/// All routes of a document.
#[derive(Debug, Default)]
pub struct RouteTable {
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    segments: Vec<Segment>,
    operations: Vec<Arc<Route>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// Sorts first: a fixed path wins over one with parameters.
    Fixed(String),
    Parameter,
}

/// One operation: what the frame and the extractors know of it.
#[derive(Debug)]
pub struct Route {
    /// The path as documented: `/v1/documents/{id}`.
    pub pattern: String,
    /// The method that it answers: GET, if it stands in for HEAD.
    pub method: Method,
    /// Whether its body is a stream of any length, rather than JSON.
    pub streams: bool,
    /// What its caller must be, if they must be somebody at all.
    pub demands: Role,
    query: BTreeSet<String>,
}

impl RouteTable {
    /// Reads the table from an OpenAPI document. What isn't there is no route.
    #[must_use]
    pub fn from_document(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let mut paths: Vec<_> = paths
            .map(|(pattern, operations)| Path::read(pattern, operations))
            .collect();
        paths.sort_by(|left, right| left.segments.cmp(&right.segments));
        Self { paths }
    }

    /// The operation for a request, or the problem: 404, or 405 with what is allowed.
    pub fn find(&self, method: &Method, path: &str) -> Result<Arc<Route>, Problem> {
        let path = self
            .paths
            .iter()
            .find(|candidate| candidate.matches(path))
            .ok_or(Code::NotFound)?;
        path.operation(method)
            .ok_or_else(|| Problem::method_not_allowed(&path.allow()))
    }

    /// Every operation, as method and documented path.
    #[cfg(test)]
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &str)> {
        let operations = self.paths.iter().flat_map(|path| &path.operations);
        operations.map(|route| (&route.method, route.pattern.as_str()))
    }
}

impl Path {
    fn read(pattern: &str, operations: &Value) -> Self {
        let segments = pattern.split('/').map(Segment::read).collect();
        let operations = operations.as_object().into_iter().flatten();
        let operations =
            operations.filter_map(|(method, operation)| Route::read(pattern, method, operation));
        Self {
            segments,
            operations: operations.map(Arc::new).collect(),
        }
    }

    fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let all = self
            .segments
            .iter()
            .all(|segment| given.next().is_some_and(|text| segment.matches(text)));
        all && given.next().is_none()
    }

    /// HEAD is answered wherever GET is.
    fn operation(&self, method: &Method) -> Option<Arc<Route>> {
        let exact = |method: &Method| {
            self.operations
                .iter()
                .find(|route| route.method == method)
                .cloned()
        };
        exact(method).or_else(|| {
            if method == Method::HEAD {
                exact(&Method::GET)
            } else {
                None
            }
        })
    }

    fn allow(&self) -> String {
        let mut methods: BTreeSet<_> = self
            .operations
            .iter()
            .map(|route| route.method.as_str())
            .collect();
        if methods.contains("GET") {
            methods.insert("HEAD");
        }
        methods.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl Segment {
    fn read(text: &str) -> Self {
        if text.starts_with('{') {
            Self::Parameter
        } else {
            Self::Fixed(text.to_owned())
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Fixed(fixed) => fixed == text,
            // What the database can't hold names nothing.
            Self::Parameter => !text.is_empty() && !text.contains("%00"),
        }
    }
}

impl Route {
    fn read(pattern: &str, method: &str, operation: &Value) -> Option<Self> {
        let method = method.to_ascii_uppercase().parse().ok()?;
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let query = query
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            .collect();
        Some(Self {
            streams: operation["requestBody"]["content"]["*/*"].is_object(),
            demands: if pattern.starts_with("/v1/admin/") {
                Role::Admin
            } else {
                Role::User
            },
            pattern: pattern.to_owned(),
            method,
            query,
        })
    }

    /// Refuses parameters that the operation doesn't know, that are given twice or are not UTF-8.
    pub fn check_query(&self, query: Option<&str>) -> Result<(), Problem> {
        let mut seen = BTreeSet::new();
        let mut errors = Vec::new();
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = match decode(name) {
                None => Some((name.to_owned(), "is not UTF-8")),
                Some(name) if !self.query.contains(&name) => {
                    Some((name, "is not a parameter of this operation"))
                }
                Some(name) if !seen.insert(name.clone()) => Some((name, "is given more than once")),
                Some(name) => match decode(value) {
                    None => Some((name, "is not UTF-8")),
                    Some(value) if check_storable(&value).is_err() => Some((name, UNSTORABLE)),
                    Some(_) => None,
                },
            };
            errors.extend(wrong.map(|(pointer, detail)| FieldError {
                pointer,
                detail: detail.to_owned(),
            }));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

/// Decodes `application/x-www-form-urlencoded`; `None` if the result isn't UTF-8.
fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    decoded.ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> RouteTable {
        RouteTable::from_document(&json!({"paths": {
            "/v1/documents/{id}": {"get": {"parameters": [
                {"name": "id", "in": "path"}, {"name": "wait", "in": "query"},
            ]}, "delete": {}},
            "/v1/documents/by-name/{name}": {"get": {}},
            "/v1/documents/{id}/content": {"get": {}, "head": {}, "put": {}},
        }}))
    }

    fn pattern(method: &Method, path: &str) -> String {
        table().find(method, path).unwrap().pattern.clone()
    }

    #[test]
    fn a_fixed_segment_wins_over_a_parameter() {
        assert_eq!(
            pattern(&Method::GET, "/v1/documents/by-name/content"),
            "/v1/documents/by-name/{name}"
        );
        assert_eq!(
            pattern(&Method::GET, "/v1/documents/x/content"),
            "/v1/documents/{id}/content"
        );
    }

    #[test]
    fn a_head_is_found_where_a_get_is() {
        assert_eq!(
            pattern(&Method::HEAD, "/v1/documents/7"),
            "/v1/documents/{id}"
        );
    }

    #[test]
    fn an_unknown_path_is_not_found() {
        for path in [
            "/",
            "/v1",
            "/v1/documents/",
            "/v1/documents/7/",
            "/v1/documents/7/content/x",
            "/v1/documents/%00",
            "/v1/documents/by-name/a%00",
        ] {
            assert_eq!(
                table().find(&Method::GET, path).unwrap_err().code(),
                Code::NotFound,
                "{path}"
            );
        }
    }

    #[test]
    fn an_unknown_method_is_told_what_is_allowed() {
        let problem = table().find(&Method::POST, "/v1/documents/7").unwrap_err();
        assert_eq!(problem.code(), Code::MethodNotAllowed);
        assert_eq!(
            problem.to_response_for_tests().header("allow"),
            Some("DELETE, GET, HEAD")
        );
    }

    #[test]
    fn a_parameter_must_be_known_single_and_utf8() {
        let route = table().find(&Method::GET, "/v1/documents/7").unwrap();
        assert!(route.check_query(Some("wait=5&")).is_ok());
        assert!(route.check_query(Some("w%61it=%C3%A9")).is_ok());
        for query in [
            "wat=5",
            "wait=1&wait=2",
            "wait=%FF",
            "wait=%00",
            "%00=1",
            "%FF=1",
            "id=7",
        ] {
            assert_eq!(
                route.check_query(Some(query)).unwrap_err().code(),
                Code::Invalid,
                "{query}"
            );
        }
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_stands_for_itself() {
        assert_eq!(decode("100%+%zz").as_deref(), Some("100% %zz"));
    }
}
