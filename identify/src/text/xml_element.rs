//! An element of XML or HTML, as its opening tag is written.

/// An opening tag.
pub(super) struct Element<'a> {
    pub(super) qualified: &'a str,
    pub(super) local: &'a str,
    pub(super) attributes: &'a str,
    pub(super) has_namespace: bool,
    pub(super) self_closed: bool,
}

impl<'a> Element<'a> {
    pub(super) fn first(text: &'a str) -> Option<Self> {
        let inside = text.strip_prefix('<')?;
        let end = inside.find('>').unwrap_or(inside.len());
        let tag = &inside[..end];
        let qualified = tag.split([' ', '\t', '\r', '\n', '/']).next()?;
        if !qualified.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            return None;
        }
        let local = qualified.rsplit(':').next()?;
        let attributes = &tag[qualified.len()..];
        Some(Self {
            qualified,
            local,
            attributes,
            has_namespace: attributes.contains("xmlns"),
            self_closed: tag.ends_with('/'),
        })
    }
}

/// Names of elements and doctypes are the same in any case to HTML.
pub(super) fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|piece| piece.eq_ignore_ascii_case(start))
}
