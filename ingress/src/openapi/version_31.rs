//! The same description in OpenAPI 3.1, which has webhooks.

use domain::EventType;
use serde_json::{Map, Value, json};

/// Converts a description from 3.0, whose schemas are a dialect of JSON Schema, and adds the webhooks.
pub fn in_version_31(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = json!("3.1.0");
    convert(&mut document);
    let types = EventType::ALL.iter().map(|kind| kind.as_str());
    let webhooks = types.chain(["webhook.test"]).map(webhook);
    document["webhooks"] = Value::Object(webhooks.collect());
    document
}

/// Converts all schemas within a value. What they differ in has names that nothing else has as a flag.
fn convert(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(convert),
        Value::Object(object) => {
            object.values_mut().for_each(convert);
            for (exclusive, bound) in [
                ("exclusiveMinimum", "minimum"),
                ("exclusiveMaximum", "maximum"),
            ] {
                exclude(object, exclusive, bound);
            }
            if matches!(object.get("nullable"), Some(Value::Bool(_))) {
                let is_nullable = object.remove("nullable") == Some(Value::Bool(true));
                if is_nullable {
                    allow_null(object);
                }
            }
        }
        _ => {}
    }
}

/// A bound that is excluded is a bound of its own, rather than a flag beside one.
fn exclude(object: &mut Map<String, Value>, exclusive: &str, bound: &str) {
    let Some(Value::Bool(is_excluded)) = object.get(exclusive) else {
        return;
    };
    let is_excluded = *is_excluded;
    object.remove(exclusive);
    if let Some(value) = object.remove(bound).filter(|_| is_excluded) {
        object.insert(exclusive.to_owned(), value);
    }
}

/// Null is a type, rather than a flag beside one.
fn allow_null(object: &mut Map<String, Value>) {
    if let Some(values) = object.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(kind) = object.get("type").filter(|kind| kind.is_string()).cloned() {
        object.insert("type".to_owned(), json!([kind, "null"]));
        return;
    }
    let words = ["title", "description", "example", "default", "deprecated"];
    let mut schema = std::mem::take(object);
    for word in words {
        if let Some(value) = schema.remove(word) {
            object.insert(word.to_owned(), value);
        }
    }
    let either = json!([schema, {"type": "null"}]);
    object.insert("anyOf".to_owned(), either);
}

/// The message of one type.
fn webhook(kind: &str) -> (String, Value) {
    let data = if kind == "webhook.test" {
        json!({"type": "object"})
    } else {
        json!({"$ref": "#/components/schemas/EventData"})
    };
    let field = |name: &str, told: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": told,
            "schema": {"type": "string"},
        })
    };
    let schema = json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": kind},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": data,
        },
    });
    let operation = json!({
        "tags": ["Webhooks"],
        "summary": format!("An event of the type {kind}"),
        "operationId": format!("receive_{}", kind.replace('.', "_")),
        "description": "Signed as by Standard Webhooks 1.0.0. It may come more than once.",
        "security": [],
        "parameters": [
            field("webhook-id", "Its id, which stays the same over attempts."),
            field("webhook-timestamp", "When it was signed, in seconds since 1970."),
            field("webhook-signature", "Signatures, separated by blanks: `v1,` and base64."),
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "2XX": {"description": "It was received."},
            "410": {"description": "Nobody receives any more: the webhook is disabled."},
            "default": {"description": "It is delivered again later."},
        },
    });
    (kind.to_owned(), json!({"post": operation}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(mut schema: Value) -> Value {
        convert(&mut schema);
        schema
    }

    #[test]
    fn null_is_a_type() {
        assert_eq!(
            converted(json!({"type": "string", "nullable": true, "maxLength": 3})),
            json!({"type": ["string", "null"], "maxLength": 3})
        );
        assert_eq!(
            converted(json!({"type": "string", "enum": ["a"], "nullable": true})),
            json!({"type": ["string", "null"], "enum": ["a", null]})
        );
        assert_eq!(
            converted(
                json!({"allOf": [{"$ref": "#/x"}], "description": "An x.", "nullable": true})
            ),
            json!({"anyOf": [{"allOf": [{"$ref": "#/x"}]}, {"type": "null"}], "description": "An x."})
        );
        assert_eq!(
            converted(json!({"type": "string", "nullable": false})),
            json!({"type": "string"})
        );
        // The name of a member is no flag.
        let named = json!({"properties": {"nullable": {"type": "boolean"}}});
        assert_eq!(converted(named.clone()), named);
    }

    #[test]
    fn an_excluded_bound_is_a_bound() {
        assert_eq!(
            converted(json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true})),
            json!({"type": "integer", "exclusiveMinimum": 0})
        );
        assert_eq!(
            converted(json!({"maximum": 9, "exclusiveMaximum": false})),
            json!({})
        );
    }
}
