//! Changes to a document, as a merge patch (RFC 7396).

use std::collections::BTreeMap;

use domain::Metadata;
use ledger::DocumentChanges;
use poem_openapi::Object;
use serde_json::Value;

use super::{NameText, UniqueNameText, truth};
use crate::http::{FromMembers, Members};

/// Changes to a document; members left out keep their values.
#[derive(Debug, Object)]
#[oai(rename = "DocumentChanges")]
pub struct DocumentChangesBody {
    /// A new name.
    pub name: Option<NameText>,
    /// A name that is unique across the service; `null` removes it.
    #[oai(nullable)]
    pub unique_name: Option<UniqueNameText>,
    /// Whether anybody may read it by its unique name, which is required then.
    pub is_public: Option<bool>,
    /// Merged into the metadata at every depth; members that are `null` are removed.
    pub metadata: Option<BTreeMap<String, Value>>,
}

impl FromMembers for DocumentChanges {
    type Schema = DocumentChangesBody;

    fn take(members: &mut Members) -> Option<Self> {
        let name = members.change("name");
        let name = members.not_null("name", name);
        let unique_name = members.change("unique_name").patch();
        let is_public = members.change_with("is_public", |value| truth(&value));
        let is_public = members.not_null("is_public", is_public);
        let metadata = members.change_with("metadata", |value| {
            Metadata::check_patch(&value).map(|()| value)
        });
        let metadata = members.not_null("metadata", metadata);
        Some(Self {
            name,
            unique_name,
            is_public,
            metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::read_object;

    fn changes(body: &Value) -> Result<DocumentChanges, Vec<String>> {
        let changes = read_object(body.to_string().as_bytes());
        changes.map_err(|problem| problem.pointers_for_tests())
    }

    #[test]
    fn silence_keeps_and_null_gives_up() {
        assert_eq!(changes(&json!({})), Ok(DocumentChanges::default()));
        let read = changes(&json!({"unique_name": null, "metadata": {"a": null}})).unwrap();
        assert_eq!(read.unique_name, Some(None));
        assert_eq!(read.metadata, Some(json!({"a": null})));
    }

    #[test]
    fn every_bad_member_is_named() {
        for bad in [json!(null), json!(7), json!([])] {
            let body =
                json!({"name": bad, "is_public": bad, "metadata": bad, "id": 1, "unique_name": 7});
            let mut pointers = changes(&body).unwrap_err();
            pointers.sort();
            assert_eq!(
                pointers,
                ["/id", "/is_public", "/metadata", "/name", "/unique_name"],
                "{bad}"
            );
        }
    }
}
