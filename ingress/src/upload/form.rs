//! Reads a form: the file streams on as it comes, the fields stand before or after it.

use futures::StreamExt;
use multer::{Field, Multipart};
use shared::domain::{ByteSize, Hasher, MediaType};

use super::Digests;
use super::declared::Upload;
use super::envelope::Envelope;
use super::fields::Fields;
use super::receive::{Destination, Received};
use super::staged::StagedBytes;
use crate::problem::{Code, Problem};

pub(super) async fn receive(
    upload: Upload,
    boundary: String,
    mut fields: Fields,
    to: &Destination,
) -> Result<Received, Problem> {
    let hashed = (!upload.digests.is_empty()).then(Hasher::default);
    let envelope = Envelope::new(upload.body, hashed);
    let mut form = Multipart::new(envelope.clone(), boundary);
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().map(str::to_owned).as_deref() {
            Some("file") if file.is_none() => {
                fields.read_file_name(field.file_name());
                fields.check()?;
                file = Some(receive_file(field, &envelope, upload.max, to).await?);
            }
            Some("file") => {
                fields.refuse("file", "is given more than once");
                fields.check()?;
            }
            Some(name) => receive_field(field, name, &mut fields).await?,
            None => {
                return Err(Problem::from(Code::BadMultipart).with_detail("A part has no name."));
            }
        }
    }
    drop(form);
    if envelope
        .finish()
        .await?
        .is_some_and(|whole| !upload.digests.match_with(whole))
    {
        return Err(Code::DigestMismatch.into());
    }
    let Some((bytes, declared_type)) = file else {
        return Err(Problem::invalid_field("/file", "is required"));
    };
    Ok(Received {
        bytes,
        declared_type,
        fields,
    })
}

async fn receive_file(
    field: Field<'static>,
    envelope: &Envelope,
    max: ByteSize,
    to: &Destination,
) -> Result<(StagedBytes, Option<MediaType>), Problem> {
    let declared_type = field
        .content_type()
        .and_then(|kind| kind.essence_str().parse().ok());
    let digests = Digests::of(field.headers())
        .map_err(|error| Problem::from(Code::BadDigest).because(error))?;
    let bytes = field.map(|chunk| {
        let chunk = chunk.map_err(broken)?;
        envelope.gave_out(chunk.len());
        Ok(chunk)
    });
    Ok((to.stage(bytes, max, &digests).await?, declared_type))
}

/// Reads a field other than the file, within its bound.
async fn receive_field(
    mut field: Field<'static>,
    name: &str,
    fields: &mut Fields,
) -> Result<(), Problem> {
    let Some((name, max)) = fields.known(name) else {
        fields.refuse(name, "is not a field of this form");
        return fields.check();
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > max {
            fields.refuse(name, format!("must have at most {max} bytes"));
            return fields.check();
        }
        bytes.extend_from_slice(&chunk);
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => fields.read(name, text),
        Err(_) => fields.refuse(name, "must be UTF-8"),
    }
    fields.check()
}

/// An error of the parser: of its own, or one that came through it from the body.
fn broken(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(source) => match source.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(source) => Problem::from(Code::UploadIncomplete).because(source),
        },
        error => Problem::from(Code::BadMultipart).because(error),
    }
}
