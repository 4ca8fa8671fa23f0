//! Reads a form: the file streams on as it comes, the fields stand before or after it.

use domain::{ByteSize, Hasher, MediaType};
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};

use super::declared::Upload;
use super::destination::{Destination, Received};
use super::digest_field::Digests;
use super::envelope::Envelope;
use super::fields::Fields;
use super::parameters::Parameters;
use super::parts::Parts;
use super::staged::StagedBytes;
use crate::problem::{Code, Problem};

/// How the bytes of a part are written (RFC 7578, section 4.7).
const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

pub(super) async fn receive(
    upload: Upload,
    boundary: String,
    mut fields: Fields,
    to: &Destination,
) -> Result<Received, Problem> {
    let hashed = (!upload.digests.is_empty()).then(Hasher::default);
    let mut parts = Parts::new(Envelope::new(upload.body, hashed), &boundary);
    let mut file = None;
    while let Some(headers) = parts.next().await? {
        check_encoding(&headers)?;
        let disposition = headers.get(CONTENT_DISPOSITION);
        let disposition = disposition.map_or(&b""[..], |value| value.as_bytes());
        let parameters = Parameters::of(disposition);
        match parameters.text("name").as_deref() {
            Some("file") if file.is_none() => {
                let file_name = parameters.text("filename");
                fields.read_file_name(file_name.as_deref().map(without_folders));
                fields.check()?;
                file = Some(receive_file(&mut parts, &headers, upload.max, to).await?);
            }
            Some("file") => {
                fields.refuse("file", "is given more than once");
                fields.check()?;
            }
            Some(name) => receive_field(&mut parts, name, &mut fields).await?,
            None => {
                return Err(Problem::from(Code::BadMultipart).with_detail("A part has no name."));
            }
        }
    }
    let whole = parts.into_envelope().finish().await?;
    if whole.is_some_and(|whole| !upload.digests.match_with(whole)) {
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

/// Old browsers send the path that a file has on Windows. Its last segment is the name
/// (RFC 7578, section 4.2).
fn without_folders(file_name: &str) -> &str {
    let is_path = match file_name.as_bytes() {
        [b'\\', b'\\', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    };
    let last = file_name.rsplit(['\\', '/']).next();
    last.filter(|_| is_path).unwrap_or(file_name)
}

/// Bytes that are written as something else would be kept as that.
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = ["", "7bit", "8bit", "binary"];
    let encoding = headers.get(TRANSFER_ENCODING);
    let encoding = encoding.map_or(&b""[..], |value| value.as_bytes());
    if plain
        .iter()
        .any(|plain| encoding.eq_ignore_ascii_case(plain.as_bytes()))
    {
        return Ok(());
    }
    Err(Problem::from(Code::BadMultipart)
        .with_detail("Parts with a Content-Transfer-Encoding are not accepted."))
}

async fn receive_file(
    parts: &mut Parts,
    headers: &HeaderMap,
    max: ByteSize,
    to: &Destination,
) -> Result<(StagedBytes, Option<MediaType>), Problem> {
    let declared_type = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok()?.parse().ok());
    let digests =
        Digests::of(headers).map_err(|error| Problem::from(Code::BadDigest).because(error))?;
    let bytes = futures::stream::try_unfold(parts, |parts| async move {
        Ok(parts.file_chunk().await?.map(|chunk| (chunk, parts)))
    });
    let bytes = to.stage(bytes, max, &digests).await?;
    Ok((bytes, declared_type))
}

/// Reads a field other than the file, within its bound.
async fn receive_field(parts: &mut Parts, name: &str, fields: &mut Fields) -> Result<(), Problem> {
    let Some((name, max)) = fields.known(name) else {
        fields.refuse(name, "is not a field of this form");
        return fields.check();
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = parts.chunk().await? {
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
