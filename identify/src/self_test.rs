//! A handful of samples whose types are beyond doubt: readiness checks run
//! them, so that a broken build or platform is seen before documents come.

use std::fmt;

use crate::decide::identify;

/// A built-in sample was judged wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestError {
    /// What the sample is.
    pub expected: &'static str,
    /// What it was taken for; `None` when it could not be read.
    pub answered: Option<&'static str>,
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the sample of {} was judged as {}",
            self.expected,
            self.answered.unwrap_or("unreadable")
        )
    }
}

impl std::error::Error for SelfTestError {}

const SAMPLES: &[(&[u8], &str)] = &[
    (b"", "application/x-empty"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "image/png"),
    (
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "application/zip",
    ),
    (b"<!DOCTYPE html><title>t</title>", "text/html"),
    (
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "image/svg+xml",
    ),
    (b"{\"a\": [1, 2]}", "application/json"),
    (b"#!/bin/sh\necho hello\n", "text/x-shellscript"),
    (b"Just a few words.\n", "text/plain"),
    (
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        "application/x-elf",
    ),
    (b"\0\x01\x02\x03\xfe\xfd\xfc", "application/octet-stream"),
];

/// Judges the built-in samples: fails with the first that is misjudged.
pub fn self_test() -> Result<(), SelfTestError> {
    for (bytes, expected) in SAMPLES.iter().copied() {
        let mut source = bytes;
        let answered = identify(&mut source, None)
            .ok()
            .map(|found| found.media_type);
        if answered != Some(expected) {
            return Err(SelfTestError { expected, answered });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_judged_rightly() {
        assert_eq!(self_test(), Ok(()));
    }
}
