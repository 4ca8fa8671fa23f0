//! Programs within markup, as servers run them: PHP, JSP and ASP.

use super::xml_element::starts_with_ignoring_case;
use crate::finding::Finding;

/// Programs that live in markup: they run wherever their tag stands.
pub(super) fn judge(body: &str) -> Option<Finding> {
    let php = |piece: &str| {
        starts_with_ignoring_case(piece, "<?php")
            && piece[5..].chars().next().is_none_or(char::is_whitespace)
    };
    if php(body) {
        return Some(Finding::certain("text/x-php"));
    }
    if let Some(at) = body.find("<?php").filter(|at| php(&body[*at..])) {
        let before = &body[..at];
        let quoted = before.ends_with(['`', '"', '\''])
            || before.rsplit('\n').next().is_some_and(|line| {
                line.starts_with("    ")
                    || line.contains('`')
                    || line.trim_start().starts_with(['#', '*', '/'])
            });
        let in_fence = before.matches("```").count() % 2 == 1;
        if before.trim_start().starts_with('<')
            || before.starts_with("#!")
            || !quoted && !in_fence && before.len() < 4096 && !before.starts_with(['#', '/'])
        {
            return Some(Finding::certain("text/x-php"));
        }
    }
    if body.starts_with("<?=")
        || body.starts_with("<?\n")
        || body.starts_with("<?\r")
        || body.starts_with("<? ") && body.contains('$')
    {
        return Some(Finding::likely("text/x-php"));
    }
    // What a template engine fills in may become anything.
    if ["{%", "{{", "{#"].iter().any(|mark| body.starts_with(mark))
        && ["%}", "}}", "#}"].iter().any(|mark| body.contains(mark))
        && body.contains("</")
        && !body.contains("<html")
    {
        return Some(Finding::guess("text/plain"));
    }
    if body.starts_with("<%") && !body.starts_with("<%@") && is_basic(body) {
        return Some(Finding::certain("text/asp"));
    }
    if body.starts_with("<%@") || body.starts_with("<%--") {
        let asp = [
            "<%@ language",
            "<%@language",
            "<%@ webservice",
            "<%@ control",
            "<%@ register",
            "<%@ import namespace",
            "<%@ application",
            "<%@ assembly",
            "<%@ master",
            "<%@ page language=\"c#\"",
            "<%@ page language=\"vb\"",
        ];
        let start: String = body
            .chars()
            .take(200)
            .collect::<String>()
            .to_ascii_lowercase();
        return Some(Finding::certain(
            if asp.iter().any(|mark| start.starts_with(mark))
                || ["codebehind=", "autoeventwireup=", "codefile="]
                    .iter()
                    .any(|mark| start.contains(mark))
            {
                "text/asp"
            } else {
                "text/x-jsp"
            },
        ));
    }
    None
}

/// Objects of a server's pages in `VBScript`, or its declarations.
fn is_basic(body: &str) -> bool {
    let start = &body[..body.floor_char_boundary(2048)];
    [
        "Option Explicit",
        "Response.",
        "Server.",
        "Session(",
        "Request.",
    ]
    .iter()
    .any(|word| start.contains(word))
}
