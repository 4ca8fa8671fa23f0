//! `If-Match` (RFC 9110, section 13.1.1): changes only the revision that the caller has seen.

use domain::{Caller, Document, DocumentId};
use ledger::{Precondition, Target};
use poem::http::HeaderMap;
use poem::http::header::IF_MATCH;
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::http::entity_tags;
use crate::problem::{Code, Problem};

/// The `If-Match` field of a request, as a parameter of an operation.
#[derive(Clone, Debug)]
pub struct IfMatch(Precondition);

impl IfMatch {
    /// Returns the target: the caller's document with the required revision.
    #[must_use]
    pub fn target(self, caller: Caller, document: DocumentId) -> Target {
        Target {
            document,
            owner: caller.user,
            precondition: self.0,
        }
    }

    /// Checks the field before costly work; the change checks again.
    pub fn check(&self, document: &Document) -> Result<(), Problem> {
        if self.0.admits(document.revision) {
            Ok(())
        } else {
            Err(Code::RevisionMismatch.into())
        }
    }
}

/// The entity tag of a revision.
#[must_use]
pub fn revision_tag(document: &Document) -> String {
    format!("\"r{}\"", document.revision)
}

/// Parses the field. Foreign tags match nothing. Weak tags match as well, although RFC 9110
/// requires strong ones: a revision is the same in every encoding, and compressing proxies weaken
/// our tags.
pub(super) fn precondition(headers: &HeaderMap) -> Precondition {
    let mut revisions = Vec::new();
    if !headers.contains_key(IF_MATCH) {
        return Precondition::None;
    }
    let lines = headers.get_all(IF_MATCH).iter();
    for tag in lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(entity_tags)
    {
        if tag == "*" {
            return Precondition::None;
        }
        revisions.extend(revision(tag));
    }
    Precondition::OneOf(revisions)
}

fn revision(tag: &str) -> Option<u64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let revision: u64 = tag.strip_prefix("\"r")?.strip_suffix('"')?.parse().ok()?;
    // One revision has one tag: no sign, no leading zeros.
    (format!("\"r{revision}\"") == tag).then_some(revision)
}

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(String::schema_ref())
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        Ok(Self(precondition(request.headers())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Precondition {
        let lines = lines.iter().map(|line| (IF_MATCH, line.parse().unwrap()));
        precondition(&lines.collect())
    }

    #[test]
    fn any_document_that_is_there_matches_a_star() {
        assert_eq!(read(&[]), Precondition::None);
        assert_eq!(read(&["*"]), Precondition::None);
    }

    #[test]
    fn a_list_over_several_lines_is_one_list() {
        assert_eq!(
            read(&["\"r1\", \"r22\"", "\"r3\""]),
            Precondition::OneOf(vec![1, 22, 3])
        );
    }

    #[test]
    fn a_tag_that_was_made_weak_matches() {
        assert_eq!(read(&["W/\"r1\", \"r2\""]), Precondition::OneOf(vec![1, 2]));
    }

    #[test]
    fn what_is_not_ours_matches_nothing() {
        for tag in [
            "w/\"r1\"", "W/r1", "\"r01\"", "\"r+1\"", "r1", "\"1\"", "\"x\"", "", "\"r1", "\"r-1\"",
        ] {
            assert_eq!(read(&[tag]), Precondition::OneOf(vec![]), "{tag}");
        }
    }
}
