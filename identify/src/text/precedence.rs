//! The order in which the grammars of text are tried: the strictest first.

use std::cell::OnceCell;

use super::decode::Text;
use super::{
    config, graphs, json, lines, mail, markdown, markup, notations, query, relaxed_json, rules,
    source, styles, tabular, transcripts, typesetting,
};
use crate::finding::Finding;
use crate::identification::Confidence;

/// One grammar's opinion.
type Judge<'a> = dyn Fn(&Text) -> Option<Finding> + 'a;

/// What the text is; `text/plain` when it has no structure we know.
pub(crate) fn judge(text: &Text) -> Finding {
    // A document about code shows more code than marks of its own.
    let code = OnceCell::new();
    let any_source = |text: &Text| *code.get_or_init(|| source::judge(text));
    let clear_source = |text: &Text| {
        any_source(text).filter(|found| {
            found.confidence >= Confidence::Likely && !markdown::is_titled_document(text)
        })
    };
    let judges: [&Judge<'_>; 19] = [
        &markup::judge,
        &lines::judge,
        &json::judge,
        &relaxed_json::judge,
        &mail::judge,
        &source::judge_marked,
        &markdown::judge_fenced,
        &transcripts::judge,
        &styles::judge,
        &graphs::judge,
        &rules::judge,
        &typesetting::judge,
        &notations::judge,
        &config::judge,
        &query::judge,
        &clear_source,
        &tabular::judge,
        &|text| markdown::judge(text).filter(|_| !config::is_ini(text)),
        &any_source,
    ];
    judges
        .iter()
        .find_map(|judge| judge(text))
        .unwrap_or(if text.is_clean {
            Finding::likely("text/plain")
        } else {
            Finding::guess("text/plain")
        })
}
