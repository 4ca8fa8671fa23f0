//! Source code: by its first line where that settles it, else by tokens that
//! one language shows and prose does not.

mod languages;

use super::decode::Text;
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
        "lisp" | "emacs-lisp" | "common-lisp" => "text/x-common-lisp",
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
    match own {
        Some(score) => score >= 1 && score * 3 >= best || best < 4 && sample.looks_like_code(),
        // A language without tokens of its own here: nothing else is clear.
        None if languages::all().any(|language| language.media_type == media_type) => {
            best < 4 && sample.looks_like_code()
        }
        None => best < 12 || sample.looks_like_code(),
    }
}

struct Sample<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Sample<'a> {
    fn new(text: &'a Text) -> Self {
        let mut fenced = false;
        // Code that a document quotes between fences is not the document's.
        let outside = |line: &&str| {
            let fence = line.starts_with("```") || line.starts_with("~~~");
            fenced ^= fence;
            !fence && !fenced && !line.is_empty()
        };
        Self {
            lines: text
                .lines()
                .take(400)
                .map(str::trim)
                .filter(outside)
                .collect(),
        }
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
            !is_comment(line) && line.split(' ').count() >= 6 && !line.contains(marks)
        };
        self.lines.iter().filter(prose).count() * 2 <= self.lines.len()
    }

    /// Punctuation that prose has at the end of lines far less often.
    fn looks_like_code(&self) -> bool {
        let code = self.lines.iter().filter(|line| {
            line.ends_with([';', '{', '}', ')', ',', ':', '\\', ']'])
                || line.contains(" = ")
                || line.contains("()")
                || is_comment(line)
                || line.contains("->")
                || line.contains('$')
                || line.starts_with(['.', '@', '%', '\\', '#', '<'])
        });
        code.count() * 4 >= self.lines.len()
    }
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
}
