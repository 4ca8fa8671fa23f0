//! Every header field of requests that ingress reads is described to clients: as a parameter, or in
//! words where it belongs to no operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::released_api::current;
use super::tables::{files, root};

/// Fields that aren't described as such, and why.
const ELSEWHERE: [(&str, &str); 12] = [
    ("accept", "the media types of answers describe it"),
    ("access-control-request-method", "browsers send it"),
    ("authorization", "the security scheme describes it"),
    ("content-encoding", "requests that have it are refused"),
    ("content-length", "part of HTTP"),
    ("content-transfer-encoding", "belongs to a part of a form"),
    ("cookie", "browsers send back what a sign-in has set"),
    ("content-type", "the media types of bodies describe it"),
    ("host", "part of HTTP"),
    ("origin", "browsers send it"),
    ("transfer-encoding", "part of HTTP"),
    ("x-forwarded-for", "proxies send it"),
];

/// A source without comments, tests and blanks.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// The first thing of a list of arguments, if it is a text or the name of a constant.
fn named(code: &str, constants: &BTreeMap<&str, Constant<'_>>) -> Option<String> {
    let code = code.trim_start_matches('&');
    if let Some(text) = code.strip_prefix('"') {
        let (text, rest) = text.split_once('"')?;
        return rest.starts_with([')', ',']).then(|| text.to_owned());
    }
    let end = code.find(|c: char| !c.is_ascii_uppercase() && c != '_')?;
    let (constant, rest) = code.split_at(end);
    if constant.len() < 2 || !rest.starts_with([')', ',']) {
        return None;
    }
    let standard = || constant.to_ascii_lowercase().replace('_', "-");
    let ours = constants
        .get(constant)
        .map(|found| found.value.to_ascii_lowercase());
    Some(ours.unwrap_or_else(standard))
}

/// A constant that names a field.
#[derive(Clone, Copy)]
struct Constant<'c> {
    value: &'c str,
    /// Whether other files see it.
    is_public: bool,
}

/// Constants that name a field: `NAME:HeaderName=HeaderName::from_static("name")`, `NAME:&str="name"`.
fn constants(code: &str) -> BTreeMap<&str, Constant<'_>> {
    let mut found = BTreeMap::new();
    for (at, word) in code.match_indices("const") {
        let declared = &code[at + word.len()..];
        let kinds = [":HeaderName=HeaderName::from_static(\"", ":&str=\""];
        let is_name = |name: &str| {
            let mut bytes = name.bytes();
            bytes.all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        let parts = kinds.iter().filter_map(|kind| declared.split_once(kind));
        let mut named = parts.filter(|(name, _)| is_name(name));
        if let Some((name, value)) = named.next() {
            let value = value.split('"').next().unwrap_or_default();
            let is_public = code[..at].ends_with("pub") || code[..at].ends_with(')');
            found.insert(name, Constant { value, is_public });
        }
    }
    found
}

/// Fields in lists that a loop goes through: `constNAMES:[…]=["name",…]`.
fn listed(code: &str) -> impl Iterator<Item = String> {
    let loops = ["get_all(field)", "get(&field)"];
    let lists = code.split("const").skip(1).filter_map(|declared| {
        let (kind, list) = declared.split_once("]=[")?;
        let is_list = kind.contains(":[&str;") || kind.contains(":[HeaderName;");
        is_list.then(|| list.split(']').next().unwrap_or_default())
    });
    let is_read = loops.iter().any(|call| code.contains(call));
    let texts = lists
        .filter(move |_| is_read)
        .flat_map(|list| list.split('"').skip(1).step_by(2));
    texts.map(str::to_owned)
}

/// The fields of requests that a source reads.
fn fields(code: &str, constants: &BTreeMap<&str, Constant<'_>>) -> BTreeSet<String> {
    let mut found: BTreeSet<_> = listed(code).collect();
    for call in [
        "headers.get(",
        "headers.get_all(",
        "headers.contains_key(",
        "headers().get(",
        "headers().get_all(",
        "headers().contains_key(",
        "request.header(",
        "(headers,",
        "(request.headers(),",
    ] {
        for (at, _) in code.match_indices(call) {
            let is_of_answer = code[..at].ends_with("response.");
            let field = named(&code[at + call.len()..], constants);
            found.extend(field.filter(|_| !is_of_answer));
        }
    }
    found
}

fn read_by_ingress() -> BTreeSet<String> {
    let sources = files(&root().join("ingress/src"), "rs").into_iter();
    let sources = sources.filter(|file| !file.components().any(|part| part.as_os_str() == "tests"));
    let codes: Vec<_> = sources
        .map(|file| code(&std::fs::read_to_string(file).unwrap()))
        .collect();
    let all = codes.iter().flat_map(|code| constants(code));
    let everywhere: BTreeMap<_, _> = all.filter(|(_, found)| found.is_public).collect();
    let mut found = BTreeSet::new();
    for code in &codes {
        let mut known = everywhere.clone();
        known.extend(constants(code));
        // Media types are named in the same way.
        let names = fields(code, &known).into_iter();
        found.extend(names.filter(|name| !name.contains('/')));
    }
    found
}

/// Header fields that are parameters of an operation, and those that a description names in words.
fn described() -> (BTreeSet<String>, BTreeSet<String>) {
    let document = current();
    let (mut parameters, mut words) = (BTreeSet::new(), BTreeSet::new());
    let mut texts = vec![document["info"]["description"].clone()];
    let paths = document["paths"].as_object().unwrap().values();
    for operation in paths.flat_map(|path| path.as_object().unwrap().values()) {
        texts.push(operation["description"].clone());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "header" {
                parameters.insert(parameter["name"].as_str().unwrap().to_ascii_lowercase());
                texts.push(parameter["description"].clone());
            }
        }
    }
    for text in texts.iter().filter_map(Value::as_str) {
        let quoted = text.split('`').skip(1).step_by(2);
        let names = quoted.filter_map(|text| text.split(':').next());
        words.extend(names.map(str::to_ascii_lowercase));
    }
    (parameters, words)
}

#[test]
fn every_field_that_is_read_is_described() {
    let read = read_by_ingress();
    let (parameters, words) = described();
    let elsewhere = |field: &str| ELSEWHERE.iter().any(|(known, _)| *known == field);
    let missing: Vec<_> = read
        .iter()
        .filter(|field| !parameters.contains(*field) && !words.contains(*field))
        .filter(|field| !elsewhere(field))
        .collect();
    assert!(missing.is_empty(), "read, and not described: {missing:?}");
    // The search finds what there is: each parameter but those that the library reads.
    let by_library = "last-event-id";
    let named = ELSEWHERE.iter().map(|(field, _)| *field);
    let unread: Vec<_> = parameters
        .iter()
        .map(String::as_str)
        .chain(named)
        .filter(|field| !read.contains(*field) && *field != by_library)
        .collect();
    assert!(unread.is_empty(), "described, and not read: {unread:?}");
}
