//! Makes the OpenAPI document as strict as the service.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Documents that bodies accept no unknown members, the bounds of number formats, and that object
/// parameters are JSON.
pub fn make_strict(document: &mut Value) {
    close_bodies(document);
    bound_numbers(document);
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        parameters.into_iter().flatten().for_each(write_as_json);
    }
}

/// Unknown members of request bodies are refused.
fn close_bodies(document: &mut Value) {
    let mut shapes = BTreeSet::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        let content = operation
            .get_mut("requestBody")
            .and_then(|body| body["content"].as_object_mut());
        for (_, media) in content.into_iter().flatten() {
            close(&mut media["schema"], &mut shapes);
        }
    }
    let mut closed = BTreeSet::new();
    while let Some(name) = shapes.pop_first() {
        if closed.insert(name.clone()) {
            close(&mut document["components"]["schemas"][&name], &mut shapes);
        }
    }
}

/// Closes an object and its members; adds referenced schemas to `named`.
fn close(schema: &mut Value, named: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        named.extend(name.rsplit('/').next().map(str::to_owned));
        return;
    }
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    // A union has the members of its variants.
    let several = ["allOf", "anyOf", "oneOf"];
    let is_one_shape = !several.iter().any(|several| object.contains_key(*several));
    if is_one_shape && object.get("type").is_some_and(|kind| kind == "object") {
        object
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        close(property, named);
    }
    for several in several {
        let schemas = object.get_mut(several).and_then(Value::as_array_mut);
        for schema in schemas.into_iter().flatten() {
            close(schema, named);
        }
    }
    if let Some(items) = object.get_mut("items") {
        close(items, named);
    }
}

/// Adds the bounds of a format, for readers who don't know it, as integers: the library writes
/// floats, which can't represent the largest.
fn bound_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Object(object) => {
            let bounds = match object.get("format").and_then(Value::as_str) {
                Some("uint32") => Some((json!(0), json!(u32::MAX))),
                Some("uint64") => Some((json!(0), json!(u64::MAX))),
                Some("int64") => Some((json!(i64::MIN), json!(i64::MAX))),
                _ => None,
            };
            if let Some((minimum, maximum)) = bounds {
                object.entry("minimum").or_insert(minimum);
                object.entry("maximum").or_insert(maximum);
            }
            object.values_mut().for_each(bound_numbers);
        }
        _ => {}
    }
}

fn write_as_json(parameter: &mut Value) {
    let Some(object) = parameter.as_object_mut() else {
        return;
    };
    if object
        .get("schema")
        .is_some_and(|schema| schema["type"] == "object")
        && let Some(schema) = object.remove("schema")
    {
        object.remove("explode");
        object.remove("style");
        object.insert(
            "content".to_owned(),
            json!({"application/json": {"schema": schema}}),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_closed_at_every_depth_and_answers_are_not() {
        let mut document = json!({
            "paths": {"/x": {"post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Old"}}}}},
            }}},
            "components": {"schemas": {
                "New": {"type": "object", "properties": {
                    "inner": {"$ref": "#/components/schemas/Inner"},
                    "free": {"type": "object", "additionalProperties": {}},
                    "list": {"type": "array", "items": {"type": "object"}},
                }},
                "Inner": {"type": "object", "oneOf": [{"$ref": "#/components/schemas/One"}]},
                "One": {"type": "object"},
                "Old": {"type": "object"},
            }},
        });
        make_strict(&mut document);
        let shapes = &document["components"]["schemas"];
        let new = &shapes["New"]["properties"];
        assert_eq!(shapes["New"]["additionalProperties"], false);
        assert!(shapes["Inner"]["additionalProperties"].is_null());
        assert_eq!(shapes["One"]["additionalProperties"], false);
        assert_eq!(new["free"]["additionalProperties"], json!({}));
        assert_eq!(new["list"]["items"]["additionalProperties"], false);
        assert!(shapes["Old"]["additionalProperties"].is_null());
    }

    #[test]
    fn a_number_has_the_bounds_of_its_format_or_its_own() {
        let mut document =
            json!({"a": {"format": "uint64"}, "b": {"format": "uint32", "maximum": 200}});
        make_strict(&mut document);
        assert_eq!(document["a"]["maximum"], u64::MAX);
        assert_eq!(
            document["b"],
            json!({"format": "uint32", "minimum": 0, "maximum": 200})
        );
    }

    #[test]
    fn a_parameter_that_is_an_object_is_json() {
        let parameter =
            json!({"name": "x", "in": "query", "explode": true, "schema": {"type": "object"}});
        let mut document = json!({"paths": {"/x": {"get": {"parameters": [parameter]}}}});
        make_strict(&mut document);
        let parameter = &document["paths"]["/x"]["get"]["parameters"][0];
        assert_eq!(
            parameter["content"]["application/json"]["schema"]["type"],
            "object"
        );
        assert!(parameter["schema"].is_null() && parameter["explode"].is_null());
    }
}
