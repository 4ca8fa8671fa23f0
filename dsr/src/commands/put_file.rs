//! Uploads one file, and goes on where an interrupted run ended.

use std::sync::Arc;

use client::{
    Client, Document, DocumentStatus, Metadata, NewDocument, PATIENCE, Source, Target, Transfer,
    Uuid,
};
use serde_json::Value;

use crate::cli::Put;
use crate::failure::Failure;
use crate::files::Found;
use crate::journal::{Journal, Known};
use crate::progress::{Bars, FileBar};
use crate::session::Session;

/// What the uploads of one command have in common.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub session: &'a Session<'a>,
    pub put: &'a Put,
    pub metadata: &'a Metadata,
    /// The document that gets a new version.
    pub version_of: Option<Uuid>,
    pub journal: &'a Arc<Journal>,
    pub bars: &'a Bars,
    pub is_alone: bool,
}

/// Uploads a file and, if wanted, waits until its document is active.
pub async fn put_file(job: &Job<'_>, file: &Found) -> Result<Document, Failure> {
    let bar = job.bars.file(&file.name, file.size, job.is_alone);
    let uploaded = upload(job, file, &bar).await;
    bar.end();
    let (document, version) = uploaded?;
    if !job.put.wait {
        return Ok(document);
    }
    if job.is_alone {
        job.bars.title(&format!("processing {}", file.name));
    }
    settled(&job.session.client, document.id, version).await
}

/// Waits until a document, or a new version of it, has been processed. The error of either is told.
pub async fn settled(client: &Client, id: Uuid, version: Option<u32>) -> Result<Document, Failure> {
    let Some(version) = version else {
        return Ok(client.wait_for_document(id, PATIENCE).await?);
    };
    let version = client.wait_for_version(id, version, PATIENCE).await?;
    let mut document = client.document(id).await?;
    // A version that failed leaves the document as it was.
    document.error = document.error.or(version.error);
    Ok(document)
}

async fn upload(
    job: &Job<'_>,
    file: &Found,
    bar: &FileBar,
) -> Result<(Document, Option<u32>), Failure> {
    let client = &job.session.client;
    let known = job.journal.known(file);
    if let Some(Known::Document(id)) = known {
        match client.document(id).await {
            Ok(document) if document.status != DocumentStatus::Error => {
                bar.at(file.size);
                let version = job.version_of.map(|_| document.latest_version);
                return Ok((document, version));
            }
            Ok(_) => {}
            // Somebody has deleted it since.
            Err(error) if error.code() == Some("not_found") => {}
            Err(error) => return Err(error.into()),
        }
    }
    let source = Source::file(&file.path).await?;
    let (target, journal) = (target(job, file), Arc::clone(job.journal));
    let (noted, progress) = (file.clone(), bar.clone());
    let transfer = Transfer {
        idempotency_key: known.is_none().then(|| job.journal.idempotency_key(file)),
        resumes: match known {
            Some(Known::Upload(id)) => Some(id),
            _ => None,
        },
        // Without a note the upload begins anew, no more.
        on_created: Some(Arc::new(move |id| {
            drop(journal.note(&noted, Known::Upload(id)));
        })),
        on_progress: Some(Arc::new(move |sent| progress.at(sent))),
    };
    let uploaded = client.transfer(&source, &target, &transfer).await?;
    job.journal
        .note(file, Known::Document(uploaded.document.id))?;
    Ok((uploaded.document, uploaded.version))
}

/// What the file becomes.
fn target(job: &Job<'_>, file: &Found) -> Target {
    let mut metadata = job.metadata.clone();
    if job.put.paths_as_metadata {
        metadata.insert("path".to_owned(), Value::from(file.below.clone()));
    }
    let name = job.put.name.clone().unwrap_or_else(|| file.name.clone());
    described(job.put, name, job.version_of, metadata)
}

/// What the options say of a document, or a version.
pub fn described(put: &Put, name: String, version_of: Option<Uuid>, metadata: Metadata) -> Target {
    let declared_type = put.media_type.clone();
    match version_of {
        Some(document) => Target::Version {
            document,
            name,
            declared_type,
        },
        None => Target::Document(NewDocument {
            name,
            declared_type,
            unique_name: put.unique_name.clone(),
            is_public: put.public,
            metadata,
        }),
    }
}
