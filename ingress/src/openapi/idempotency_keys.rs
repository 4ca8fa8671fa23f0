//! Documents idempotency keys on every operation that changes something.

use serde_json::{Value, json};

use crate::idempotency::FIELD;

const METHODS: [&str; 4] = ["post", "put", "patch", "delete"];

/// Adds the field and its responses to every operation that accepts keys.
pub fn document_keys(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations.filter(|(method, _)| METHODS.contains(&method.as_str())) {
        document_operation(operation);
    }
}

fn document_operation(operation: &mut Value) {
    let field = json!({
        "name": FIELD,
        "in": "header",
        "required": false,
        "description": "Identifies this request for 24 hours: a repetition gets the same answer and has no further effect.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60",
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(field),
        None => operation["parameters"] = json!([field]),
    }
    let replayed = json!({
        "description": "`true` if this is the answer to an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    });
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for (_, response) in responses
        .iter_mut()
        .filter(|(status, _)| status.starts_with(['2', '4']))
    {
        response["headers"]["Idempotency-Replayed"] = replayed.clone();
    }
    for (status, text) in [
        (
            "409",
            "`idempotency_in_progress`: A request with this idempotency key is still running.",
        ),
        (
            "422",
            "`idempotency_key_reused`: Another request had this idempotency key.",
        ),
    ] {
        let response = responses.entry(status).or_insert_with(problem);
        let known = response["description"].as_str().unwrap_or_default();
        if !known.contains(text) {
            let both = [known, text].into_iter().filter(|text| !text.is_empty());
            response["description"] = both.collect::<Vec<_>>().join("\n\n").into();
        }
    }
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
    fn what_changes_something_takes_a_key() {
        let mut document = json!({"paths": {"/x": {
            "get": {"responses": {"200": {}}},
            "delete": {"responses": {"204": {}, "409": {"description": "`finished`: It is."}, "500": {}}},
        }}});
        document_keys(&mut document);
        let path = &document["paths"]["/x"];
        assert_eq!(path["get"], json!({"responses": {"200": {}}}));
        let delete = &path["delete"];
        assert_eq!(delete["parameters"][0]["name"], FIELD);
        assert!(delete["responses"]["204"]["headers"]["Idempotency-Replayed"].is_object());
        assert!(delete["responses"]["500"]["headers"].is_null());
        let conflict = delete["responses"]["409"]["description"].as_str().unwrap();
        assert!(
            conflict.starts_with("`finished`") && conflict.contains("`idempotency_in_progress`")
        );
        assert!(delete["responses"]["422"]["content"].is_object());
    }
}
