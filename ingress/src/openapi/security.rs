//! Documents the responses of every operation with a token, the scope that its key needs, and what each
//! scope is good for.

use domain::Scope;
use poem::http::Method;
use serde_json::{Value, json};

use crate::http::required_scope;

/// Adds them to every operation that needs a token.
pub fn document_sessions(document: &mut Value) {
    describe_scopes(document);
    for (pattern, path) in document["paths"].as_object_mut().into_iter().flatten() {
        let operations = path.as_object_mut().into_iter().flatten();
        for (method, operation) in operations.filter(|(_, one)| one["security"].is_array()) {
            document_answers(operation);
            let method = method.to_ascii_uppercase().parse::<Method>();
            if let Some(scope) = method
                .ok()
                .and_then(|method| required_scope(&method, pattern))
            {
                document_scope(operation, scope);
            }
        }
    }
}

/// Tells what each scope lets a key do.
fn describe_scopes(document: &mut Value) {
    let Some(description) = document.pointer_mut("/components/schemas/Scope/description") else {
        return;
    };
    let scopes = Scope::ALL
        .iter()
        .map(|scope| format!("- `{scope}`: {}", scope.summary()));
    let scopes = scopes.collect::<Vec<_>>().join("\n");
    *description = format!("{SCOPES}\n\n{scopes}").into();
}

/// Tells the scope in words, and for programs as `x-required-scope`: OpenAPI 3.0 has scopes for
/// OAuth alone.
fn document_scope(operation: &mut Value, scope: Scope) {
    operation["x-required-scope"] = scope.as_str().into();
    let told = operation["description"].as_str().unwrap_or_default();
    let needs = format!("Needs a key with the scope `{scope}`.");
    let both = [told, &needs].into_iter().filter(|text| !text.is_empty());
    operation["description"] = both.collect::<Vec<_>>().join("\n\n").into();
    let answer = format!("`insufficient_scope`: The API key lacks the scope `{scope}`.");
    add_answer(&mut operation["responses"], "403", &answer);
}

fn document_answers(operation: &mut Value) {
    let responses = &mut operation["responses"];
    if !responses.is_object() {
        return;
    }
    for (status, text) in ANSWERS {
        add_answer(responses, status, text);
    }
    for (name, field) in limit_fields() {
        responses["429"]["headers"][name] = field;
    }
}

/// Adds a line to the description of an answer.
fn add_answer(responses: &mut Value, status: &str, text: &str) {
    let Some(responses) = responses.as_object_mut() else {
        return;
    };
    let response = responses.entry(status).or_insert_with(problem);
    let known = response["description"].as_str().unwrap_or_default();
    if known.contains(text) {
        return;
    }
    let both = [known, text].into_iter().filter(|text| !text.is_empty());
    response["description"] = both.collect::<Vec<_>>().join("\n\n").into();
}

const SCOPES: &str = "What an API key may be used for. Each operation needs the one scope that its \
                      `x-required-scope` names, and no other, whatever it does:";

const ANSWERS: &[(&str, &str)] = &[
    (
        "403",
        "`disabled`: This account is disabled; an administrator can enable it.",
    ),
    ("429", "`rate_limited`: Too many requests; try again later."),
];

/// The header fields of a rate-limit refusal.
fn limit_fields() -> [(&'static str, Value); 3] {
    let field = |description: &str, kind: &str| json!({"description": description, "required": true, "schema": {"type": kind}});
    [
        (
            "Retry-After",
            field("Seconds to wait before trying again.", "integer"),
        ),
        (
            "RateLimit",
            field(
                "Requests left, and seconds until the limit resets: `\"default\";r=0;t=30`.",
                "string",
            ),
        ),
        (
            "RateLimit-Policy",
            field(
                "Requests allowed per number of seconds: `\"default\";q=600;w=60`.",
                "string",
            ),
        ),
    ]
}

fn problem() -> Value {
    json!({
        "description": "",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_that_a_key_needs_is_told() {
        let mut document = json!({"paths": {"/v1/documents": {
            "get": {"security": [{"bearer": []}], "description": "Lists.", "responses": {}},
        }, "/v1/me": {"get": {"security": [{"bearer": []}], "responses": {}}}}});
        document_sessions(&mut document);
        let list = &document["paths"]["/v1/documents"]["get"];
        assert_eq!(list["x-required-scope"], "documents:read");
        let description = "Lists.\n\nNeeds a key with the scope `documents:read`.";
        assert_eq!(list["description"], description);
        let refused = list["responses"]["403"]["description"].as_str().unwrap();
        assert!(refused.contains("`insufficient_scope`"), "{refused}");
        let me = &document["paths"]["/v1/me"]["get"];
        assert!(me["x-required-scope"].is_null() && me["description"].is_null());
    }

    #[test]
    fn what_each_scope_is_good_for_is_told() {
        let mut document = json!({"components": {"schemas": {"Scope": {"description": "-"}}}});
        document_sessions(&mut document);
        let told = document["components"]["schemas"]["Scope"]["description"].as_str();
        for scope in Scope::ALL {
            let line = format!("\n- `{scope}`: {}", scope.summary());
            assert!(told.is_some_and(|told| told.contains(&line)), "{told:?}");
        }
    }

    #[test]
    fn what_needs_a_token_may_be_refused_to_who_is_disabled() {
        let mut document = json!({"paths": {"/x": {
            "get": {"security": [{"bearer": []}], "responses": {"403": {"description": "`forbidden`: No."}}},
            "put": {"security": [{"bearer": []}], "responses": {}},
            "head": {"responses": {}},
        }}});
        document_sessions(&mut document);
        let path = &document["paths"]["/x"];
        let both = path["get"]["responses"]["403"]["description"].as_str();
        assert!(
            both.is_some_and(|text| text.starts_with("`forbidden`") && text.contains("`disabled`"))
        );
        assert!(path["put"]["responses"]["403"]["content"].is_object());
        assert!(path["put"]["responses"]["429"]["headers"]["RateLimit"].is_object());
        assert_eq!(path["head"], json!({"responses": {}}));
    }
}
