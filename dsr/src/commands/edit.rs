//! Changes a document.

use client::DocumentChanges;

use crate::cli::{Edit, pairs};
use crate::failure::Failure;
use crate::output::tell_document;
use crate::session::Session;

/// Changes what the options name.
pub async fn edit(session: &Session<'_>, edit: &Edit) -> Result<(), Failure> {
    let metadata = pairs(&edit.metadata)?;
    let changes = DocumentChanges {
        name: edit.name.clone(),
        unique_name: match &edit.unique_name {
            Some(name) => Some(Some(name.clone())),
            None => edit.no_unique_name.then_some(None),
        },
        is_public: match (edit.public, edit.private) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        metadata: (!metadata.is_empty()).then_some(metadata),
    };
    if changes == DocumentChanges::default() {
        return Err(Failure::usage("nothing to change: see `dsr edit --help`"));
    }
    let id = session.find(&edit.document).await?;
    let document = session
        .client
        .change_document(id, &changes, edit.revision)
        .await?;
    session.screen.result(&document, &tell_document(&document))
}
