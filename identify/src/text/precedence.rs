//! The order in which the grammars of text are tried: the strictest first.

use super::decode::Text;
use super::{config, json, lines, mail, markdown, markup, notations, query, source, tabular};
use crate::finding::Finding;
use crate::identification::Confidence;

/// One grammar's opinion.
type Judge<'a> = dyn Fn(&Text) -> Option<Finding> + 'a;

/// What the text is; `text/plain` when it has no structure we know.
pub(crate) fn judge(text: &Text) -> Finding {
    // A document about code shows more code than marks of its own.
    let clear_source = |text: &Text| {
        source::judge(text).filter(|found| {
            found.confidence >= Confidence::Likely && !markdown::is_titled_document(text)
        })
    };
    let judges: [&Judge<'_>; 12] = [
        &markup::judge,
        &lines::judge,
        &json::judge,
        &mail::judge,
        &source::judge_marked,
        &notations::judge,
        &config::judge,
        &query::judge,
        &clear_source,
        &tabular::judge,
        &markdown::judge,
        &source::judge,
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
