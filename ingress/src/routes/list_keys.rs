//! Pages of API keys.

use domain::{KeyId, Role, UserId};
use ledger::list_keys;

use crate::dto::{ApiKeyBody, ApiKeyPageBody, Binding, CursorText, Limit, cursor, cut, position};
use crate::problem::Problem;
use crate::service::Service;

/// A page of the keys of a user, newest first, for a caller whose cursors are bound to `binding`.
pub(super) async fn page_of_keys(
    service: &Service,
    (user, role): (UserId, Role),
    limit: Option<u32>,
    (binding, start): (Binding, Option<&CursorText>),
) -> Result<ApiKeyPageBody, Problem> {
    let limit = Limit::read(limit)?;
    let before: Option<KeyId> = position(binding, start, |text| text.parse().ok())?;
    let keys = list_keys(&service.db, user, before, limit.and_one().into()).await?;
    let (keys, more) = cut(keys, limit);
    let last = keys.last().filter(|_| more);
    let next_cursor = last.map(|key| cursor(binding, &key.id));
    let body = |key| ApiKeyBody::new(key, role);
    Ok(ApiKeyPageBody {
        items: keys.into_iter().map(body).collect(),
        next_cursor,
    })
}
