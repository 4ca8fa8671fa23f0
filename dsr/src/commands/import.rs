//! Makes documents of a ZIP archive.

use std::sync::Arc;

use client::{Source, Transfer};

use super::operation::follow;
use crate::cli::Import;
use crate::failure::Failure;
use crate::progress::Bars;
use crate::session::Session;

/// Uploads the archive, and waits until it is read.
pub async fn import(session: &Session<'_>, import: &Import) -> Result<(), Failure> {
    let source = Source::file(&import.archive).await?;
    let bars = Bars::new(session.screen, source.length());
    let name = import
        .archive
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let bar = bars.file(&name, source.length(), true);
    let transfer = Transfer {
        on_progress: Some(Arc::new(move |sent| bar.at(sent))),
        ..Transfer::default()
    };
    let conflict = import.on_conflict.into();
    let started = session.client.import(&source, conflict, &transfer).await;
    bars.end();
    follow(session, started?.id).await.map(drop)
}
