//! JSON and its relatives, by a small strict parser that never recurses
//! deeper than it may: `GeoJSON`, notebooks, glTF, and lines of JSON.

use super::decode::Text;
use crate::finding::Finding;

const DEEPEST: usize = 128;
const MOST_DOCUMENTS: usize = 1000;

/// What the JSON is: an object or an array from beginning to end.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let body = text.body.trim_start_matches('\u{feff}').trim();
    // Each text behind a separator (RFC 7464).
    if let Some(first) = body.strip_prefix('\u{1e}') {
        let is_text = first.lines().next().is_some_and(is_value) && first.starts_with(['{', '[']);
        return is_text.then(|| Finding::certain("application/json-seq"));
    }
    if !body.starts_with(['{', '[']) {
        return None;
    }
    let mut parser = Parser::new(body);
    let outcome = parser.value(0);
    let rest = parser.rest().trim_start();
    match outcome {
        Ok(()) if rest.is_empty() => Some(kind(body, &parser.keys)),
        Ok(()) if rest.starts_with(['{', '[']) => lines(text).or_else(|| documents(body)),
        // What is cut short was right so far, and that far is enough.
        Err(Broken::Short) if parser.at > 64 => {
            if first_line_is_whole(body) {
                lines(text)
            } else {
                Some(kind(body, &parser.keys))
            }
        }
        _ => None,
    }
}

/// Whether a name may call this JSON: JSON with comments, trailing commas,
/// single values, or JSON that was cut short.
pub(super) fn is_tolerable(text: &Text) -> bool {
    let body = text.body.trim_start_matches('\u{feff}').trim();
    if is_whole_value(body) {
        return true;
    }
    let closed = !text.is_whole
        || body.ends_with(['}', ']'])
        || body
            .lines()
            .next_back()
            .is_some_and(|line| line.starts_with("//"));
    // Blocks of queries and of C begin with a bare word as well.
    let inside = without_remarks(without_remarks(body).get(1..).unwrap_or_default());
    let is_bare = inside.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    let is_block = without_remarks(body).starts_with('{') && is_bare;
    opens_as_value(body) && closed && !is_block
}

/// Whether an object or an array begins here that people have written, with comments, single
/// quotes and bare keys.
pub(super) fn opens_as_value(body: &str) -> bool {
    let body = without_remarks(body);
    let rest = without_remarks(body.get(1..).unwrap_or_default());
    let quoted = rest.starts_with(['"', '\'']);
    match body.as_bytes().first() {
        Some(b'{') => {
            let word = rest
                .find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$')
                .unwrap_or(rest.len());
            let key = !rest[..word].is_empty() && rest[word..].trim_start().starts_with(':');
            quoted || key || rest.starts_with('}')
        }
        Some(b'[') => {
            let begins = |letter: char| letter.is_ascii_digit() || "[{]-".contains(letter);
            quoted
                || rest.starts_with(begins)
                || ["true", "false", "null"]
                    .iter()
                    .any(|word| rest.starts_with(word))
        }
        _ => false,
    }
}

/// What follows blanks and comments.
fn without_remarks(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = if rest.starts_with("//") {
            rest.find('\n').map(|end| &rest[end..])
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| &rest[end + 2..])
        } else {
            None
        };
        match after {
            Some(after) => rest = after.trim_start(),
            None => return rest,
        }
    }
}

/// Whether JSON has the keys that a kind of it which a name claims must have.
pub(crate) fn has_keys_of(text: &Text, named: &str) -> bool {
    let body = text.body.trim_start_matches('\u{feff}').trim();
    let mut parser = Parser::new(body);
    let _cut_or_whole = parser.value(0);
    let has = |keys: &[&str]| keys.iter().any(|key| parser.keys.contains(key));
    match named {
        "application/ld+json" => {
            let own = ["\"@id\"", "\"@type\"", "\"@value\"", "\"@graph\""];
            has(&["@context"]) || own.iter().any(|key| body.contains(key))
        }
        "application/manifest+json" => {
            has(&["name", "short_name"]) && has(&["start_url", "icons", "display"])
        }
        "application/har+json" => has(&["log"]) && body.contains("\"entries\""),
        "model/gltf+json" => has(&["asset"]) && holds_object(body, "\"asset\""),
        "application/x-ipynb+json" => {
            has(&["nbformat"]) || has(&["cells", "worksheets"]) && body.contains("\"cell_type\"")
        }
        // One value in one line is a file of lines, of which there is one.
        "application/x-ndjson" => body.starts_with(['{', '[']) && !body.contains('\n'),
        "application/geo+json" => {
            has(&["type"]) && has(&["coordinates", "geometries", "features", "geometry"])
        }
        _ => false,
    }
}

/// Whether the value behind the first such key is an object.
fn holds_object(body: &str, key: &str) -> bool {
    body.split_once(key)
        .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
        .is_some_and(|value| value.trim_start().starts_with('{'))
}

/// Whether the text is one value and nothing else.
pub(super) fn is_whole_value(text: &str) -> bool {
    let mut parser = Parser::new(text);
    parser.value(0).is_ok() && parser.rest().trim().is_empty()
}

fn first_line_is_whole(body: &str) -> bool {
    body.lines()
        .next()
        .is_some_and(|line| is_value(line) && line.len() < body.len())
}

fn is_value(line: &str) -> bool {
    let mut parser = Parser::new(line.trim());
    parser.value(0).is_ok() && parser.at >= line.trim().len()
}

/// One value a line, at least two lines; the last may be cut short.
fn lines(text: &Text) -> Option<Finding> {
    let mut values = 0;
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(64)
        .peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let holds = is_value(line) || is_last && is_cut_value(line);
        if !line.starts_with(['{', '[']) || !holds {
            return None;
        }
        values += 1;
    }
    (values >= 2).then(|| Finding::certain("application/x-ndjson"))
}

fn is_cut_value(line: &str) -> bool {
    matches!(Parser::new(line).value(0), Err(Broken::Short))
}

/// Documents that follow each other, each over several lines.
fn documents(body: &str) -> Option<Finding> {
    let mut parser = Parser::new(body);
    for _ in 0..MOST_DOCUMENTS {
        match parser.value(0) {
            Err(Broken::Wrong) => return None,
            Err(Broken::Short) => break,
            Ok(()) if parser.rest().trim_start().is_empty() => break,
            Ok(()) if !parser.rest().trim_start().starts_with(['{', '[']) => return None,
            Ok(()) => {}
        }
    }
    Some(Finding::likely("application/json"))
}

/// Dialects, by the keys of the outermost object.
fn kind(body: &str, keys: &[&str]) -> Finding {
    let has = |key: &str| keys.contains(&key);
    let media_type = if has("nbformat")
        && (has("cells") || has("worksheets") || has("nbformat_minor"))
        || has("cells") && body.contains("\"cell_type\"")
    {
        "application/x-ipynb+json"
    } else if has("@context") {
        "application/ld+json"
    } else if has("asset") && (has("scenes") || has("meshes") || has("nodes") || has("buffers")) {
        "model/gltf+json"
    } else if has("type") && is_geographic(body, keys) {
        "application/geo+json"
    } else if has("log")
        && body.contains("\"entries\"")
        && body.contains("\"creator\"")
        && keys.len() <= 2
    {
        "application/har+json"
    } else {
        "application/json"
    };
    Finding::certain(media_type)
}

fn is_geographic(body: &str, keys: &[&str]) -> bool {
    let compact: String = body
        .chars()
        .take(64 * 1024)
        .filter(|letter| !letter.is_whitespace())
        .collect();
    compact.contains("\"type\":\"FeatureCollection\"") && keys.contains(&"features")
        || compact.contains("\"type\":\"Feature\"") && keys.contains(&"geometry")
}

enum Broken {
    /// The text ends within a value.
    Short,
    Wrong,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Keys of the outermost object.
    keys: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            keys: Vec::new(),
        }
    }

    /// What is left; nothing when an error was met within a character.
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Result<u8, Broken> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().ok_or(Broken::Short)
    }

    fn value(&mut self, depth: usize) -> Result<(), Broken> {
        if depth > DEEPEST {
            // Deeper than anyone nests: it was right so far.
            return Err(Broken::Short);
        }
        match self.peek()? {
            b'{' => self.members(depth),
            b'[' => self.items(depth),
            b'"' => self.string().map(|_| ()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'N' => self.word("NaN"),
            b'-' | b'0'..=b'9' => {
                let rest = &self.text.as_bytes()[self.at..];
                self.at += rest
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    })
                    .count();
                Ok(())
            }
            _ => Err(Broken::Wrong),
        }
    }

    fn members(&mut self, depth: usize) -> Result<(), Broken> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek()? != b'"' {
                return Err(Broken::Wrong);
            }
            let key = self.string()?;
            if depth == 0 && self.keys.len() < 256 {
                self.keys.push(key);
            }
            if self.peek()? != b':' {
                return Err(Broken::Wrong);
            }
            self.at += 1;
            self.value(depth + 1)?;
            if self.end_or_comma(b'}')? {
                return Ok(());
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<(), Broken> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.end_or_comma(b']')? {
                return Ok(());
            }
        }
    }

    fn end_or_comma(&mut self, end: u8) -> Result<bool, Broken> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Ok(false),
            byte if byte == end => Ok(true),
            _ => Err(Broken::Wrong),
        }
    }

    fn string(&mut self) -> Result<&'a str, Broken> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        loop {
            match bytes.get(at) {
                None => {
                    self.at = bytes.len();
                    return Err(Broken::Short);
                }
                Some(b'\\') => at += 2,
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(self.text.get(start..at).unwrap_or_default());
                }
                Some(b'\n') => return Err(Broken::Wrong),
                Some(_) => at += 1,
            }
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Broken> {
        let rest = self.rest();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(if word.starts_with(rest) {
            Broken::Short
        } else {
            Broken::Wrong
        })
    }
}
