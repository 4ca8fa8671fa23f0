//! Whom the key belongs to.

use std::fmt::Write as _;

use indicatif::HumanCount;

use crate::failure::Failure;
use crate::output::{moment, one_line, size};
use crate::session::Session;

/// Shows the user, the scopes and the limits.
pub async fn me(session: &Session<'_>) -> Result<(), Failure> {
    let me = session.client.me().await?;
    let role = format!("{:?}", me.role).to_lowercase();
    let limits = &me.limits;
    let mut text = format!(
        "{}  {role}  {}\nmay        {}\nlimits     {} in {} documents, {} a document",
        me.id,
        one_line(&me.name),
        me.scopes.join(", "),
        size(limits.quota_bytes),
        HumanCount(limits.quota_documents.into()),
        size(limits.max_document_bytes),
    );
    if let Some(rate) = &limits.rate_limit {
        let _ = write!(text, ", {rate} requests");
    }
    if let Some(expires) = me.key.as_ref().and_then(|key| key.expires_at) {
        let _ = write!(text, "\nexpires    {} UTC", moment(expires));
    }
    session.screen.result(&me, &text)
}
