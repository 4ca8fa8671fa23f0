//! The language that the first line of a script tells: by an interpreter, an editor's mode line, or
//! an opening that only one language has.

use crate::finding::Finding;
use crate::text::decode::Text;

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
    ("gjs", "text/javascript"),
    ("js", "text/javascript"),
    ("rhino", "text/javascript"),
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
    ("newlisp", "text/x-common-lisp"),
    ("clisp", "text/x-common-lisp"),
    ("ecl", "text/x-common-lisp"),
    ("swipl", "text/x-prolog"),
    ("nim", "text/x-nim"),
    ("coffee", "text/coffeescript"),
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
pub(in crate::text) fn judge_marked(text: &Text) -> Option<Finding> {
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
    let opens = [
        ("# frozen_string_literal: ", "text/x-ruby"),
        ("//go:build ", "text/x-go"),
        ("// +build ", "text/x-go"),
        ("/// <reference ", "application/typescript"),
        ("#lang ", "text/x-scheme"),
        ("# syntax=docker/", "text/x-dockerfile"),
    ];
    if let Some((_, media_type)) = opens.iter().find(|(mark, _)| first.starts_with(mark)) {
        return Some(Finding::certain(media_type));
    }
    if lower.starts_with("<?php") {
        return Some(Finding::certain("text/x-php"));
    }
    if lower.starts_with("#compdef") || lower.starts_with("#autoload") {
        return Some(Finding::certain("text/x-shellscript"));
    }
    if is_documented_module(body) {
        return Some(Finding::likely("text/x-python"));
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

/// A module of Python: remarks, its documentation in three quotation marks, and statements.
fn is_documented_module(body: &str) -> bool {
    let start = without_remarks(body).trim_start_matches(['r', 'R', 'u', 'U']);
    let quote = start
        .get(..3)
        .filter(|quote| matches!(*quote, "\"\"\"" | "'''"));
    let behind = quote.and_then(|quote| start[3..].split_once(quote));
    let statements = [
        "import ",
        "from ",
        "def ",
        "class ",
        "__",
        "@",
        "async def ",
        "try:",
    ];
    behind.is_some_and(|(_, rest)| {
        let rest = without_remarks(rest);
        statements.iter().any(|word| rest.starts_with(word))
    })
}

/// What follows blank lines and remarks.
fn without_remarks(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    rest
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
