//! Authenticates bearer tokens: API keys by the ledger, JWTs by the identities of its users.

use std::sync::Arc;

use domain::{Account, AuditOrigin, Clock, Role, Sha256};
use ledger::{Credential, Database, find_key_holder};
use poem::http::HeaderMap;
use settings::{JwtSettings, KeySource};

use super::bearer::bearer_token;
use super::identity_users::{IdentityUsers, RoleFrom, refused};
use super::jwt::{Bearer, JwtSetupError, JwtVerifier, RefusedToken};
use super::token_header::header_of;
use crate::problem::{Code, Problem};
use crate::recent::Recent;

/// An authenticated account and its credential.
pub(super) type Proved = (Account, Credential);

/// What to do with a valid token whose subject is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownSubject {
    /// Create a user linked to it.
    Add,
    /// Refuse it.
    Refuse,
}

/// A key that has expired.
#[derive(Debug, thiserror::Error)]
#[error("the key has expired")]
struct ExpiredKey;

/// Authenticates callers.
#[derive(Debug)]
pub struct Authenticator {
    database: Database,
    users: IdentityUsers,
    clock: Arc<dyn Clock>,
    tokens: Option<(JwtVerifier, UnknownSubject)>,
    /// Holders of keys. Only those are here who may do something, so a new key, and a user who is
    /// enabled again, is good immediately; one that was removed or disabled elsewhere is good for
    /// another tenth of a second.
    holders: Recent<Sha256, Account>,
}

impl Authenticator {
    /// Creates an authenticator for API keys, and for JWTs if enabled.
    pub async fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        jwt: &JwtSettings,
    ) -> Result<Self, JwtSetupError> {
        let unknown = if jwt.create_users {
            UnknownSubject::Add
        } else {
            UnknownSubject::Refuse
        };
        let tokens = if jwt.is_on() {
            Some((
                JwtVerifier::new(jwt.into(), Arc::clone(&clock)).await?,
                unknown,
            ))
        } else {
            None
        };
        if let Some(KeySource::Url(url)) = &jwt.jwks
            && url.is_plain_http()
        {
            tracing::warn!(
                "DOSSIER_JWT_JWKS: the keys are fetched over plain http; anyone on the path can forge tokens"
            );
        }
        Ok(Self {
            users: IdentityUsers::new(database.clone(), Arc::clone(&clock)),
            database,
            clock,
            tokens,
            holders: Recent::default(),
        })
    }

    /// Looks all keys up again: some of them, or their users, may have changed.
    pub(super) fn forget_holders(&self) {
        self.holders.clear();
    }

    /// Authenticates a request by its header. Every refusal is the same.
    pub(super) async fn account(
        &self,
        headers: &HeaderMap,
        whence: &AuditOrigin,
    ) -> Result<Proved, Problem> {
        let token = bearer_token(headers).ok_or(Code::Unauthorized)?;
        match &self.tokens {
            Some((verifier, unknown)) if looks_like_jwt(token) => {
                let (bearer, end) = verifier.bearer(token).await.map_err(refused)?;
                let identity = bearer.identity.digest();
                let holder = self.holder(bearer, *unknown, whence).await?;
                let account = Account {
                    expires_at: Some(end),
                    ..holder
                };
                let user = account.caller.user;
                Ok((account, Credential::Token { user, identity }))
            }
            _ => {
                let hash = Sha256::of(token.as_bytes());
                let account = match self.holders.get(hash) {
                    Ok(account) => account,
                    Err(lookup) => {
                        let found = find_key_holder(&self.database, hash).await?;
                        let account = found.ok_or(Code::Unauthorized)?;
                        if !account.disabled {
                            self.holders.insert(lookup, hash, account);
                        }
                        account
                    }
                };
                let now = self.clock.now();
                if account.expires_at.is_some_and(|end| end <= now) {
                    return Err(Problem::from(Code::Unauthorized).because(ExpiredKey));
                }
                Ok((account, Credential::Key(hash)))
            }
        }
    }

    async fn holder(
        &self,
        bearer: Bearer,
        unknown: UnknownSubject,
        whence: &AuditOrigin,
    ) -> Result<Account, Problem> {
        match (self.users.known(&bearer.identity).await?, unknown) {
            (Some(account), _) => Ok(account),
            (None, UnknownSubject::Add) => {
                let role = (Role::User, RoleFrom::Admins);
                self.users.add(bearer, role, whence).await
            }
            (None, UnknownSubject::Refuse) => Err(refused(RefusedToken::Stranger)),
        }
    }
}

/// Returns whether the token begins like a signed JWT. An API key may hold any printable
/// characters, but is never like that by chance.
fn looks_like_jwt(token: &str) -> bool {
    header_of(token).is_ok()
}
