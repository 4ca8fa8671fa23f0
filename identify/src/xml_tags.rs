//! Tags and attributes of XML without a parser: what is no tag is skipped. Names are compared as they are
//! written, so parts of packages are looked at in lower case.

/// Every tag whose local name is `name`, without its angle brackets.
pub(crate) fn tags<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    xml.split('<').skip(1).filter_map(move |piece| {
        let tag = piece.split('>').next()?;
        let qualified = tag.split([' ', '\t', '\r', '\n', '/']).next()?;
        let local = qualified.rsplit(':').next()?;
        (local == name).then_some(tag)
    })
}

/// The value of an attribute, in a tag or what follows its name.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        rest = &rest[at + name.len()..];
        if !before.is_some_and(char::is_whitespace) {
            continue;
        }
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start();
        let quote = value
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))?;
        return value[1..].split(quote).next();
    }
}
