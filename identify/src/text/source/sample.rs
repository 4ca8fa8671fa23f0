//! A sample of a text's first lines, without block comments and quoted code: whether they look like
//! code, and how well they match each language.

use super::languages::{self, Language, Lines};
use super::prose::{is_document, is_wordy};
use crate::text::decode::Text;
use crate::text::markdown;

/// How many lines are looked at.
const MOST_LINES: usize = 400;

/// From so many bytes on, a line is code without line ends.
const LONG_LINE: usize = 500;

pub(super) struct Sample<'a> {
    pub(super) lines: Vec<&'a str>,
    /// Lines of block comments and leading documentation, left out of `lines`.
    remarks: usize,
    /// Lines that only `reStructuredText` has.
    directives: usize,
}

impl<'a> Sample<'a> {
    pub(super) fn new(text: &'a Text) -> Self {
        let mut fenced = false;
        // Code that a document quotes between fences is not the document's.
        let outside = |line: &&str| {
            let fence = markdown::is_fence(line);
            fenced ^= fence;
            !fence && !fenced && !line.is_empty()
        };
        let is_document = is_document(text);
        let all: Vec<&str> = text
            .lines()
            .take(MOST_LINES)
            .filter(|line| !is_document || !line.starts_with([' ', '\t']))
            .flat_map(pieces)
            .map(str::trim)
            .filter(outside)
            .take(MOST_LINES)
            .collect();
        let mut lines = Vec::with_capacity(all.len());
        let mut end: Option<&str> = None;
        for line in &all {
            if let Some(mark) = end {
                if line.contains(mark) {
                    end = None;
                }
                continue;
            }
            end = opened(line);
            let quoted = line.trim_start_matches(['r', 'u']);
            if end.is_none()
                || !["/*", "\"\"\"", "'''"]
                    .iter()
                    .any(|open| quoted.starts_with(open))
            {
                lines.push(*line);
            }
        }
        // What is never closed was no comment.
        let is_all = text.is_whole && text.lines().nth(MOST_LINES).is_none();
        if end.is_some() && is_all {
            lines.clone_from(&all);
        }
        let remarks = all.len() - lines.len();
        let is_directive = |line: &&str| line.starts_with(".. ") && line.contains("::");
        Self {
            lines,
            remarks,
            directives: text.lines().take(400).filter(is_directive).count(),
        }
    }

    /// Lines that are no comments.
    pub(super) fn code(&self) -> Vec<&'a str> {
        let code = self.lines.iter().copied();
        code.filter(|line| !is_comment(line)).collect()
    }

    /// Languages that scored at all, the best first.
    pub(super) fn scores(&self) -> Vec<(&'static Language, usize)> {
        let code = Lines::new(self.code());
        let mut scores: Vec<(&Language, usize)> = languages::all()
            .map(|language| (language, language.score(&code)))
            .filter(|(_, score)| *score > 0)
            .collect();
        scores.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        scores
    }

    /// Whether no line is written as it never is in Python, or in JavaScript.
    pub(super) fn could_be(&self, media_type: &str) -> bool {
        let starts: &[char] = if media_type == "text/x-python" {
            &['(', '<', '.', '$', '%', '/', '\\', '-', ';', '{', '*', '!']
        } else {
            &['#', '%', '\\', '-', ';', '<', '@', '*', ':', '=']
        };
        let ends: &[char] = if media_type == "text/x-python" {
            &[';', '{', '}']
        } else {
            &[':', '\\']
        };
        !self
            .code()
            .iter()
            .any(|line| line.starts_with(starts) || line.ends_with(ends))
    }

    /// Nothing but directives and variables of style sheets, if anything.
    pub(super) fn is_of_directives(&self) -> bool {
        let mut code = self.code().into_iter();
        code.all(|line| line.starts_with(['@', '$']))
    }

    /// Nothing but modules that are imported, and texts that are printed as Python 2 does it.
    pub(super) fn is_imports(&self) -> bool {
        let is_name = |name: &str| {
            name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
                && name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || "_.".contains(letter))
        };
        let is_import = |line: &str| {
            let names = line.strip_prefix("import ").unwrap_or_default();
            names
                .split(',')
                .all(|name| is_name(name.split(" as ").next().unwrap_or_default().trim()))
        };
        let is_print = |line: &str| {
            line.strip_prefix("print ").is_some_and(|text| {
                ['"', '\''].iter().any(|quote| {
                    text.len() >= 2 && text.starts_with(*quote) && text.ends_with(*quote)
                })
            })
        };
        let code = self.code();
        !code.is_empty() && code.iter().all(|line| is_import(line) || is_print(line))
    }

    /// Blocks that a colon opens, and none of the marks of other blocks.
    pub(super) fn is_indented(&self) -> bool {
        let words = [
            "def ", "class ", "if ", "for ", "while ", "try:", "with ", "else:", "elif ", "async ",
        ];
        let code = self.code();
        let opens =
            |line: &&str| line.ends_with(':') && words.iter().any(|word| line.starts_with(word));
        code.iter().any(opens)
            && !code
                .iter()
                .any(|line| line.ends_with(['{', ';']) || line.ends_with(" then"))
    }

    /// The language of styles that is more than CSS, by what only it has.
    pub(super) fn style_dialect(&self) -> Option<&'static str> {
        let any = |fact: &dyn Fn(&str) -> bool| self.code().into_iter().any(fact);
        let sass = |line: &str| {
            [
                "@mixin ",
                "@include ",
                "@extend ",
                "@use ",
                "@if ",
                "@each ",
                "@function ",
            ]
            .iter()
            .any(|start| line.starts_with(start))
                || line.starts_with('$') && line.contains(':')
                || line.contains("#{$")
                || line.contains(": $") && line.ends_with(';')
        };
        let less = |line: &str| {
            line.starts_with('@')
                && line.split_once(':').is_some_and(|(name, value)| {
                    value.trim_end().ends_with(';')
                        && name[1..]
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
                || line.starts_with('.') && line.ends_with([';', '}']) && line.contains("();")
                || line.contains("@{")
                || line.contains(": @") && line.ends_with(';')
                || line.contains(": ~\"")
        };
        if any(&sass) {
            Some("text/x-scss")
        } else if any(&less) {
            Some("text/x-less")
        } else {
            None
        }
    }

    /// Types behind the names of parameters and variables, which make JavaScript `TypeScript`.
    pub(super) fn is_typed(&self) -> bool {
        let types = [
            ": string",
            ": number",
            ": boolean",
            ": void",
            ": any",
            ": unknown",
            ": never",
            ": Promise<",
            ": Array<",
            ": Record<",
            ": React.",
            " as const",
            " as any",
            " as unknown",
            ": Partial<",
        ];
        let opens = [
            "export type ",
            "import type ",
            "export interface ",
            "declare ",
            "export enum ",
        ];
        let hits = self.code().into_iter().filter(|line| {
            opens.iter().any(|word| line.starts_with(word))
                || line.starts_with("interface ") && line.ends_with('{')
                || line.starts_with("type ") && line.contains(" = ")
                || types.iter().any(|word| {
                    line.find(word).is_some_and(|at| {
                        let behind = &line[at + word.len()..];
                        !line[..at].contains(['"', '\'', '`'])
                            && (word.ends_with(['<', '.'])
                                || behind.is_empty()
                                || behind.starts_with([';', ',', ')', ' ', '[', '|']))
                    })
                })
        });
        hits.take(2).count() == 2
            || self.code().iter().any(|line| {
                is_typed_name(line)
                    || line.starts_with("export type ")
                    || line.starts_with("import type ")
                    || line.starts_with("export interface ")
            })
    }

    /// Too many lines like prose's, even outside comments, are a document
    /// with examples in it.
    pub(super) fn is_code(&self) -> bool {
        let prose = |line: &&&str| {
            let marks = ['(', '=', '"', '\'', '{', '}', '<', '$', ';', '\\', '@', '['];
            let imports = line.starts_with("from ") && line.contains(" import ");
            !is_comment(line)
                && !imports
                && line.split(' ').count() >= 6
                && !line.contains(marks)
                && !line.starts_with(['#', '!', '%', ';'])
                && !line.starts_with("--")
                && !line.contains("/*")
        };
        self.directives < 2 && self.lines.iter().filter(prose).count() * 2 <= self.lines.len()
    }

    /// Whether a third of the lines are words and little else, whatever marks stand among them: a
    /// document, with the code that it quotes.
    pub(super) fn is_wordy(&self) -> bool {
        let code = self.code();
        let wordy = code.iter().filter(|line| is_wordy(line)).count();
        wordy * 3 > code.len()
    }

    /// Punctuation that prose and tables have far less often, in half of all
    /// lines that are no comments.
    pub(super) fn looks_like_code(&self) -> bool {
        self.is_mostly(|line| {
            is_statement(line)
                || line.contains(['$', '='])
                || [" && ", " | ", " --", "->"]
                    .iter()
                    .any(|mark| line.contains(mark))
                || line.starts_with(['.', '@', '%', '\\', '#', '<', '('])
        })
    }

    /// The same for languages whose statements have brackets, semicolons or
    /// assignments, as settings and lists have not.
    pub(super) fn looks_like_statements(&self) -> bool {
        self.is_mostly(is_statement)
    }

    fn is_mostly(&self, is_code: fn(&str) -> bool) -> bool {
        let comments = self.lines.iter().filter(|line| is_comment(line)).count();
        let code = self
            .lines
            .iter()
            .filter(|line| !is_comment(line) && is_code(line))
            .count();
        code * 2 >= self.lines.len() - comments
            && code + comments + self.remarks >= 1
            && self.is_code()
    }
}

/// What closes a remark, or a text of several lines, that this line opens.
fn opened(line: &str) -> Option<&'static str> {
    if line
        .strip_prefix("/*")
        .is_some_and(|rest| !rest.contains("*/"))
    {
        return Some("*/");
    }
    let quoted = ["\"\"\"", "'''"]
        .iter()
        .find(|quote| line.matches(**quote).count() == 1);
    // Templates of JavaScript.
    let template = ["(`", "= `", ": `"].iter().any(|end| line.ends_with(end));
    quoted.copied().or_else(|| template.then_some("`"))
}

/// A line, or the statements and blocks of one that programs have joined.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let (whole, joined) = if line.len() < LONG_LINE {
        (Some(line), "")
    } else {
        (None, line)
    };
    whole
        .into_iter()
        .chain(joined.split_inclusive([';', '{', '}']))
}

/// `const name: Type = …`
fn is_typed_name(line: &str) -> bool {
    let words = [
        "export const ",
        "const ",
        "let ",
        "private ",
        "public ",
        "readonly ",
    ];
    let rest = words.iter().find_map(|word| line.strip_prefix(word));
    rest.and_then(|rest| rest.split_once(": "))
        .is_some_and(|(name, kind)| {
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'?'));
            is_name
                && kind.starts_with(|letter: char| letter.is_ascii_uppercase())
                && (kind.contains(" = ") || kind.ends_with(';'))
        })
}

/// Brackets, semicolons, or an assignment between blanks.
fn is_statement(line: &str) -> bool {
    line.ends_with([';', '{', '}', ')', ']', '\\'])
        || line.contains(" = ")
        || line.starts_with("from ") && line.contains(" import ")
        || line.starts_with(['#', '@']) && !is_comment(line)
        || line.contains('(') && line.contains(')') && line.contains(['{', ';', '=', ':'])
        || line.ends_with(',') && !line.starts_with(char::is_alphabetic)
}

fn is_comment(line: &str) -> bool {
    line.starts_with("//")
        || line.starts_with("/*")
        || line.starts_with("* ")
        || line == "*"
        || line.starts_with("*/")
        || line.starts_with("-- ")
        || line.starts_with("# ")
        || line.starts_with("; ")
        || line.starts_with(";;")
}
