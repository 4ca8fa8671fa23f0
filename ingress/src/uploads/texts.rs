//! Decodes form fields: in the charset of their part, or of the form (RFC 7578, sections 4.5 and
//! 4.6).

use encoding_rs::{Encoding, UTF_8};
use poem::http::HeaderMap;
use poem::http::header::CONTENT_TYPE;

use super::charset::{charset, decode, form_charset};
use super::fields::Fields;
use super::parameters::Parameters;
use super::parts::Parts;
use crate::problem::Problem;

/// The field with the default charset.
const CHARSET: &str = "_charset_";
/// Its size limit.
const MAX_CHARSET: usize = 64;

/// The fields of a form. The charset may come last, so undecoded fields are kept, each once and
/// within its limit.
pub(super) struct Texts {
    fields: Fields,
    charset: Option<&'static Encoding>,
    waiting: Vec<(&'static str, Vec<u8>)>,
    file: Option<Parameters>,
}

impl Texts {
    /// Starts with the fields known before.
    pub(super) fn new(fields: Fields) -> Self {
        Self {
            fields,
            charset: None,
            waiting: Vec::new(),
            file: None,
        }
    }

    /// Records the file name of the file's part.
    pub(super) fn describe_file(&mut self, parameters: Parameters) {
        self.file = Some(parameters);
    }

    /// Refuses a field.
    pub(super) fn refuse(&mut self, field: &str, detail: impl Into<String>) -> Result<(), Problem> {
        self.fields.refuse(field, detail);
        self.fields.check()
    }

    /// Reads a field, whose part has these `headers`.
    pub(super) async fn receive(
        &mut self,
        parts: &mut Parts,
        headers: &HeaderMap,
        name: &str,
    ) -> Result<(), Problem> {
        let (name, max) = match self.fields.known(name) {
            Some(known) => known,
            None if name == CHARSET => (CHARSET, MAX_CHARSET),
            None => return self.refuse(name, "is not a field of this form"),
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = parts.chunk().await? {
            if bytes.len() + chunk.len() > max {
                return self.refuse(name, format!("must have at most {max} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !self.fields.claim(name) {
            return self.fields.check();
        }
        if name == CHARSET {
            return self.set_charset(&bytes);
        }
        match declared(headers) {
            Some(label) => self.read_declared(name, &label, &bytes),
            None if self.charset.is_some() || is_same_in_all(&bytes) => {
                self.read(name, self.charset.unwrap_or(UTF_8), &bytes);
            }
            None => self.waiting.push((name, bytes)),
        }
        self.fields.check()
    }

    /// Decodes all fields after the last part.
    pub(super) fn finish(mut self) -> Result<Fields, Problem> {
        for (name, bytes) in std::mem::take(&mut self.waiting) {
            self.read(name, self.charset.unwrap_or(UTF_8), &bytes);
        }
        let file_name = self.file.take();
        let file_name = file_name.and_then(|file| file.text("filename", self.charset));
        let file_name = file_name.as_deref().map(without_folders);
        self.fields.read_file_name(file_name);
        self.fields.check_named()?;
        Ok(self.fields)
    }

    fn set_charset(&mut self, label: &[u8]) -> Result<(), Problem> {
        // Scripts send it empty, as in the page.
        if label.trim_ascii().is_empty() {
            return Ok(());
        }
        self.charset = form_charset(label);
        if self.charset.is_some() {
            return Ok(());
        }
        self.refuse(
            CHARSET,
            format!("is not a charset of forms: {}", shown(label)),
        )
    }

    fn read_declared(&mut self, name: &'static str, label: &[u8], bytes: &[u8]) {
        if let Some(charset) = charset(label) {
            self.read(name, charset, bytes);
        } else {
            let detail = format!("has an unknown charset: {}", shown(label));
            self.fields.refuse(name, detail);
        }
    }

    fn read(&mut self, name: &'static str, charset: &'static Encoding, bytes: &[u8]) {
        match decode(charset, bytes) {
            Some(text) => self.fields.set(name, &text),
            None => self
                .fields
                .refuse(name, format!("must be {}", charset.name())),
        }
    }
}

/// Returns the charset label of a part.
fn declared(headers: &HeaderMap) -> Option<Vec<u8>> {
    let parameters = Parameters::of_media_type(headers.get(CONTENT_TYPE)?.as_bytes());
    let label = parameters.get("charset")?.to_vec();
    (!label.is_empty()).then_some(label)
}

/// Returns a label for display.
fn shown(label: &[u8]) -> String {
    let label = &label[..label.len().min(MAX_CHARSET)];
    String::from_utf8_lossy(label).into_owned()
}

/// Returns whether all charsets decode these bytes alike. ISO-2022 uses control characters.
fn is_same_in_all(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

/// Old browsers send the path that a file has on Windows. Its last segment is the name
/// (RFC 7578, section 4.2). The backslashes at the beginning of a share are two, or, where they
/// are read as one that quotes the other, one.
fn without_folders(file_name: &str) -> &str {
    let is_path = match file_name.as_bytes() {
        [b'\\', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    };
    let last = file_name.rsplit(['\\', '/']).next();
    last.filter(|_| is_path).unwrap_or(file_name)
}
