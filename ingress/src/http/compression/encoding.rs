//! The supported content encodings.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A content coding (RFC 9110, section 8.4.1; RFC 7932; RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Universally supported.
    Gzip,
    /// Smaller.
    Brotli,
    /// As small, and much faster on both sides.
    Zstd,
}

/// Levels that take about a millisecond for a page of a list.
const GZIP_LEVEL: u32 = 5;
const BROTLI_QUALITY: u32 = 4;
const BROTLI_WINDOW: u32 = 20;
const ZSTD_LEVEL: i32 = 3;

impl Encoding {
    /// All encodings, the preferred one last.
    pub(super) const ALL: [Self; 3] = [Self::Gzip, Self::Brotli, Self::Zstd];

    /// Its index in `ALL`.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Gzip => 0,
            Self::Brotli => 1,
            Self::Zstd => 2,
        }
    }

    /// Its name in header fields.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses a whole body.
    pub(super) fn encode(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut bytes = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(
                    &mut bytes,
                    body.len().min(1 << 16),
                    BROTLI_QUALITY,
                    BROTLI_WINDOW,
                );
                encoder.write_all(body)?;
                encoder.flush()?;
                drop(encoder);
                Ok(bytes)
            }
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_encoded_is_smaller_and_comes_back() {
        let body = "{\"status\":\"active\"},".repeat(500).into_bytes();
        for (index, encoding) in Encoding::ALL.into_iter().enumerate() {
            assert_eq!(encoding.index(), index);
            let encoded = encoding.encode(&body).unwrap();
            assert!(encoded.len() < body.len() / 4, "{encoding:?}");
            let mut decoded = Vec::new();
            match encoding {
                Encoding::Gzip => flate2::read::GzDecoder::new(&encoded[..])
                    .read_to_end(&mut decoded)
                    .unwrap(),
                Encoding::Brotli => brotli::Decompressor::new(&encoded[..], 4096)
                    .read_to_end(&mut decoded)
                    .unwrap(),
                Encoding::Zstd => {
                    decoded = zstd::bulk::decompress(&encoded, body.len()).unwrap();
                    decoded.len()
                }
            };
            assert_eq!(decoded, body, "{encoding:?}");
        }
    }
}
