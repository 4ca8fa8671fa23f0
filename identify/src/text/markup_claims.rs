//! What a name may call markup: a page, a template or a vocabulary, each by what it must hold.

use super::decode::Text;
use super::markup::{HTML_ELEMENTS, Prolog};
use super::xml_element::{Element, starts_with_ignoring_case};

/// Vocabularies of XML that no namespace tells, and their root elements.
const ROOTS: &[(&str, &[&str])] = &[
    (
        "application/docbook+xml",
        &[
            "book", "article", "chapter", "section", "set", "refentry", "appendix", "part",
            "preface", "sect1", "glossary",
        ],
    ),
    ("application/tei+xml", &["TEI", "TEI.2", "teiCorpus"]),
    ("application/wsdl+xml", &["definitions", "description"]),
    (
        "application/dita+xml",
        &[
            "topic",
            "concept",
            "task",
            "reference",
            "map",
            "bookmap",
            "dita",
        ],
    ),
    ("application/gml+xml", &["FeatureCollection"]),
    ("application/ttml+xml", &["tt"]),
    ("chemical/x-cml", &["cml", "molecule"]),
    ("application/vnd.jgraph.mxfile", &["mxGraphModel"]),
    ("application/rdf+xml", &["Ontology"]),
    ("application/vnd.mozilla.xul+xml", &["window", "overlay"]),
    ("text/x-vue", &["template", "script"]),
];

/// Whether the root of an XML document is one of the vocabulary that a name claims.
pub(crate) fn has_root_of(text: &Text, named: &str) -> bool {
    let body = text
        .body
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let Some(root) = Element::first(Prolog::skip(body).rest) else {
        return false;
    };
    ROOTS
        .iter()
        .any(|(media_type, roots)| *media_type == named && roots.contains(&root.local))
}

/// Whether text that isn't well-formed begins as markup does.
pub(super) fn begins_as_markup(text: &Text) -> bool {
    let body = text.body.trim_start();
    body.strip_prefix('<').is_some_and(|inside| {
        inside.starts_with(|letter: char| letter.is_ascii_alphabetic() || "?!_".contains(letter))
    })
}

/// Whether a page holds what makes it the kind of page or template that a name claims.
pub(crate) fn is_page_of(text: &Text, named: &str) -> bool {
    let body = text.body.as_str();
    let has = |marks: &[&str]| marks.iter().any(|mark| body.contains(mark));
    match named {
        "application/xhtml+xml" => has(&["http://www.w3.org/1999/xhtml"]),
        "text/x-php" => has(&["<?php", "<?=", "<? ", "<?\n", "<?\r"]),
        "text/x-jsp" => has(&["<%", "${", "<jsp:"]),
        "text/asp" => has(&["<%", "<asp:"]),
        "text/x-vue" => {
            let start = body.trim_start();
            ["<template", "<script", "<style", "<!--"]
                .iter()
                .any(|mark| start.starts_with(mark))
                && has(&["<template", "export default", "<script setup", " setup>"])
                && !has(&["<html", "<HTML", "<!DOCTYPE", "<!doctype"])
        }
        "text/x-svelte" => {
            has(&["{#", "{/", "on:", "bind:", "export let", "{@", "<svelte"])
                && !has(&["<html", "<HTML", "<!DOCTYPE", "<!doctype"])
        }
        "text/x-coldfusion" => has(&["<cf", "<CF"]),
        "text/x-twig" => has(&["{%", "{{"]),
        "application/hta" => {
            let lower = body.to_ascii_lowercase();
            ["hta:application", "activexobject", "wscript.", "vbscript"]
                .iter()
                .any(|mark| lower.contains(mark))
        }
        "text/markdown" => is_marked_page(body),
        _ => false,
    }
}

/// A document that begins with a tag and goes on as Markdown.
fn is_marked_page(body: &str) -> bool {
    let marks = [
        "\n# ", "\n## ", "\n### ", "\n```", "](", "\n- ", "\n* ", "\n1. ",
    ];
    !begins_as_page(body) && marks.iter().any(|mark| body.contains(mark))
}

fn begins_as_page(body: &str) -> bool {
    let start = body.trim_start();
    ["<!doctype html", "<html", "<head", "<body", "<?xml"]
        .iter()
        .any(|mark| starts_with_ignoring_case(start, mark))
}

/// Whether HTML elements are there for a name that claims a page: the text begins with one, or
/// many of its lines hold one.
pub(super) fn has_tags(text: &Text) -> bool {
    let is_element = |piece: &str| {
        let name: String = piece
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        !name.is_empty() && HTML_ELEMENTS.contains(&name.to_ascii_lowercase().as_str())
            || starts_with_ignoring_case(piece, "!doctype html")
    };
    let start = text.body.trim_start();
    let lines = text.body.lines().filter(|line| !line.trim().is_empty());
    let closed = text
        .body
        .split("</")
        .skip(1)
        .filter(|piece| is_element(piece));
    let empty = text.body.split('<').skip(1).filter(|piece| {
        let empty = ["br", "hr", "img", "meta", "link", "input"];
        empty.iter().any(|name| {
            starts_with_ignoring_case(piece, name)
                && piece[name.len()..].starts_with([' ', '>', '/'])
        })
    });
    let tags = closed.count() + empty.count();
    start.strip_prefix('<').is_some_and(is_element) || tags >= 1 && tags * 4 >= lines.count()
}

/// Whether the text begins as a page, a fragment or a template does.
pub(super) fn is_page_like(text: &Text) -> bool {
    let start = text
        .body
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let template = ["{%", "{{", "<%", "<!"]
        .iter()
        .any(|mark| start.starts_with(mark));
    (template || start.starts_with('<')) && has_tags(text)
}
