//! Documents the responses of every operation with a token.

use serde_json::{Value, json};

/// Adds them to every operation that needs a token.
pub fn document_sessions(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations.filter(|(_, operation)| operation["security"].is_array()) {
        let Some(responses) = operation["responses"].as_object_mut() else {
            continue;
        };
        for (status, text) in ANSWERS {
            let response = responses.entry(*status).or_insert_with(problem);
            let known = response["description"].as_str().unwrap_or_default();
            if known.contains(text) {
                continue;
            }
            let both = [known, text].into_iter().filter(|text| !text.is_empty());
            response["description"] = both.collect::<Vec<_>>().join("\n\n").into();
        }
        for (name, field) in limit_fields() {
            responses["429"]["headers"][name] = field;
        }
    }
}

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
