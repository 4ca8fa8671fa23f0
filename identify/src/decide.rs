//! Content first, the name only within the family, then the facts a policy
//! needs: this is the whole decision.

use std::io;

use crate::content::{self, Content};
use crate::finding::Finding;
use crate::identification::{Confidence, Identification};
use crate::names;
use crate::policy::{active, contradiction, polyglot, refine};
use crate::source::Source;
use crate::window::Window;

const UNKNOWN: &str = "application/octet-stream";

/// What the bytes of `source` are; `name` is its file name, if it has one.
///
/// The content decides; the name chooses within a family that content cannot
/// tell apart, and never makes something that runs look harmless. Fails only
/// when the source cannot be read.
///
/// ```
/// let mut bytes: &[u8] = b"%PDF-1.7\n";
/// let found = identify::identify(&mut bytes, Some("report.docx")).unwrap();
/// assert_eq!(found.media_type, "application/pdf");
/// assert!(found.mismatch);
/// ```
pub fn identify(source: &mut dyn Source, name: Option<&str>) -> io::Result<Identification> {
    let mut window = Window::open(source)?;
    let mut content = content::judge(&mut window)?;
    if let Some(found) = content.finding {
        content.finding = Some(polyglot::inspect(&mut window, found)?);
    }
    Ok(decide(&content, name))
}

fn decide(content: &Content, name: Option<&str>) -> Identification {
    let by_name = name.and_then(names::media_type);
    let claims = name.map(names::claims).unwrap_or_default();
    let chosen = refine::by_name(content, &claims);
    let by_content = content.finding.map(|found| found.media_type);
    let unnamed = by_content.map(|detected| refine::by_content(detected, by_name));
    let media_type = chosen.or(unnamed).unwrap_or(UNKNOWN);
    let confidence = match (content.finding, chosen) {
        (Some(found), Some(named)) if named != found.media_type => {
            found.confidence.min(Confidence::Likely)
        }
        (Some(found), _) => found.confidence,
        (None, Some(_)) => Confidence::Guess,
        (None, None) => Confidence::Unknown,
    };
    let facts = content.finding.unwrap_or(Finding::guess(UNKNOWN));
    Identification {
        media_type,
        confidence,
        by_content,
        by_name,
        mismatch: name.is_some_and(|name| contradiction::name_contradicts(name, media_type)),
        active_content: facts.active
            || active::is_active(media_type)
            || active::is_active(facts.media_type),
        encrypted: facts.encrypted,
        polyglot: facts.polyglot,
    }
}
