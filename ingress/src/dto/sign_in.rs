//! How to sign in.

use poem_openapi::Object;
use settings::OidcProvider;

use crate::http::{FromMembers, Members};

/// The longest ID token, in bytes.
const LONGEST: usize = 16 << 10;

/// How to sign in, besides with an API key.
#[derive(Debug, Object)]
#[oai(rename = "SignIn")]
pub struct SignInBody {
    /// The provider; `null` if there is none.
    #[oai(nullable)]
    pub provider: Option<ProviderBody>,
}

/// The provider that people sign in with.
#[derive(Debug, Object)]
#[oai(rename = "SignInProvider")]
pub struct ProviderBody {
    /// Its issuer (OpenID Connect), from which programs find its endpoints.
    pub issuer: String,
    /// Where a browser signs in.
    pub path: String,
    /// The public client of a device flow; `null` if programs can't sign in.
    #[oai(nullable)]
    pub device_client_id: Option<String>,
    /// The scopes to ask for, separated by spaces.
    pub scopes: String,
}

/// A request for a key.
#[derive(Debug, Object)]
#[oai(rename = "SignInRequest")]
pub struct IdTokenBody {
    /// An ID token that the provider has just issued, without nonce.
    #[oai(validator(min_length = 1, max_length = 16384))]
    pub id_token: String,
}

/// A parsed request for a key: the ID token.
#[derive(Clone)]
pub struct IdTokenRequest(pub String);

impl SignInBody {
    /// How to sign in with this provider.
    pub fn of(provider: Option<&OidcProvider>) -> Self {
        Self {
            provider: provider.map(|provider| ProviderBody {
                issuer: provider.issuer.as_str().to_owned(),
                path: "/oidc/sign-in".to_owned(),
                device_client_id: provider.device_client_id.clone(),
                scopes: provider.scopes.clone(),
            }),
        }
    }
}

impl FromMembers for IdTokenRequest {
    type Schema = IdTokenBody;

    fn take(members: &mut Members) -> Option<Self> {
        let token = members.required::<String>("id_token")?;
        if token.is_empty() || token.len() > LONGEST {
            return members.refuse("id_token", "must have 1 to 16384 characters");
        }
        Some(Self(token))
    }
}
