//! An upload in pieces, by tus 1.0.0. After an error it goes on where the service says.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, Method};
use uuid::Uuid;

use super::{Source, Target, Transfer, Uploaded};
use crate::http::{Answer, Call, IDEMPOTENCY_KEY, Moved, counted, pause};
use crate::{Client, Error};

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// Where an upload is.
pub(super) struct Place {
    pub upload: Uuid,
    pub offset: u64,
    /// The document that it has become, and the number of the version.
    pub became: Option<(Uuid, Option<u32>)>,
}

/// A part of an upload.
pub(super) struct Part<'a> {
    pub source: &'a Source,
    /// The offset of its first byte in the upload.
    pub begins: u64,
    /// The length of the upload, if the service doesn't know it yet.
    pub tells: Option<u64>,
    /// Whether the upload ends with it.
    pub is_last: bool,
}

impl Client {
    pub(super) async fn upload_in_pieces(
        &self,
        source: &Source,
        target: &Target,
        transfer: &Transfer,
    ) -> Result<Uploaded, Error> {
        let place = if let Some(place) = self.found(transfer.resumes).await? {
            place
        } else {
            let length = Some(source.length());
            self.begin(length, target, transfer).await?
        };
        let upload = place.upload;
        transfer.tell_progress(place.offset);
        let part = Part {
            source,
            begins: 0,
            tells: None,
            is_last: true,
        };
        match self.send_part(place, &part, transfer).await {
            Ok(place) => {
                source
                    .check(place.became.map(|(document, _)| document))
                    .await?;
                self.uploaded(&place).await
            }
            Err(error) => {
                if matches!(error, Error::Changed { .. }) {
                    // Nobody goes on with it.
                    drop(self.end_upload(upload).await);
                }
                Err(error)
            }
        }
    }

    /// Sends a part of an upload to its end, over broken connections; of the last part, until the
    /// upload has become a document.
    pub(super) async fn send_part(
        &self,
        mut place: Place,
        part: &Part<'_>,
        transfer: &Transfer,
    ) -> Result<Place, Error> {
        let end = part.begins + part.source.length();
        let mut failures = 0;
        while place.became.is_none() && (part.is_last || place.offset < end) {
            part.source.check(None).await?;
            let before = place.offset;
            match self.append(&place, part, transfer).await {
                Ok(next) => place = next,
                Err(error) if may_go_on(&error) && failures < self.inner.attempts => {
                    failures += 1;
                    part.source.check(None).await?;
                    pause(failures, error.retry_after()).await;
                    place = self.offset(place.upload).await?;
                    transfer.tell_progress(place.offset);
                }
                Err(error) => return Err(error),
            }
            if place.offset > before {
                failures = 0;
            }
        }
        Ok(place)
    }

    /// What an upload has become.
    pub(super) async fn uploaded(&self, place: &Place) -> Result<Uploaded, Error> {
        let (id, version) = place.became.unwrap_or((place.upload, None));
        let document = self.document(id).await?;
        Ok(Uploaded { document, version })
    }

    /// An upload of before, if it still exists.
    async fn found(&self, upload: Option<Uuid>) -> Result<Option<Place>, Error> {
        let Some(upload) = upload else {
            return Ok(None);
        };
        match self.offset(upload).await {
            Ok(place) => Ok(Some(place)),
            Err(Error::Unexpected { status, .. }) if matches!(status.as_u16(), 404 | 410) => {
                Ok(None)
            }
            Err(Error::Refused(problem)) if matches!(problem.status, 404 | 410) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins an upload, of this length if it is known.
    pub(super) async fn begin(
        &self,
        length: Option<u64>,
        target: &Target,
        transfer: &Transfer,
    ) -> Result<Place, Error> {
        let call = tus(Method::POST, &["v1", "uploads"]);
        let call = match length {
            Some(length) => call.header(UPLOAD_LENGTH, &length.to_string()),
            None => call.header(UPLOAD_DEFER_LENGTH, "1"),
        };
        let mut call = call.header(UPLOAD_METADATA, &metadata(target));
        // An upload that is gone would be answered again under its key.
        let key = transfer.idempotency_key.as_ref();
        if let Some(key) = key.filter(|_| transfer.resumes.is_none()) {
            call.set(IDEMPOTENCY_KEY, key);
        }
        let answer = self.send(call).await?;
        let location = answer.header(LOCATION.as_str()).unwrap_or_default();
        let id = location.rsplit('/').next().and_then(|id| id.parse().ok());
        let upload = id.ok_or_else(|| answer.unexpected("it names no upload"))?;
        transfer.tell_created(upload);
        Ok(Place {
            upload,
            offset: answer.number(UPLOAD_OFFSET.as_str()).unwrap_or_default(),
            became: became(&answer),
        })
    }

    /// Asks where an upload goes on.
    async fn offset(&self, upload: Uuid) -> Result<Place, Error> {
        let call = tus(Method::HEAD, &["v1", "uploads", &upload.to_string()]);
        let answer = self.send(call).await?;
        placed(upload, &answer)
    }

    /// Sends the next piece of a part.
    async fn append(
        &self,
        place: &Place,
        part: &Part<'_>,
        transfer: &Transfer,
    ) -> Result<Place, Error> {
        let (offset, source) = (place.offset, part.source);
        let Some(at) = offset.checked_sub(part.begins) else {
            return Err(Error::Reader(io::ErrorKind::NotSeekable.into()));
        };
        let length = source.length().saturating_sub(at).min(self.inner.piece);
        let mut call = tus(Method::PATCH, &["v1", "uploads", &place.upload.to_string()])
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header(UPLOAD_OFFSET, &offset.to_string());
        if let Some(total) = part.tells {
            call.set(UPLOAD_LENGTH, &total.to_string());
        }
        // The offset guards it.
        call.headers.remove(IDEMPOTENCY_KEY);
        let moved = Moved::default();
        let transfer = transfer.clone();
        let stream = source.read(at, length).await?;
        let body = counted(stream, moved.clone(), move |sent| {
            transfer.tell_progress(offset + sent);
        });
        let answer = self.send_once(&call, body, length, &moved).await?;
        let next = placed(place.upload, &answer)?;
        if next.offset <= offset && next.became.is_none() {
            return Err(answer.unexpected("it took no bytes"));
        }
        Ok(next)
    }
}

/// A request that names the version of tus.
fn tus(method: Method, segments: &[&str]) -> Call {
    Call::new(method, segments).header(TUS_RESUMABLE, "1.0.0")
}

/// Whether asking for the offset and going on there may help.
fn may_go_on(error: &Error) -> bool {
    let at_another_offset = error.problem().is_some_and(|problem| problem.status == 409);
    error.is_transient() || at_another_offset
}

fn placed(upload: Uuid, answer: &Answer) -> Result<Place, Error> {
    let offset = answer.number(UPLOAD_OFFSET.as_str());
    Ok(Place {
        upload,
        offset: offset.ok_or_else(|| answer.unexpected("it tells no offset"))?,
        became: became(answer),
    })
}

fn became(answer: &Answer) -> Option<(Uuid, Option<u32>)> {
    let document = answer.header("dossier-document")?.parse().ok()?;
    let version = answer.header("dossier-version");
    Some((document, version.and_then(|version| version.parse().ok())))
}

/// `Upload-Metadata`: keys, and values in Base64.
fn metadata(target: &Target) -> String {
    let mut pairs = vec![("filename", target.name().to_owned())];
    if let Some(declared) = target.declared_type() {
        pairs.push(("filetype", declared.to_owned()));
    }
    match target {
        Target::Version { document, .. } => pairs.push(("document_id", document.to_string())),
        Target::Document(new) => {
            if let Some(unique_name) = &new.unique_name {
                pairs.push(("unique_name", unique_name.clone()));
            }
            if new.is_public {
                pairs.push(("is_public", "true".to_owned()));
            }
            if !new.metadata.is_empty() {
                let metadata = serde_json::Value::from(new.metadata.clone());
                pairs.push(("metadata", metadata.to_string()));
            }
        }
    }
    let pairs = pairs.iter();
    let pairs = pairs.map(|(key, value)| format!("{key} {}", STANDARD.encode(value)));
    pairs.collect::<Vec<_>>().join(",")
}
