//! Documents the header fields of tus, which no handler takes as parameters.

use serde_json::{Value, json};

/// The request's fields: name, operations, description, pattern.
const FIELDS: &[(&str, &[&str], &str, &str)] = &[
    (
        "Tus-Resumable",
        &["post", "head", "patch", "delete"],
        "The version of tus: `1.0.0`. Any other is refused with 412.",
        "^1\\.0\\.0$",
    ),
    (
        "Upload-Length",
        &["post", "patch"],
        "All bytes of the upload.",
        "^[0-9]{1,18}$",
    ),
    (
        "Upload-Defer-Length",
        &["post"],
        "`1` if the length is told by a later request.",
        "^1$",
    ),
    (
        "Upload-Metadata",
        &["post"],
        "Pairs of a key and a value in Base64: `filename` or `name`, `filetype`, `unique_name`, \
         `is_public`, `metadata`, `document_id`.",
        "",
    ),
    (
        "Upload-Concat",
        &["post"],
        "`partial`, or `final;` and the URLs of the parts that are joined.",
        "^(partial|final;.+)$",
    ),
    (
        "Upload-Offset",
        &["patch"],
        "Where the bytes begin: the durable bytes so far.",
        "^[0-9]{1,18}$",
    ),
    (
        "Upload-Checksum",
        &["post", "patch"],
        "`sha1`, `sha256`, `md5` or `crc32`, a space, and the digest of the body in Base64; may also be \
         a trailer that `Trailer` announces.",
        "^(sha1|sha256|md5|crc32) [A-Za-z0-9+/]+=*$",
    ),
];

/// Adds the fields to the operations on uploads.
pub fn document_tus(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let uploads = paths.filter(|(path, _)| path.contains("/uploads"));
    for (_, operations) in uploads {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            document_operation(method, operation);
        }
    }
}

fn document_operation(method: &str, operation: &mut Value) {
    let fields = FIELDS
        .iter()
        .filter(|(_, methods, ..)| methods.contains(&method));
    for (name, _, description, pattern) in fields {
        let mut schema = json!({"type": "string"});
        if !pattern.is_empty() {
            schema["pattern"] = json!(pattern);
        }
        let field = json!({
            "name": name, "in": "header", "required": false, "description": description, "schema": schema,
        });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(field),
            None => operation["parameters"] = json!([field]),
        }
    }
    let responses = operation["responses"].as_object_mut().into_iter().flatten();
    for (_, response) in responses {
        response["headers"]["Tus-Resumable"] = json!({
            "description": "Always `1.0.0`.", "schema": {"type": "string", "enum": ["1.0.0"]},
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_documented_where_they_count() {
        let mut document = json!({"paths": {
            "/v1/uploads/{id}": {"patch": {"responses": {"204": {}}}},
            "/v1/documents": {"post": {"responses": {"202": {}}}},
        }});
        document_tus(&mut document);
        let patch = &document["paths"]["/v1/uploads/{id}"]["patch"];
        let names = patch["parameters"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "Tus-Resumable",
                "Upload-Length",
                "Upload-Offset",
                "Upload-Checksum"
            ]
        );
        assert!(patch["responses"]["204"]["headers"]["Tus-Resumable"].is_object());
        assert_eq!(
            document["paths"]["/v1/documents"]["post"]["parameters"],
            Value::Null
        );
    }
}
