//! Documents the request's header fields that layers and helpers read, which no handler takes as
//! parameters.

use serde_json::{Value, json};

/// A field: its name, and what it is for.
type Field = (&'static str, &'static str);

/// Fields of operations that answer with content.
const CONTENT: &[Field] = &[
    (
        "Range",
        "The parts that are asked for, such as `bytes=0-499` (RFC 9110): 50 at most.",
    ),
    (
        "If-Range",
        "The entity tag or date of which the parts are asked; of another one the whole is sent.",
    ),
    (
        "If-Match",
        "Entity tags of the content that is asked for; for another one the answer is 412.",
    ),
    (
        "If-Unmodified-Since",
        "As `If-Match`, by the date of `Last-Modified`.",
    ),
    (
        "If-Modified-Since",
        "As `If-None-Match`, by the date of `Last-Modified`.",
    ),
];

/// The field of operations that answer 304.
const CACHED: &[Field] = &[(
    "If-None-Match",
    "Entity tags of copies that the client has; if one is current, the answer is 304.",
)];

/// The field of a body's digest.
const BODY_DIGEST: Field = (
    "Content-Digest",
    "The digest of the body (RFC 9530), `sha-256=:…:`. A body with another one is refused.",
);

/// The field of a document's digest.
const DOCUMENT_DIGEST: Field = (
    "Repr-Digest",
    "The digest of the bytes to be stored, in the same form. Within a form, the fields of a part count \
     for the part.",
);

/// The field of uploads by the IETF's draft.
const COMPLETENESS: Field = (
    "Upload-Complete",
    "Whether the upload ends with this request (draft-ietf-httpbis-resumable-upload): after `?0` more \
     bytes follow, at the URL in `Location`; `?1` are all, or the rest.",
);

/// Fields of requests that may begin an upload by the IETF's draft.
const BEGIN: &[Field] = &[
    BODY_DIGEST,
    DOCUMENT_DIGEST,
    COMPLETENESS,
    (
        "Upload-Length",
        "The length of the whole, with `Upload-Complete`.",
    ),
];

/// The name of a document that is uploaded by the IETF's draft.
const FILE_NAME: Field = (
    "Content-Disposition",
    "With `Upload-Complete: ?0`, its `filename` is the name of the document unless `name` is given.",
);

/// The revision of a document that gets a version by a resumable upload.
const REVISION: Field = (
    "If-Match",
    "With `document_id` in `Upload-Metadata`: changes only this revision; else the answer is 412.",
);

/// Adds the fields to the operations that read them.
pub fn document_request_fields(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            let is_read = matches!(method.as_str(), "get" | "head");
            let answers = |status: &str| operation["responses"][status].is_object();
            let (in_parts, if_new) = (answers("206"), answers("304"));
            if is_read && in_parts {
                add(operation, CONTENT);
            }
            if is_read && if_new {
                add(operation, CACHED);
            }
            add(operation, &of_upload(method, path));
        }
    }
}

/// The fields of an operation that takes bytes.
fn of_upload(method: &str, path: &str) -> Vec<Field> {
    match (method, path) {
        ("post", "/v1/documents") => [BEGIN, &[FILE_NAME]].concat(),
        ("put", "/v1/documents/{id}/content") => BEGIN.to_vec(),
        ("post", "/v1/operations/import" | "/t/{secret}") => vec![BODY_DIGEST, DOCUMENT_DIGEST],
        ("post", "/v1/uploads") => vec![
            BODY_DIGEST,
            DOCUMENT_DIGEST,
            COMPLETENESS,
            FILE_NAME,
            REVISION,
        ],
        ("patch", "/v1/uploads/{id}") => vec![BODY_DIGEST, COMPLETENESS],
        _ => vec![],
    }
}

/// Any text is taken: what can't be read is ignored, or refused by what it says.
fn add(operation: &mut Value, fields: &[Field]) {
    for (name, description) in fields {
        let field = json!({
            "name": name, "in": "header", "required": false, "description": description,
            "schema": {"type": "string"},
        });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(field),
            None => operation["parameters"] = json!([field]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::tests::app::App;

    /// The header fields of an operation, in alphabetical order.
    fn names(document: &Value, method: &str, path: &str) -> Vec<String> {
        let parameters = document["paths"][path][method]["parameters"].as_array();
        let fields = parameters.into_iter().flatten();
        let fields = fields.filter(|field| field["in"] == "header");
        let mut names: Vec<_> = fields
            .map(|field| {
                assert_eq!(field["required"], false, "{method} {path}: {field}");
                field["name"].as_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn fields_are_documented_where_they_are_read() {
        let app = App::start().await;
        let document = app.nobody().get("/openapi.json").await.json();
        let content = "If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Range";
        let digests = "Content-Digest Idempotency-Key Repr-Digest";
        let version = "Content-Digest Idempotency-Key If-Match Prefer Repr-Digest Upload-Complete \
                       Upload-Length";
        for (method, path, expected) in [
            ("get", "/v1/documents/{id}/content", content),
            ("head", "/v1/documents/{id}/content", content),
            (
                "get",
                "/v1/documents/{id}/versions/{number}/content",
                content,
            ),
            ("get", "/v1/operations/{id}/result", content),
            ("head", "/public/{unique_name}/content", content),
            ("get", "/v1/documents/{id}", "If-None-Match"),
            ("get", "/public/{unique_name}", "If-None-Match"),
            ("get", "/openapi.json", "If-None-Match"),
            ("put", "/v1/documents/{id}/content", version),
            ("post", "/v1/operations/import", digests),
            (
                "post",
                "/t/{secret}",
                "Content-Digest Idempotency-Key Prefer Repr-Digest",
            ),
            ("get", "/v1/usage", ""),
        ] {
            let names = names(&document, method, path);
            assert_eq!(names.join(" "), expected, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn no_field_is_documented_twice() {
        let app = App::start().await;
        let document = app.nobody().get("/openapi.json").await.json();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let mut all = names(&document, method, path);
                let count = all.len();
                all.dedup();
                assert_eq!(all.len(), count, "{method} {path}");
            }
        }
    }
}
