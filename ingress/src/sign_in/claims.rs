//! What the claims of a verified ID token say (OpenID Connect Core, section 3.1.3.7): for whom it was
//! issued, in which sign-in, and whom it speaks of.

use std::time::Duration;

use domain::{Identity, Role, Timestamp};
use serde_json::Value;
use settings::{AdminClaim, OidcProvider};

use super::error::SignInError;
use crate::auth::Bearer;

/// How old a token may be: it comes straight from the provider.
const MAX_AGE: Duration = Duration::from_mins(10);

/// The sign-in that a token has to belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The client that asked for it.
    pub(super) client: &'a str,
    /// The nonce that was sent; without one, the token must have none either. So a token of the console
    /// is of no use elsewhere.
    pub(super) nonce: Option<&'a str>,
    /// The present.
    pub(super) now: Timestamp,
}

/// A person, as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// Who they are, and names for a new user.
    pub(super) bearer: Bearer,
    /// Their role, if the provider decides about it.
    pub(super) role: Option<Role>,
}

impl Expected<'_> {
    /// Checks claims of which signature, issuer, audience and expiry are verified already.
    pub(super) fn check(&self, claims: &Value) -> Result<(), SignInError> {
        let party = claims["azp"].as_str();
        let is_ours = match &claims["aud"] {
            Value::String(one) => one == self.client,
            Value::Array(all) => {
                let names_us = all.iter().any(|one| one == self.client);
                names_us && (all.len() == 1 || party.is_some())
            }
            _ => false,
        };
        if !is_ours || party.is_some_and(|party| party != self.client) {
            return Err(SignInError::Client);
        }
        let nonce = &claims["nonce"];
        let fits = match self.nonce {
            Some(sent) => nonce == sent,
            None => nonce.is_null(),
        };
        if !fits {
            return Err(SignInError::Nonce);
        }
        if self.is_recent(claims) {
            Ok(())
        } else {
            Err(SignInError::Old)
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates"
    )]
    fn is_recent(&self, claims: &Value) -> bool {
        let oldest = self.now.minus(MAX_AGE).as_micros() / 1_000_000;
        let issued = claims["iat"].as_f64();
        issued.is_some_and(|issued| issued as i64 >= oldest)
    }
}

impl Person {
    /// Reads whom claims speak of.
    pub(super) fn of(claims: &Value, provider: &OidcProvider) -> Result<Self, SignInError> {
        let subject = claims["sub"].as_str().unwrap_or_default();
        let identity = Identity::new(provider.issuer.as_str(), subject)?;
        let name = claims[&provider.name_claim].as_str();
        let labels = name.into_iter().chain([subject]);
        let role = provider.admin_claim.as_ref().map(|admin| {
            if names(&claims[&admin.name], admin) {
                Role::Admin
            } else {
                Role::User
            }
        });
        Ok(Self {
            bearer: Bearer {
                identity,
                labels: labels.map(str::to_owned).collect(),
            },
            role,
        })
    }
}

/// Whether a claim is the value, or a list with it.
fn names(claim: &Value, admin: &AdminClaim) -> bool {
    match claim {
        Value::Array(values) => values.iter().any(|value| *value == admin.value),
        Value::Bool(value) => value.to_string() == admin.value,
        value => *value == admin.value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(claims: &Value, nonce: Option<&str>) -> Result<(), SignInError> {
        let expected = Expected {
            client: "us",
            nonce,
            now: Timestamp::from_micros(NOW * 1_000_000),
        };
        expected.check(claims)
    }

    #[test]
    fn a_token_belongs_to_one_client_and_one_sign_in() {
        let good = json!({"aud": "us", "iat": NOW - 599, "nonce": "n"});
        assert!(check(&good, Some("n")).is_ok());
        let good = json!({"aud": ["us", "them"], "azp": "us", "iat": NOW + 5});
        assert!(check(&good, None).is_ok());
        for (claims, nonce) in [
            (json!({"aud": "them", "iat": NOW}), None),
            (json!({"aud": ["us", "them"], "iat": NOW}), None),
            (
                json!({"aud": ["us", "them"], "azp": "them", "iat": NOW}),
                None,
            ),
            (json!({"aud": "us", "azp": "them", "iat": NOW}), None),
            (json!({"aud": "us", "iat": NOW}), Some("n")),
            (json!({"aud": "us", "iat": NOW, "nonce": "m"}), Some("n")),
            (json!({"aud": "us", "iat": NOW, "nonce": "n"}), None),
            (json!({"aud": "us", "iat": NOW - 601}), None),
            (json!({"aud": "us"}), None),
        ] {
            assert!(check(&claims, nonce).is_err(), "{claims}");
        }
    }

    #[test]
    fn an_admin_is_who_has_the_whole_value() {
        let admin: AdminClaim = "groups=admins".parse().unwrap();
        for (claim, expected) in [
            (json!("admins"), true),
            (json!(["users", "admins"]), true),
            (json!("no-admins"), false),
            (json!(["users"]), false),
            (json!({"admins": true}), false),
            (json!(true), false),
            (Value::Null, false),
        ] {
            assert_eq!(names(&claim, &admin), expected, "{claim}");
        }
        let flag: AdminClaim = "is_admin=true".parse().unwrap();
        assert!(names(&json!(true), &flag) && !names(&json!(false), &flag));
    }
}
