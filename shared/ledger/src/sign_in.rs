//! What comes of signing in with a provider: users, about whose role it decides, and keys that end soon.

use sea_orm::FromQueryResult;

use super::batch::query_as;
use super::keys::issued;
use super::tables::{api_keys, identities, users};
use super::users::{UserNameTaken, insert_user};
use super::{AddKeyError, ApiKey, Commit, Database, DbError};
use domain::{Identity, KeyId, Sha256, User};

/// The most keys of a user that they got by signing in: another one replaces the oldest.
pub const MAX_SIGNED_IN: u32 = 16;

/// Adds a user who signs in with a provider, which decides about their role from then on.
pub async fn add_user_of_provider(
    on: &impl Commit<User>,
    user: &User,
) -> Result<(), UserNameTaken> {
    let transaction = on.database().begin().await?;
    insert_user(&transaction, user).await?;
    for identity in &user.identities {
        identities::let_decide_role(&transaction, identity).await?;
    }
    Ok(on.commit(transaction, user).await?)
}

/// Whether the issuer of an identity decides about the role of its user. It does so only for users
/// that signing in has made, not for those to whom an admin has linked it.
pub async fn decides_role(db: &Database, identity: &Identity) -> Result<bool, DbError> {
    let sql = "SELECT decides_role FROM identities \
         WHERE issuer = $1 AND subject = $2 AND user_id IS NOT NULL";
    let values = [identity.issuer().into(), identity.subject().into()];
    let found: Vec<DecidesRow> = query_as(db.reader(), sql, values).await?;
    Ok(found.first().is_some_and(|row| row.decides_role))
}

#[derive(FromQueryResult)]
struct DecidesRow {
    decides_role: bool,
}

/// A key that its user got by signing in.
#[derive(Clone, Debug)]
pub struct SignedInKey {
    /// The key.
    pub key: ApiKey,
    /// Older ones that it replaces.
    pub replaces: Vec<KeyId>,
}

/// Adds a key that its user got by signing in. Of those, only the newest are kept.
pub async fn add_signed_in_key(
    on: &impl Commit<SignedInKey>,
    key: ApiKey,
    hash: Sha256,
) -> Result<(), AddKeyError> {
    let transaction = on.database().begin().await?;
    // One after the other, so that together they don't pass the limit.
    if users::lock(&transaction, key.user.0).await?.is_none() {
        return Err(AddKeyError::NoUser);
    }
    let kept = MAX_SIGNED_IN - 1;
    let replaces = api_keys::delete_older_by_sign_in(&transaction, key.user, kept).await?;
    api_keys::insert(&transaction, issued(&key, hash, true)).await?;
    on.commit(transaction, &SignedInKey { key, replaces })
        .await?;
    Ok(())
}
