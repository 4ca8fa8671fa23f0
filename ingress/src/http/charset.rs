//! Detects the charset of text shown in a browser, which would otherwise treat UTF-8 as
//! windows-1252.

/// How much of a text is examined: mostly all of it, with one read of storage.
pub const HEAD: u64 = 256 << 10;

/// Returns the charset of a text that begins with `head`, if its bytes prove one. Eight-bit
/// charsets can't be distinguished, and a long text that begins with ASCII may continue in any of
/// them; then the browser decides.
#[must_use]
pub fn charset(head: &[u8], is_whole: bool) -> Option<&'static str> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Some("utf-8"),
        // UTF-32, which no browser reads.
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return None,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("utf-16"),
        _ => {}
    }
    if memchr::memchr(0, head).is_some() {
        return unmarked_utf16(head);
    }
    // ISO-2022 shifts by escapes, and is ASCII for the rest.
    if memchr::memmem::find(head, b"\x1b$").is_some() {
        return None;
    }
    let (valid, is_cut) = match std::str::from_utf8(head) {
        Ok(_) => (head, false),
        Err(error) => (&head[..error.valid_up_to()], error.error_len().is_none()),
    };
    // A character split by the cut is neither an error nor proof.
    let is_utf8 = match (is_whole, is_cut) {
        (true, _) => valid.len() == head.len(),
        (false, true) => !valid.is_ascii(),
        (false, false) => valid.len() == head.len() && !valid.is_ascii(),
    };
    is_utf8.then_some("utf-8")
}

/// UTF-16 has its zeros, those of Latin letters, in one half of the code units.
fn unmarked_utf16(head: &[u8]) -> Option<&'static str> {
    let pairs = head.as_chunks::<2>().0;
    let zeros = |half: usize| pairs.iter().filter(|pair| pair[half] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    if first.min(second) * 20 > first.max(second) {
        return None;
    }
    Some(if first > second {
        "utf-16be"
    } else {
        "utf-16le"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bytes_prove_is_told() {
        let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        let text = "Grüße, 12 Stück für 3 €\r\n";
        for (bytes, expected) in [
            (text.as_bytes().to_vec(), Some("utf-8")),
            (b"only ASCII".to_vec(), Some("utf-8")),
            (format!("\u{feff}{text}").into_bytes(), Some("utf-8")),
            (
                wide(&format!("\u{feff}{text}"), u16::to_le_bytes),
                Some("utf-16"),
            ),
            (
                wide(&format!("\u{feff}{text}"), u16::to_be_bytes),
                Some("utf-16"),
            ),
            (wide(text, u16::to_le_bytes), Some("utf-16le")),
            (wide(text, u16::to_be_bytes), Some("utf-16be")),
            (b"Gr\xfc\xdfe".to_vec(), None),
            (b"\xcf\xf0\xe8\xe2\xe5\xf2".to_vec(), None),
            (b"\x1b$B$3$s\x1b(B".to_vec(), None),
            (
                text.chars()
                    .flat_map(|c| u32::from(c).to_le_bytes())
                    .collect(),
                None,
            ),
            (text.as_bytes()[..3].to_vec(), None),
        ] {
            assert_eq!(charset(&bytes, true), expected, "{bytes:?}");
        }
        assert_eq!(charset(&text.as_bytes()[..3], false), None);
        assert_eq!(charset(&text.as_bytes()[..6], false), Some("utf-8"));
    }

    #[test]
    fn the_beginning_proves_nothing_of_a_rest_that_it_does_not_show() {
        let long = "a".repeat(70_000);
        let mixed = [long.as_bytes(), b"\xfc"].concat();
        assert_eq!(charset(&mixed, true), None);
        assert_eq!(charset(long.as_bytes(), true), Some("utf-8"));
        assert_eq!(charset(long.as_bytes(), false), None);
        // The last byte may begin a character of UTF-8, or be one of another charset.
        assert_eq!(charset(&[long.as_bytes(), b"\xc3"].concat(), false), None);
        let proved = format!("ü{long}");
        assert_eq!(charset(proved.as_bytes(), false), Some("utf-8"));
    }
}
