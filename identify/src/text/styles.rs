//! Style sheets by their grammar: nothing but rules of selectors and declarations, most of them of
//! known properties. What extends CSS is left to the tells of its languages.

use super::decode::Text;
use crate::finding::Finding;

/// How much is looked at.
const MOST_BYTES: usize = 16 * 1024;

/// What names of properties begin with.
const PROPERTIES: &[&str] = &[
    "--",
    "-moz-",
    "-ms-",
    "-webkit-",
    "align",
    "animation",
    "background",
    "border",
    "bottom",
    "box-",
    "clear",
    "color",
    "content",
    "cursor",
    "direction",
    "display",
    "fill",
    "filter",
    "flex",
    "float",
    "font",
    "gap",
    "grid",
    "height",
    "justify",
    "left",
    "letter-spacing",
    "line-height",
    "list-style",
    "margin",
    "max-",
    "min-",
    "opacity",
    "outline",
    "overflow",
    "padding",
    "position",
    "right",
    "src",
    "stroke",
    "text-",
    "top",
    "transform",
    "transition",
    "unicode-range",
    "user-select",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-",
    "z-index",
];

/// Whether the text is a style sheet.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let start = &text.body[..text.body.floor_char_boundary(MOST_BYTES)];
    if !start.contains('{') {
        return None;
    }
    let is_cut = !text.is_whole || start.len() < text.body.len();
    let mut sheet = Sheet::default();
    let mut piece = String::new();
    let (mut quote, mut parentheses) = (None, 0_usize);
    for letter in without_remarks(start).chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => parentheses += 1,
            (None, ')') => parentheses = parentheses.checked_sub(1)?,
            (None, '{' | '}' | ';') if parentheses == 0 => {
                sheet.take(piece.trim(), letter)?;
                piece.clear();
                continue;
            }
            _ => {}
        }
        piece.push(letter);
    }
    let is_closed = sheet.blocks.is_empty() && piece.trim().is_empty();
    ((is_closed || is_cut) && sheet.holds()).then(|| Finding::likely("text/css"))
}

fn without_remarks(text: &str) -> String {
    let mut pieces = text.split("/*");
    let first = pieces.next().unwrap_or_default();
    let others = pieces.map(|piece| piece.split_once("*/").map_or("", |(_, rest)| rest));
    std::iter::once(first).chain(others).collect()
}

/// What was read of a style sheet.
#[derive(Default)]
struct Sheet {
    /// The open blocks: whether they hold rules, and not declarations.
    blocks: Vec<bool>,
    declarations: usize,
    known: usize,
}

impl Sheet {
    /// Takes the text before a brace or a semicolon; nothing if no style sheet has it there.
    fn take(&mut self, piece: &str, mark: char) -> Option<()> {
        let holds_rules = self.blocks.last().copied().unwrap_or(true);
        if mark == '{' {
            let of_rules = [
                "@media",
                "@supports",
                "@layer",
                "@container",
                "@keyframes",
                "@-",
            ]
            .iter()
            .any(|word| piece.starts_with(word));
            if !holds_rules || !(piece.starts_with('@') || is_selector(piece)) {
                return None;
            }
            self.blocks.push(of_rules);
            return Some(());
        }
        if holds_rules {
            let is_statement = ["@import ", "@charset ", "@namespace ", "@layer "]
                .iter()
                .any(|word| piece.starts_with(word));
            (piece.is_empty() || mark == ';' && is_statement).then_some(())?;
        } else if !piece.is_empty() {
            self.declare(piece)?;
        }
        if mark == '}' {
            self.blocks.pop()?;
        }
        Some(())
    }

    fn declare(&mut self, piece: &str) -> Option<()> {
        let (name, value) = piece.split_once(':')?;
        let name = name.trim_end().trim_start_matches(['*', '_']);
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        // Notations without semicolons go on with their next name.
        let goes_on = value.trim().lines().skip(1).any(|line| line.contains(':'));
        (is_name && !value.trim().is_empty() && !goes_on).then_some(())?;
        let name = name.to_ascii_lowercase();
        self.declarations += 1;
        self.known += usize::from(PROPERTIES.iter().any(|known| name.starts_with(known)));
        Some(())
    }

    const fn holds(&self) -> bool {
        self.declarations >= 1 && self.known * 2 > self.declarations
    }
}

/// Names of elements, classes and states, and what combines them; not what extends CSS.
fn is_selector(piece: &str) -> bool {
    let mut within_brackets = false;
    // Notations of scenes import their elements so.
    let imports = ["import ", "pragma "]
        .iter()
        .any(|word| piece.starts_with(word));
    !imports
        && piece.starts_with(|letter: char| letter.is_alphanumeric() || ".#*:[_-".contains(letter))
        && piece.chars().all(|letter| {
            within_brackets = (within_brackets || letter == '[') && letter != ']';
            within_brackets
                || letter.is_alphanumeric()
                || letter.is_whitespace()
                || ".#*:>+~[]-_,()%\\\"'".contains(letter)
        })
}
