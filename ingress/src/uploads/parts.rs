//! Parses the parts of a form (RFC 7578, RFC 2046) in sequence. Holds a chunk of the body and the
//! bounded header of one part.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use super::envelope::Envelope;
use crate::problem::{Code, Problem};

/// The longest header of a part, and the longest line after a boundary.
const LONGEST_HEADER: usize = 16 << 10;

/// Reads a form.
pub(super) struct Parts {
    envelope: Envelope,
    /// Received, not yet returned.
    buffer: BytesMut,
    /// A line end, two hyphens and the boundary.
    delimiter: Finder<'static>,
    /// Whether the content of a part, or the preamble, has not ended.
    is_open: bool,
}

impl Parts {
    /// Creates a parser of a form with this boundary.
    pub(super) fn new(envelope: Envelope, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            envelope,
            // The first boundary may be at the very beginning.
            buffer: BytesMut::from(&b"\r\n"[..]),
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            is_open: true,
        }
    }

    /// Returns the header of the next part; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<HeaderMap>, Problem> {
        while self.chunk().await?.is_some() {}
        while self.buffer.len() < 2 {
            self.receive().await?;
        }
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        let padding = self.take_until(b"\r\n").await?;
        if !padding.trim_ascii().is_empty() {
            return Err(malformed("A boundary is followed by other text."));
        }
        self.is_open = true;
        while self.buffer.len() < 2 {
            self.receive().await?;
        }
        if self.buffer.starts_with(b"\r\n") {
            // The line end belongs to the delimiter, if the part is empty.
            return Ok(Some(HeaderMap::new()));
        }
        let header = self.take_until(b"\r\n\r\n").await?;
        headers(&header).map(Some)
    }

    /// Returns the next bytes of the part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        while self.is_open {
            let delimiter = self.delimiter.needle();
            if let Some(at) = self.delimiter.find(&self.buffer) {
                if at > 0 {
                    return Ok(Some(self.buffer.split_to(at).freeze()));
                }
                self.buffer.advance(delimiter.len());
                self.is_open = false;
                break;
            }
            let sure = self.buffer.len() - begun(&self.buffer, delimiter);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.receive().await?;
        }
        Ok(None)
    }

    /// Returns the next bytes of the file, counted as such.
    pub(super) async fn file_chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let chunk = self.chunk().await?;
        if let Some(chunk) = &chunk {
            self.envelope.gave_out(chunk.len());
        }
        Ok(chunk)
    }

    /// Returns the body after the last part.
    pub(super) fn into_envelope(self) -> Envelope {
        self.envelope
    }

    /// Takes everything up to and including `end`; returns it without `end`.
    async fn take_until(&mut self, end: &[u8]) -> Result<Bytes, Problem> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, end) {
                let before = self.buffer.split_to(at).freeze();
                self.buffer.advance(end.len());
                return Ok(before);
            }
            if self.buffer.len() > LONGEST_HEADER {
                return Err(Code::TooLarge.into());
            }
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<(), Problem> {
        let chunk = self.envelope.chunk().await?;
        let chunk = chunk.ok_or_else(|| malformed("The form ends before its last boundary."))?;
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(chunk);
        } else {
            self.buffer.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

/// Returns how many bytes at the end may start the delimiter.
fn begun(bytes: &[u8], delimiter: &[u8]) -> usize {
    let most = bytes.len().min(delimiter.len() - 1);
    let begins = |length: &usize| delimiter.starts_with(&bytes[bytes.len() - length..]);
    (1..=most).rev().find(begins).unwrap_or(0)
}

/// Parses the header of a part; lines may be folded (RFC 5322, section 2.2.3).
fn headers(text: &[u8]) -> Result<HeaderMap, Problem> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\r\n").unwrap_or(rest.len());
        let line = &rest[..end];
        match lines.last_mut() {
            Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            _ => lines.push(line.to_vec()),
        }
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = memchr::memchr(b':', &line).ok_or_else(broken_header)?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| broken_header())?;
        let value = HeaderValue::from_bytes(value).map_err(|_| broken_header())?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn broken_header() -> Problem {
    malformed("The header of a part is malformed.")
}

fn malformed(detail: &'static str) -> Problem {
    Problem::from(Code::BadMultipart).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_delimiter_is_kept_back() {
        let delimiter = b"\r\n--X";
        for (bytes, kept) in [
            (&b"abc"[..], 0),
            (b"abc\r", 1),
            (b"abc\r\n-", 3),
            (b"abc\r\r\n--", 4),
            (b"\r\n\r\n", 2),
            (b"\n--X", 0),
            (b"", 0),
        ] {
            assert_eq!(begun(bytes, delimiter), kept, "{bytes:?}");
        }
    }

    #[test]
    fn folded_lines_and_odd_names_are_read() {
        let text =
            b"content-DISPOSITION: form-data;\r\n name=\"file\";\r\n\tfilename=\"a\"\r\nX : y";
        let headers = headers(text).unwrap();
        assert_eq!(
            headers["content-disposition"],
            "form-data; name=\"file\"; filename=\"a\""
        );
        assert_eq!(headers["x"], "y");
    }
}
