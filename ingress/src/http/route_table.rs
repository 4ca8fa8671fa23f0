//! The route table: a tree of path segments with methods and parameters, built once from the
//! OpenAPI document so that they can't diverge.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{Role, Scope, check_storable};
use poem::Request;
use poem::http::Method;
use serde_json::Value;

use super::required_scope::required_scope;
use crate::problem::{Code, FieldError, Problem};

/// The longest value of a parameter other than metadata, in bytes: fits a name of 255 characters
/// with white space, and a cursor.
const LONGEST_VALUE: usize = 4 << 10;
/// Media types of bodies that are read as streams.
const STREAMED: [&str; 2] = ["*/*", "application/offset+octet-stream"];
const TOO_LONG: &str = "must have at most 4096 bytes";
const UNSTORABLE: &str = "must not contain the character U+0000";

/// All routes of a document.
#[derive(Debug, Default)]
pub struct RouteTable {
    root: Node,
}

/// A prefix of paths.
#[derive(Debug, Default)]
struct Node {
    /// Children by fixed segment.
    fixed: BTreeMap<String, Node>,
    /// The child for a parameter segment.
    parameter: Option<Box<Node>>,
    /// The operations of the path that ends here; empty if it is only a prefix.
    operations: Vec<Arc<Route>>,
}

/// The match of a request.
#[derive(Clone, Debug)]
pub enum RouteMatch {
    /// The operation.
    Found(Arc<Route>),
    /// No such path.
    NotFound,
    /// The path has other methods, as listed in `Allow`.
    MethodNotAllowed(String),
}

/// An operation, as known to layers and extractors.
#[derive(Debug)]
pub struct Route {
    /// The path as documented: `/v1/documents/{id}`.
    pub pattern: String,
    /// Its method; GET if it also answers HEAD.
    pub method: Method,
    /// Whether its body is streamed rather than JSON.
    pub streams: bool,
    /// The role that its caller needs; `None` if it needs no token.
    pub demands: Option<Role>,
    /// The scope that its caller's key needs; `None` if every key will do.
    pub scope: Option<Scope>,
    query: BTreeSet<String>,
}

impl RouteTable {
    /// Builds the table from an OpenAPI document.
    #[must_use]
    pub fn from_document(document: &Value) -> Self {
        let mut table = Self::default();
        for (pattern, operations) in document["paths"].as_object().into_iter().flatten() {
            let node = pattern.split('/').fold(&mut table.root, Node::child);
            let operations = operations.as_object().into_iter().flatten();
            let routes = operations
                .filter_map(|(method, operation)| Route::read(pattern, method, operation));
            node.operations.extend(routes.map(Arc::new));
        }
        table
    }

    /// Matches a request.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> RouteMatch {
        let Some(node) = self.root.find(Some(path)) else {
            return RouteMatch::NotFound;
        };
        match node.operation(method) {
            Some(route) => RouteMatch::Found(Arc::clone(route)),
            None => RouteMatch::MethodNotAllowed(node.allow()),
        }
    }

    /// Every operation, as method and documented path.
    #[cfg(test)]
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &str)> {
        let mut nodes = vec![&self.root];
        let mut routes = Vec::new();
        while let Some(node) = nodes.pop() {
            nodes.extend(node.fixed.values());
            nodes.extend(node.parameter.as_deref());
            routes.extend(&node.operations);
        }
        let operations = routes.into_iter();
        operations.map(|route| (&route.method, route.pattern.as_str()))
    }
}

impl RouteMatch {
    /// The operation, or the problem: 404, or 405 with what is allowed.
    pub fn route(self) -> Result<Arc<Route>, Problem> {
        match self {
            Self::Found(route) => Ok(route),
            Self::NotFound => Err(Code::NotFound.into()),
            Self::MethodNotAllowed(allow) => Err(Problem::method_not_allowed(&allow)),
        }
    }
}

impl Node {
    /// Returns the child node for a documented segment, creating it.
    fn child(&mut self, segment: &str) -> &mut Self {
        if segment.starts_with('{') {
            self.parameter.get_or_insert_default()
        } else {
            self.fixed.entry(segment.to_owned()).or_default()
        }
    }

    /// Returns the node of a path. A fixed segment wins over a parameter; the parameter is tried if
    /// the fixed one doesn't match.
    fn find(&self, rest: Option<&str>) -> Option<&Self> {
        let Some(rest) = rest else {
            return (!self.operations.is_empty()).then_some(self);
        };
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        let fixed = self.fixed.get(segment).and_then(|node| node.find(rest));
        fixed.or_else(|| {
            let node = self.parameter.as_deref()?;
            // A segment that the database can't store matches nothing.
            let is_name = !segment.is_empty() && !segment.contains("%00");
            is_name.then(|| node.find(rest)).flatten()
        })
    }

    /// HEAD is answered wherever GET is.
    fn operation(&self, method: &Method) -> Option<&Arc<Route>> {
        let exact = |method: &Method| self.operations.iter().find(|route| route.method == method);
        exact(method).or_else(|| {
            let is_head = *method == Method::HEAD;
            is_head.then(|| exact(&Method::GET)).flatten()
        })
    }

    fn allow(&self) -> String {
        let methods = self.operations.iter().map(|route| route.method.as_str());
        let mut methods: BTreeSet<_> = methods.collect();
        if methods.contains("GET") {
            methods.insert("HEAD");
        }
        methods.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl Route {
    /// The route that a request was matched to.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Arc<Self>> {
        match request.data()? {
            RouteMatch::Found(route) => Some(route),
            RouteMatch::NotFound | RouteMatch::MethodNotAllowed(_) => None,
        }
    }

    fn read(pattern: &str, method: &str, operation: &Value) -> Option<Self> {
        let method = method.to_ascii_uppercase().parse().ok()?;
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let query = query
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            .collect();
        let role = if pattern.starts_with("/v1/admin/") {
            Role::Admin
        } else {
            Role::User
        };
        Some(Self {
            scope: required_scope(&method, pattern),
            streams: STREAMED
                .iter()
                .any(|media| operation["requestBody"]["content"][media].is_object()),
            demands: operation["security"].is_array().then_some(role),
            pattern: pattern.to_owned(),
            method,
            query,
        })
    }

    /// Refuses parameters that are unknown, repeated or not UTF-8.
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
                    Some(value) if value.len() > LONGEST_VALUE && name != "metadata" => {
                        Some((name, TOO_LONG))
                    }
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
            "/v1/documents/by-name/content/{part}": {"get": {}},
        }}))
    }

    fn find(method: &Method, path: &str) -> Result<Arc<Route>, Problem> {
        table().find(method, path).route()
    }

    fn pattern(method: &Method, path: &str) -> String {
        find(method, path).unwrap().pattern.clone()
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
    fn a_parameter_is_tried_where_a_fixed_segment_leads_nowhere() {
        assert_eq!(
            pattern(&Method::PUT, "/v1/documents/by-id/content"),
            "/v1/documents/{id}/content"
        );
        assert_eq!(
            pattern(&Method::GET, "/v1/documents/by-name"),
            "/v1/documents/{id}"
        );
        assert_eq!(
            pattern(&Method::GET, "/v1/documents/by-name/content/1"),
            "/v1/documents/by-name/content/{part}"
        );
    }

    #[test]
    fn a_role_is_demanded_where_the_document_demands_a_token() {
        let token = json!({"security": [{"bearer": []}]});
        let table = RouteTable::from_document(&json!({"paths": {
            "/v1/admin/users": {"get": token},
            "/v1/usage": {"get": token},
            "/health/live": {"get": {}},
        }}));
        for (path, demands) in [
            ("/v1/admin/users", Some(Role::Admin)),
            ("/v1/usage", Some(Role::User)),
            ("/health/live", None),
        ] {
            let route = table.find(&Method::GET, path).route().unwrap();
            assert_eq!(route.demands, demands, "{path}");
        }
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
                find(&Method::GET, path).unwrap_err().code(),
                Code::NotFound,
                "{path}"
            );
        }
    }

    #[test]
    fn an_unknown_method_is_told_what_is_allowed() {
        let problem = find(&Method::POST, "/v1/documents/7").unwrap_err();
        assert_eq!(problem.code(), Code::MethodNotAllowed);
        assert_eq!(
            problem.to_response_for_tests().header("allow"),
            Some("DELETE, GET, HEAD")
        );
    }

    #[test]
    fn a_parameter_must_be_known_single_and_utf8() {
        let route = find(&Method::GET, "/v1/documents/7").unwrap();
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
