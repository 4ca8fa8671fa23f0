//! The scope that each operation requires of an API key: one rule for the layer that refuses keys
//! and for the OpenAPI document.

use domain::Scope;
use poem::http::Method;

/// Returns the scope that a key needs for the operation at a documented path; `None` if every key
/// will do: what a key tells and changes of itself, and what needs no key.
#[must_use]
pub fn required_scope(method: &Method, pattern: &str) -> Option<Scope> {
    let mut segments = pattern.trim_start_matches('/').split('/');
    if segments.next() != Some("v1") {
        return None;
    }
    match segments.next()? {
        "admin" => Some(Scope::Admin),
        "documents" if *method == Method::GET || *method == Method::HEAD => {
            Some(Scope::DocumentsRead)
        }
        // Whoever uploads asks how far an upload has come.
        "documents" | "uploads" | "direct-uploads" => Some(Scope::DocumentsWrite),
        "operations" => Some(Scope::Operations),
        "events" => Some(Scope::Events),
        "webhooks" => Some(Scope::Webhooks),
        "tickets" => Some(Scope::Tickets),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_changing_documents_are_two_scopes() {
        let content = "/v1/documents/{id}/content";
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(required_scope(&method, content), Some(Scope::DocumentsRead));
        }
        for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(
                required_scope(&method, content),
                Some(Scope::DocumentsWrite)
            );
        }
    }

    #[test]
    fn what_needs_no_key_needs_no_scope() {
        for pattern in ["/", "/public/{unique_name}", "/v1/me", "/health/live"] {
            assert_eq!(required_scope(&Method::GET, pattern), None);
        }
    }
}
