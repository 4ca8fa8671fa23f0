//! Source code: by its first line where that settles it, else by tokens that
//! one language shows and prose does not.

mod languages;

use super::decode::Text;
use super::markdown;
use crate::finding::Finding;
use languages::{Language, Lines};

/// Interpreters of a `#!` line, and what they run.
const INTERPRETERS: &[(&str, &str)] = &[
    ("python", "text/x-python"),
    ("pypy", "text/x-python"),
    ("perl", "text/x-perl"),
    ("ruby", "text/x-ruby"),
    ("php", "text/x-php"),
    ("node", "text/javascript"),
    ("deno", "application/typescript"),
    ("ts-node", "application/typescript"),
    ("tsx", "application/typescript"),
    ("bun", "text/javascript"),
    ("lua", "text/x-lua"),
    ("luajit", "text/x-lua"),
    ("tclsh", "text/x-tcl"),
    ("wish", "text/x-tcl"),
    ("expect", "text/x-tcl"),
    ("awk", "text/x-awk"),
    ("gawk", "text/x-awk"),
    ("mawk", "text/x-awk"),
    ("Rscript", "text/x-r"),
    ("pwsh", "application/x-powershell"),
    ("powershell", "application/x-powershell"),
    ("make", "text/x-makefile"),
    ("groovy", "text/x-groovy"),
    ("scala", "text/x-scala"),
    ("swift", "text/x-swift"),
    ("julia", "text/x-julia"),
    ("runhaskell", "text/x-haskell"),
    ("stack", "text/x-haskell"),
    ("escript", "text/x-erlang"),
    ("elixir", "text/x-elixir"),
    ("guile", "text/x-scheme"),
    ("racket", "text/x-scheme"),
    ("sbcl", "text/x-common-lisp"),
    ("clojure", "text/x-clojure"),
    ("osascript", "text/x-applescript"),
    ("kotlin", "text/x-kotlin"),
    ("dart", "text/x-dart"),
    ("crystal", "text/x-crystal"),
    ("ocaml", "text/x-ocaml"),
    ("sed", "text/x-sed"),
    ("gnuplot", "application/x-gnuplot"),
];

/// Languages whose statements are words and little else.
const TERSE: &[&str] = &[
    "text/x-shellscript",
    "text/x-msdos-batch",
    "text/x-perl",
    "text/x-tcl",
    "text/x-makefile",
    "text/x-dockerfile",
    "text/x-asm",
    "text/x-tex",
    "text/x-bibtex",
    "text/troff",
    "text/x-fortran",
    "text/x-haskell",
];

/// From so many lines on, code without any token of its language is none.
const LONG_CODE: usize = 10;

/// Scripts that say in their first line what they are.
pub(super) fn judge_marked(text: &Text) -> Option<Finding> {
    let body = text.body.trim_start_matches(['\u{feff}']);
    let first = body.lines().next()?;
    if let Some(command) = first.strip_prefix("#!") {
        return interpreter(command, body);
    }
    let lower = first.trim().to_ascii_lowercase();
    if lower.starts_with("@echo off")
        || lower == "@echo on"
        || lower.starts_with("@if ")
        || lower.starts_with("@setlocal")
    {
        return Some(Finding::certain("text/x-msdos-batch"));
    }
    // The convention of Emacs: a comment with the file's own name and purpose.
    if lower.starts_with(";;; ") && lower.contains(".el --- ") {
        return Some(Finding::certain("text/x-emacs-lisp"));
    }
    if lower.starts_with("<?php") {
        return Some(Finding::certain("text/x-php"));
    }
    if lower.starts_with("#compdef") || lower.starts_with("#autoload") {
        return Some(Finding::certain("text/x-shellscript"));
    }
    if let Some(mode) = first
        .split("-*-")
        .nth(1)
        .filter(|_| first.matches("-*-").count() >= 2)
    {
        return modeline(mode);
    }
    None
}

fn interpreter(command: &str, body: &str) -> Option<Finding> {
    let mut words = command.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words
            .find(|word| !word.starts_with('-') && !word.contains('='))?
            .rsplit('/')
            .next()?;
    }
    if !command.trim_start().starts_with('/') && !command.trim_start().starts_with("env") {
        return None;
    }
    if program.ends_with("sh")
        && !program.starts_with("tcl")
        && !program.starts_with("wi")
        && program != "pwsh"
    {
        // A shell that does nothing but start another interpreter.
        if body.contains("\nexec tclsh") || body.contains("\nexec wish") {
            return Some(Finding::certain("text/x-tcl"));
        }
        return Some(Finding::certain("text/x-shellscript"));
    }
    let found = INTERPRETERS
        .iter()
        .filter(|(name, _)| program.starts_with(name))
        .max_by_key(|(name, _)| name.len());
    // A script of an interpreter nobody told us about still is one.
    Some(
        found.map_or(Finding::likely("text/x-shellscript"), |(_, media_type)| {
            Finding::certain(media_type)
        }),
    )
}

fn modeline(mode: &str) -> Option<Finding> {
    let mode = mode.to_ascii_lowercase();
    let mode = mode
        .split(';')
        .find_map(|part| part.trim().strip_prefix("mode:"))
        .unwrap_or(&mode)
        .trim()
        .to_owned();
    let media_type = match mode.as_str() {
        "c" => "text/x-c",
        "c++" => "text/x-c++",
        "python" => "text/x-python",
        "perl" | "cperl" => "text/x-perl",
        "ruby" => "text/x-ruby",
        "sh" | "shell-script" => "text/x-shellscript",
        "java" => "text/x-java",
        "javascript" | "js" | "js2" => "text/javascript",
        "lua" => "text/x-lua",
        "tcl" => "text/x-tcl",
        "sql" => "application/sql",
        "makefile" => "text/x-makefile",
        "php" => "text/x-php",
        "rust" => "text/rust",
        "emacs-lisp" => "text/x-emacs-lisp",
        "lisp" | "common-lisp" => "text/x-common-lisp",
        "scheme" => "text/x-scheme",
        "haskell" => "text/x-haskell",
        "fortran" | "f90" => "text/x-fortran",
        "tex" | "latex" => "text/x-tex",
        _ => return None,
    };
    Some(Finding::likely(media_type))
}

/// The language whose tokens are found most, if enough are.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let sample = Sample::new(text);
    // An editor's scripts borrow words of many languages; their comments
    // begin with a quotation mark that is not closed.
    let remarks = sample
        .lines
        .iter()
        .filter(|line| line.starts_with("\" ") && line.matches('"').count() == 1);
    if remarks.count() >= 3 {
        return None;
    }
    let scores = sample.scores();
    let (best, score) = *scores.first()?;
    let second = scores.get(1).map_or(0, |(_, score)| *score);
    if score < best.enough {
        return None;
    }
    if !sample.is_code() {
        return None;
    }
    let clear = score >= second + 2 || score * 2 >= second * 3;
    Some(if clear && score >= best.enough + 4 {
        Finding::likely(best.media_type)
    } else {
        Finding::guess(best.media_type)
    })
}

/// Whether a name may call this text code of the language: no other language
/// is much clearer, and something of it is there.
pub(crate) fn supports(text: &Text, media_type: &str) -> bool {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let own = scores
        .iter()
        .find(|(language, _)| language.media_type == media_type)
        .map(|(_, score)| *score);
    let best = scores.first().map_or(0, |(_, score)| *score);
    let terse = TERSE.contains(&media_type) || !is_known(media_type);
    let looks_right = if terse {
        sample.looks_like_code()
    } else {
        sample.looks_like_statements()
    };
    match own {
        Some(score) => {
            (score * 3 >= best || best < 4) && looks_right
                || score >= 4 && score * 2 >= best && sample.is_code()
        }
        // Longer code shows at least one of its language's many tokens.
        None if is_known(media_type) => {
            best < 4 && looks_right && (terse || sample.lines.len() < LONG_CODE)
        }
        None => best < 12 || looks_right,
    }
}

/// Whether it is a language with tokens of its own here.
pub(crate) fn is_known(media_type: &str) -> bool {
    languages::all().any(|language| language.media_type == media_type)
}

/// Whether the text shows tokens of the language, and none much more clearly.
pub(crate) fn shows(text: &Text, media_type: &str) -> bool {
    let sample = Sample::new(text);
    let scores = sample.scores();
    let best = scores.first().map_or(0, |(_, score)| *score);
    sample.is_code()
        && scores.iter().any(|(language, score)| {
            language.media_type == media_type && *score >= 3 && *score * 2 >= best
        })
}

struct Sample<'a> {
    lines: Vec<&'a str>,
    /// Lines of block comments and leading documentation, left out of `lines`.
    remarks: usize,
}

impl<'a> Sample<'a> {
    fn new(text: &'a Text) -> Self {
        let mut fenced = false;
        // Code that a document quotes between fences is not the document's.
        let outside = |line: &&str| {
            let fence = markdown::is_fence(line);
            fenced ^= fence;
            !fence && !fenced && !line.is_empty()
        };
        let all: Vec<&str> = text
            .lines()
            .take(400)
            .map(str::trim)
            .filter(outside)
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
            // Documentation in quotes stands before all code.
            let begins = lines.iter().all(|line: &&str| is_comment(line));
            end = [("/*", "*/"), ("\"\"\"", "\"\"\""), ("'''", "'''")]
                .iter()
                .find(|(open, close)| {
                    (begins || *open == "/*")
                        && line
                            .strip_prefix(open)
                            .is_some_and(|rest| !rest.contains(close))
                })
                .map(|(_, close)| *close);
            if end.is_none() {
                lines.push(*line);
            }
        }
        // What is never closed was no comment.
        if end.is_some() && text.is_whole {
            lines.clone_from(&all);
        }
        let remarks = all.len() - lines.len();
        Self { lines, remarks }
    }

    /// Languages that scored at all, the best first.
    fn scores(&self) -> Vec<(&'static Language, usize)> {
        let code = Lines::new(
            self.lines
                .iter()
                .copied()
                .filter(|line| !is_comment(line))
                .collect(),
        );
        let mut scores: Vec<(&Language, usize)> = languages::all()
            .map(|language| (language, language.score(&code)))
            .filter(|(_, score)| *score > 0)
            .collect();
        scores.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        scores
    }

    /// Too many lines like prose's, even outside comments, are a document
    /// with examples in it.
    fn is_code(&self) -> bool {
        let prose = |line: &&&str| {
            let marks = ['(', '=', '"', '\'', '{', '}', '<', '$', ';', '\\', '@', '['];
            !is_comment(line)
                && line.split(' ').count() >= 6
                && !line.contains(marks)
                && !line.starts_with('#')
                && !line.contains("/*")
        };
        let directives = self.lines.iter().filter(|line| line.starts_with(".. "));
        directives.count() * 20 <= self.lines.len()
            && self.lines.iter().filter(prose).count() * 2 <= self.lines.len()
    }

    /// Punctuation that prose and tables have far less often, in half of all
    /// lines that are no comments.
    fn looks_like_code(&self) -> bool {
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
    fn looks_like_statements(&self) -> bool {
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
