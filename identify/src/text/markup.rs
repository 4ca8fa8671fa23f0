//! HTML, XHTML, XML and what is embedded in it (PHP, JSP, ASP): by the first
//! element, behind whatever declarations and comments stand before it.

use super::components;
use super::decode::Text;
use super::embedded;
use super::html_elements;
use super::xml_element::{Element, starts_with_ignoring_case};
use super::xml_roots;
use crate::finding::Finding;

/// Elements that open a page or a fragment of one.
pub(super) const HTML_ELEMENTS: &[&str] = &[
    "html",
    "head",
    "body",
    "title",
    "meta",
    "link",
    "script",
    "style",
    "table",
    "div",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "center",
    "font",
    "span",
    "a",
    "img",
    "iframe",
    "frameset",
    "form",
    "ul",
    "ol",
    "dl",
    "br",
    "hr",
    "pre",
    "b",
    "i",
    "base",
    "nav",
    "main",
    "article",
    "section",
    "header",
    "footer",
    "template",
    "button",
    "input",
    "select",
    "textarea",
    "video",
    "audio",
    "canvas",
    "object",
    "embed",
    "basefont",
    "noscript",
    "thead",
    "tr",
    "td",
    "th",
    "blockquote",
    "strong",
    "em",
    "marquee",
    "applet",
    "details",
    "figure",
];

/// What the markup is.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let body = text
        .body
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', '\u{c}', '\0', '\u{b}']);
    if let Some(found) = embedded::judge(body) {
        return Some(found);
    }
    if !body.starts_with('<') {
        return late_html(body).or_else(|| late_xml(text, body));
    }
    let declared = starts_with_ignoring_case(body, "<?xml")
        && body[..body.floor_char_boundary(200)].contains("version");
    let prolog = Prolog::skip(body);
    let root = prolog.rest;
    if prolog
        .doctype
        .as_deref()
        .is_some_and(|doctype| doctype.starts_with("html"))
    {
        let xhtml = declared && root.contains("http://www.w3.org/1999/xhtml");
        return Some(Finding::certain(if xhtml {
            "application/xhtml+xml"
        } else {
            "text/html"
        }));
    }
    if prolog.doctype.is_none() && declares_types(root) {
        return Some(Finding::certain("application/xml-dtd"));
    }
    let Some(element) = Element::first(root) else {
        let only_prolog = declared && root.trim().is_empty();
        return (declared || only_prolog).then(|| Finding::likely("application/xml"));
    };
    if let Some(doctype) = &prolog.doctype
        && let Some(media_type) = xml_roots::by_doctype(doctype)
        && element.local != "svg"
    {
        return Some(Finding::certain(media_type));
    }
    if let Some(media_type) = by_root(&element, root, declared) {
        return Some(Finding::certain(media_type).active_if(has_script(body)));
    }
    let lower = element.local.to_ascii_lowercase();
    if lower == "html" {
        return Some(Finding::certain("text/html"));
    }
    if let Some(found) = components::judge(body, &lower) {
        return Some(found);
    }
    let is_closed = is_balanced(text, root, &element);
    let mut is_document = declared || prolog.doctype.is_some();
    if !is_document && !element.has_namespace && HTML_ELEMENTS.contains(&lower.as_str()) {
        if !html_elements::is_vocabulary(root, is_closed) {
            return Some(fragment(body, &lower));
        }
        is_document = true;
    }
    if is_document || is_closed {
        return Some(Finding::certain("application/xml").active_if(has_script(body)));
    }
    late_html(body)
}

/// Types that the name of a root or a namespace tells; XHTML needs its declaration too.
fn by_root(element: &Element<'_>, root: &str, declared: bool) -> Option<&'static str> {
    let media_type = xml_roots::judge(element, root)?;
    let is_page = media_type == "application/xhtml+xml" && !declared;
    Some(if is_page { "text/html" } else { media_type })
}

/// Whether a document type definition that stands alone begins here (XML 1.0, section 2.8).
fn declares_types(root: &str) -> bool {
    let declarations = ["<!ELEMENT", "<!ATTLIST", "<!ENTITY", "<!NOTATION"];
    declarations.iter().any(|declaration| {
        let rest = root.strip_prefix(declaration);
        rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
    })
}

fn has_script(body: &str) -> bool {
    body.contains("<script")
        || body.contains("<SCRIPT")
        || body.contains(":script")
        || body.contains("javascript:")
        || body.contains("<?xml-stylesheet")
}

/// A fragment is HTML when it closes what it opens or says more than one tag;
/// prose that begins with a lone tag is read as what it goes on to be.
fn fragment(body: &str, name: &str) -> Finding {
    if matches!(
        name,
        "html"
            | "head"
            | "body"
            | "script"
            | "table"
            | "title"
            | "meta"
            | "frameset"
            | "style"
            | "iframe"
            | "thead"
            | "form"
    ) {
        return Finding::certain("text/html");
    }
    // What a document quotes between fences is not the document's.
    let start = &body[..body.floor_char_boundary(16 * 1024)];
    let outside: Vec<&str> = start.split("\n```").step_by(2).collect();
    let lower = outside.join("\n").to_ascii_lowercase();
    let fences = usize::from(outside.len() > 1);
    let markdown = ["\n# ", "\n## ", "](http", "\n![", "\n- ", "\n* "]
        .iter()
        .filter(|mark| lower.contains(*mark))
        .count()
        + fences;
    if markdown >= 2 && !lower.contains("</html>") && !lower.contains("<script") {
        return Finding::likely("text/markdown");
    }
    Finding::likely("text/html")
}

/// HTML that begins with something else: browsers would still show it.
fn late_html(body: &str) -> Option<Finding> {
    let start = &body[..body.floor_char_boundary(4096)];
    let lower = start.to_ascii_lowercase();
    let at = lower.find("<!doctype html").or_else(|| {
        lower
            .find("<html")
            .filter(|at| lower[at + 5..].starts_with(['>', ' ', '\n', '\r', '\t']))
    })?;
    let rest = body[at..].to_ascii_lowercase();
    let page = (rest.contains("<head")
        || rest.contains("<body")
        || rest.contains("<title")
        || rest.contains("<script"))
        && rest.contains("</");
    // Source code and prose quote pages; a page of its own has a line for it.
    let line = lower[..at].rsplit('\n').next().unwrap_or_default();
    let code = [
        "function ",
        "import ",
        "#include",
        "def ",
        "class ",
        "const ",
        "var ",
        "public ",
        "package ",
        "return ",
    ];
    let quoted = lower[..at].contains("```")
        || code.iter().any(|word| lower[..at].contains(word))
        || mail_like(&lower[..at]);
    (page && line.trim().is_empty() && !quoted).then(|| Finding::likely("text/html"))
}

/// XML behind a line or two of a log, as programs leave it that print both.
fn late_xml(text: &Text, body: &str) -> Option<Finding> {
    let start = &body[..body.floor_char_boundary(1024)];
    let at = start.find("\n<?xml ")? + 1;
    let (before, rest) = body.split_at(at);
    let quotes = ["<", "=", "`", "\"", "'", "{", "(", "~", "#"];
    if before.lines().count() > 3
        || quotes.iter().any(|mark| before.contains(mark))
        || mail_like(before)
    {
        return None;
    }
    let found = judge(&Text {
        body: rest.to_owned(),
        is_whole: text.is_whole,
        is_clean: text.is_clean,
        is_legacy: text.is_legacy,
    })?;
    Some(Finding::likely(found.media_type).active_if(found.active))
}

fn mail_like(before: &str) -> bool {
    [
        "from:",
        "received:",
        "content-type:",
        "mime-version:",
        "message-id:",
        "return-path:",
        "subject:",
    ]
    .iter()
    .any(|header| before.starts_with(header) || before.contains(&format!("\n{header}")))
}

/// An XML document needs no declaration, but its root must be closed.
fn is_balanced(text: &Text, root: &str, element: &Element<'_>) -> bool {
    let close = format!("</{}", element.qualified);
    let root = without_epilogue(root);
    let closed = root
        .rsplit('<')
        .next()
        .is_some_and(|last| last.starts_with(&close[1..]))
        || element.self_closed && root.ends_with("/>");
    let plausible_name = element
        .qualified
        .chars()
        .all(|letter| letter.is_alphanumeric() || matches!(letter, ':' | '-' | '_' | '.'));
    plausible_name
        && (closed || !text.is_whole && (element.has_namespace || root.matches("</").count() > 3))
}

/// The text without the comments and instructions behind its root element.
fn without_epilogue(root: &str) -> &str {
    let mut rest = root.trim_end();
    while rest.ends_with("-->") || rest.ends_with("?>") {
        let opening = if rest.ends_with("-->") { "<!--" } else { "<?" };
        let Some(at) = rest.rfind(opening) else {
            break;
        };
        rest = rest[..at].trim_end();
    }
    rest
}

/// What stands before the root element.
pub(super) struct Prolog<'a> {
    pub(super) rest: &'a str,
    /// The document type's name and identifiers, in lower case.
    doctype: Option<String>,
}

impl<'a> Prolog<'a> {
    pub(super) fn skip(body: &'a str) -> Self {
        let mut rest = body;
        let mut doctype = None;
        loop {
            rest = rest.trim_start();
            let after = if let Some(comment) = rest.strip_prefix("<!--") {
                comment.find("-->").map(|end| &comment[end + 3..])
            } else if rest.starts_with("<?") {
                rest.find("?>").map(|end| &rest[end + 2..])
            } else if starts_with_ignoring_case(rest, "<!doctype") {
                let (inside, after) = doctype_end(&rest[9..]);
                doctype = Some(inside.trim().to_ascii_lowercase());
                Some(after)
            } else {
                None
            };
            match after {
                Some(after) => rest = after,
                None => return Self { rest, doctype },
            }
        }
    }
}

/// Splits behind a document type, which may hold declarations in brackets.
fn doctype_end(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '>' if depth == 0 => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}
