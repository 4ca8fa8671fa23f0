//! A writer that keeps each log record on one line: escapes line breaks inside a record, so that
//! nothing a client sends can forge a record.

use std::io::{self, Write};

/// A writer that receives one record at a time, including its line end.
pub struct OneLine<W>(pub W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let (text, end) = match record.strip_suffix(b"\n") {
            Some(text) => (text, &b"\n"[..]),
            None => (record, &b""[..]),
        };
        if !text.iter().any(|byte| breaks(*byte)) {
            self.0.write_all(record)?;
            return Ok(record.len());
        }
        let mut line = Vec::with_capacity(record.len() + 16);
        for byte in text {
            if breaks(*byte) {
                line.extend(byte.escape_ascii());
            } else {
                line.push(*byte);
            }
        }
        line.extend_from_slice(end);
        self.0.write_all(&line)?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns whether some program treats the character as a line break.
const fn breaks(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Captures what was written.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool) -> String {
        let written = Shared::default();
        let writer = written.clone();
        let builder = tracing_subscriber::fmt().with_writer(move || OneLine(writer.clone()));
        let log = || {
            let evil = "report\nINFO all is well\r\n.pdf";
            let span = tracing::info_span!("request", name = evil);
            let _within = span.enter();
            tracing::warn!(name = %evil, other = evil, "refused {evil}");
        };
        if json {
            tracing::subscriber::with_default(builder.json().finish(), log);
        } else {
            tracing::subscriber::with_default(builder.with_ansi(false).finish(), log);
        }
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_record_is_one_line_whatever_it_tells_of() {
        for json in [false, true] {
            let text = logged(json);
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.ends_with('\n') && !text.contains('\r'), "{text}");
            assert!(text.contains("all is well"), "{text}");
        }
    }
}
