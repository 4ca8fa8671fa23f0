//! Reads a form: streams the file, and collects the fields before and after it.

use domain::{ByteSize, Hasher, MediaType};
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_DISPOSITION, HeaderName};

use super::declared::{Upload, declared_type};
use super::destination::{Destination, Received};
use super::digest_field::Digests;
use super::envelope::Envelope;
use super::fields::Fields;
use super::parameters::Parameters;
use super::parts::Parts;
use super::staged::StagedBytes;
use super::texts::Texts;
use crate::problem::{Code, Problem};

/// The transfer encoding of a part (RFC 7578, section 4.7).
const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

pub(super) async fn receive(
    upload: Upload,
    boundary: String,
    fields: Fields,
    to: &Destination,
) -> Result<Received, Problem> {
    let hashed = (!upload.digests.is_empty()).then(Hasher::default);
    let mut parts = Parts::new(Envelope::new(upload.body, hashed), &boundary);
    let mut texts = Texts::new(fields);
    let mut file = None;
    while let Some(headers) = parts.next().await? {
        check_encoding(&headers)?;
        let disposition = headers.get(CONTENT_DISPOSITION);
        let disposition = disposition.map_or(&b""[..], |value| value.as_bytes());
        let parameters = Parameters::of(disposition);
        match parameters.text("name", None).as_deref() {
            Some("file") if file.is_none() => {
                texts.describe_file(parameters);
                file = Some(receive_file(&mut parts, &headers, upload.max, to).await?);
            }
            Some("file") => texts.refuse("file", "is given more than once")?,
            Some(name) => texts.receive(&mut parts, &headers, name).await?,
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
    let fields = texts.finish()?;
    Ok(Received {
        bytes,
        declared_type,
        fields,
    })
}

/// Encoded bytes would be stored encoded.
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
    let declared_type = declared_type(headers);
    let digests =
        Digests::of(headers).map_err(|error| Problem::from(Code::BadDigest).because(error))?;
    let bytes = futures::stream::try_unfold(parts, |parts| async move {
        Ok(parts.file_chunk().await?.map(|chunk| (chunk, parts)))
    });
    let bytes = to.stage(bytes, max, &digests).await?;
    Ok((bytes, declared_type))
}
