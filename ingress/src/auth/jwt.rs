//! JWTs (RFC 7519): which are accepted, and their identities.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Identity, InvalidIdentity, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode};
use serde::Deserialize;
use serde_json::Value;
use settings::{JwtAlgorithm, JwtSettings, KeySource};

use super::jwks::KeySetError;
use super::key_ring::KeyRing;
use super::token_header::{UnreadHeader, header_of};

/// The tolerated clock skew for tokens that are not valid yet. Expired tokens get none.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Which tokens are accepted: decided by the operator, never by the token.
#[derive(Clone)]
pub(crate) struct JwtRules {
    /// The secret for HS256, if any.
    secret: Option<Vec<u8>>,
    /// The key set for the other algorithms, if any.
    key_set: Option<KeySource>,
    /// The permitted algorithms; each must fit the kind of keys.
    algorithms: Vec<JwtAlgorithm>,
    /// The required issuer, if set.
    issuer: Option<String>,
    /// The audiences of which tokens must name one, if set.
    audiences: Vec<String>,
}

/// Contradictory settings, or keys that can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum JwtSetupError {
    /// No algorithm is permitted.
    #[error("DOSSIER_JWT_ALGORITHMS: the list is empty")]
    NoAlgorithm,
    /// An algorithm without a key.
    #[error(
        "there is no JWT key for {0:?}: HS256 needs DOSSIER_JWT_SECRET, the others DOSSIER_JWT_JWKS"
    )]
    Unfit(JwtAlgorithm),
    /// The keys can't be loaded.
    #[error("DOSSIER_JWT_JWKS: the keys could not be loaded")]
    Keys(#[source] KeySetError),
}

impl From<&JwtSettings> for JwtRules {
    fn from(settings: &JwtSettings) -> Self {
        Self {
            secret: settings
                .secret
                .as_ref()
                .map(|secret| secret.as_bytes().to_vec()),
            key_set: settings.jwks.clone(),
            algorithms: settings.allowed_algorithms(),
            issuer: settings.issuer.clone(),
            audiences: settings.audience.iter().cloned().collect(),
        }
    }
}

impl JwtRules {
    /// Tokens of this issuer alone, signed with one of its keys, for one of these audiences.
    pub(crate) fn of_provider(issuer: &str, key_set: KeySource, audiences: Vec<String>) -> Self {
        Self {
            secret: None,
            key_set: Some(key_set),
            algorithms: vec![
                JwtAlgorithm::Rs256,
                JwtAlgorithm::Es256,
                JwtAlgorithm::EdDsa,
            ],
            issuer: Some(issuer.to_owned()),
            audiences,
        }
    }

    const fn have_key_for(&self, algorithm: JwtAlgorithm) -> bool {
        match algorithm {
            JwtAlgorithm::Hs256 => self.secret.is_some(),
            JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 | JwtAlgorithm::EdDsa => {
                self.key_set.is_some()
            }
        }
    }
}

/// A token that was not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedToken {
    #[error("the token is malformed or forged")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error(transparent)]
    Header(#[from] UnreadHeader),
    #[error("the token's algorithm is not permitted")]
    Algorithm,
    #[error("no known key could have signed the token")]
    UnknownKey,
    #[error("the token has a critical extension that is not supported")]
    Critical,
    #[error("the token has expired or is not valid yet")]
    Time,
    #[error("the token names an empty issuer")]
    Issuer,
    #[error("the token's issuer or subject can't be kept")]
    Identity(#[from] InvalidIdentity),
    #[error("the token is meant for another service, and no audience of ours is set")]
    Audience,
    #[error("the token's subject is not linked to a user")]
    Stranger,
    #[error("the token's user was deleted")]
    Deleted,
    #[error("the keys could not be fetched")]
    Keys(#[source] Arc<KeySetError>),
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: String,
    aud: Option<Value>,
    exp: f64,
    nbf: Option<f64>,
    preferred_username: Option<Value>,
    name: Option<Value>,
}

impl Claims {
    fn read(claims: Value) -> Result<Self, RefusedToken> {
        let read = serde_json::from_value(claims);
        read.map_err(|error| RefusedToken::Invalid(error.into()))
    }
}

/// The identity of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// Who they are.
    pub(crate) identity: Identity,
    /// Candidate names for a new user, the best first. Never used to look up a user.
    pub(crate) labels: Vec<String>,
}

impl TryFrom<Claims> for Bearer {
    type Error = RefusedToken;

    fn try_from(claims: Claims) -> Result<Self, RefusedToken> {
        // It would equal that of tokens without an issuer.
        if claims.iss.as_deref() == Some("") {
            return Err(RefusedToken::Issuer);
        }
        let identity = Identity::new(claims.iss.as_deref().unwrap_or_default(), &claims.sub)?;
        let told = [claims.preferred_username, claims.name];
        let told = told.iter().flatten().filter_map(Value::as_str);
        let labels = told.map(str::to_owned).chain([claims.sub]).collect();
        Ok(Self { identity, labels })
    }
}

/// Checks tokens against the rules.
#[derive(Debug)]
pub(crate) struct JwtVerifier {
    secret: Option<DecodingKey>,
    key_set: Option<Arc<KeyRing>>,
    algorithms: Vec<Algorithm>,
    validation: Validation,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Checks the settings and loads the keys.
    pub(crate) async fn new(rules: JwtRules, clock: Arc<dyn Clock>) -> Result<Self, JwtSetupError> {
        if rules.algorithms.is_empty() {
            return Err(JwtSetupError::NoAlgorithm);
        }
        if let Some(unfit) = rules
            .algorithms
            .iter()
            .find(|algorithm| !rules.have_key_for(**algorithm))
        {
            return Err(JwtSetupError::Unfit(*unfit));
        }
        let validation = validation(&rules);
        let secret = rules.secret.as_deref().map(DecodingKey::from_secret);
        let key_set = match rules.key_set {
            Some(source) => Some(
                KeyRing::open(source, Arc::clone(&clock))
                    .await
                    .map_err(JwtSetupError::Keys)?,
            ),
            None => None,
        };
        let algorithms = rules.algorithms.into_iter().map(library_name).collect();
        Ok(Self {
            secret,
            key_set,
            algorithms,
            validation,
            clock,
        })
    }

    /// Verifies a token and returns its identity, and when it ends.
    pub(super) async fn bearer(&self, token: &str) -> Result<(Bearer, Timestamp), RefusedToken> {
        let claims = Claims::read(self.claims(token).await?)?;
        let end = moment(claims.exp);
        Ok((claims.try_into()?, end))
    }

    /// Verifies a token and returns its claims.
    pub(crate) async fn claims(&self, token: &str) -> Result<Value, RefusedToken> {
        let header = header_of(token)?;
        if !self.algorithms.contains(&header.alg) {
            return Err(RefusedToken::Algorithm);
        }
        if header.crit.is_some() {
            return Err(RefusedToken::Critical);
        }
        let keys = self.candidates(&header).await?;
        let all = self.verify(token, &header, &keys)?;
        let claims = Claims::read(all.clone())?;
        // A recipient that isn't named must refuse it (RFC 7519, section 4.1.3).
        if !self.validation.validate_aud && claims.aud.is_some() {
            return Err(RefusedToken::Audience);
        }
        if self.is_current(&claims) {
            Ok(all)
        } else {
            Err(RefusedToken::Time)
        }
    }

    /// A secret verifies only HS256; a public key is never used as a secret.
    async fn candidates(&self, header: &Header) -> Result<Vec<DecodingKey>, RefusedToken> {
        match (header.alg, &self.key_set) {
            (Algorithm::HS256, _) => Ok(self.secret.iter().cloned().collect()),
            (_, Some(ring)) => ring.candidates(header).await.map_err(RefusedToken::Keys),
            (_, None) => Ok(Vec::new()),
        }
    }

    fn verify(
        &self,
        token: &str,
        header: &Header,
        keys: &[DecodingKey],
    ) -> Result<Value, RefusedToken> {
        let validation = Validation {
            algorithms: vec![header.alg],
            ..self.validation.clone()
        };
        let mut refused = RefusedToken::UnknownKey;
        for key in keys {
            match decode::<Value>(token, key, &validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => refused = error.into(),
            }
        }
        Err(refused)
    }

    fn is_current(&self, claims: &Claims) -> bool {
        let now = self.clock.now();
        let started = claims
            .nbf
            .is_none_or(|nbf| now.plus(CLOCK_SKEW) >= moment(nbf));
        started && now < moment(claims.exp)
    }
}

/// Times are checked here, by the service's clock.
fn validation(rules: &JwtRules) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    // Not "exp": the library's type doesn't accept arbitrary-precision numbers. `Claims` requires
    // it.
    let mut required = vec!["sub"];
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = !rules.audiences.is_empty();
    if validation.validate_aud {
        validation.set_audience(&rules.audiences);
        required.push("aud");
    }
    if let Some(issuer) = &rules.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// A `NumericDate`: seconds since the epoch, with an optional fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from float saturates, and what lies beyond is for ever"
)]
fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}

const fn library_name(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

#[cfg(test)]
mod tests {
    use domain::ManualClock;
    use jsonwebtoken::{EncodingKey, encode};
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const SECRET: &[u8] = b"a secret that is long enough for the test";

    fn rules(audience: Option<&str>) -> JwtRules {
        JwtRules {
            secret: Some(SECRET.to_vec()),
            key_set: None,
            algorithms: vec![JwtAlgorithm::Hs256],
            issuer: audience.map(|_| "issuer".to_owned()),
            audiences: audience.into_iter().map(str::to_owned).collect(),
        }
    }

    async fn verifier(audience: Option<&str>) -> JwtVerifier {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(
            NOW * 1_000_000,
        )));
        JwtVerifier::new(rules(audience), clock).await.unwrap()
    }

    fn token(algorithm: Algorithm, claims: &Value) -> String {
        encode(
            &Header::new(algorithm),
            claims,
            &EncodingKey::from_secret(SECRET),
        )
        .unwrap()
    }

    fn base64(text: &str) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    #[tokio::test]
    async fn a_good_token_tells_of_whom_it_speaks() {
        let token = token(
            Algorithm::HS256,
            &json!({"sub": "alice", "exp": NOW + 1, "nbf": NOW + 4}),
        );
        let (bearer, end) = verifier(None).await.bearer(&token).await.unwrap();
        assert_eq!(end, Timestamp::from_micros((NOW + 1) * 1_000_000));
        assert_eq!(bearer.identity, Identity::new("", "alice").unwrap());
        assert_eq!(bearer.labels, ["alice"]);
    }

    #[tokio::test]
    async fn a_subject_is_its_issuers() {
        let claims = json!({
            "iss": "https://id.example.com", "sub": "7", "exp": NOW + 9, "name": "Alice A.",
            "preferred_username": "alice",
        });
        let token = token(Algorithm::HS256, &claims);
        let (bearer, _) = verifier(None).await.bearer(&token).await.unwrap();
        let identity = Identity::new("https://id.example.com", "7").unwrap();
        assert_eq!(bearer.identity, identity);
        assert_eq!(bearer.labels, ["alice", "Alice A.", "7"]);
    }

    #[tokio::test]
    async fn a_bad_token_is_refused() {
        let unsigned = format!(
            "{}.{}.",
            base64(r#"{"alg":"none"}"#),
            base64(r#"{"sub":"alice","exp":9999999999}"#)
        );
        let good = token(Algorithm::HS256, &json!({"sub": "alice", "exp": NOW + 9}));
        let forged = format!("{}x", &good[..good.len() - 1]);
        for bad in [
            token(Algorithm::HS256, &json!({"sub": "alice", "exp": NOW})),
            token(
                Algorithm::HS256,
                &json!({"sub": "alice", "exp": NOW + 9, "nbf": NOW + 6}),
            ),
            token(Algorithm::HS256, &json!({"sub": "alice"})),
            token(Algorithm::HS256, &json!({"exp": NOW + 9})),
            token(
                Algorithm::HS256,
                &json!({"sub": "alice", "exp": NOW + 9, "iss": ""}),
            ),
            token(
                Algorithm::HS256,
                &json!({"sub": "alice", "exp": NOW + 9, "iss": ["us"]}),
            ),
            token(
                Algorithm::HS256,
                &json!({"sub": "alice", "exp": NOW + 9, "aud": "another service"}),
            ),
            token(Algorithm::HS256, &json!({"sub": "\0", "exp": NOW + 9})),
            token(Algorithm::HS256, &json!({"sub": "", "exp": NOW + 9})),
            token(Algorithm::HS384, &json!({"sub": "alice", "exp": NOW + 9})),
            unsigned,
            forged,
            "a.b.c".to_owned(),
        ] {
            assert!(verifier(None).await.bearer(&bad).await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn issuer_and_audience_must_be_ours_if_they_are_set() {
        let of = |issuer: &str, audience: Value| {
            token(
                Algorithm::HS256,
                &json!({"sub": "a", "exp": NOW + 9, "iss": issuer, "aud": audience}),
            )
        };
        let verifier = verifier(Some("us")).await;
        assert!(
            verifier
                .bearer(&of("issuer", json!(["them", "us"])))
                .await
                .is_ok()
        );
        assert!(verifier.bearer(&of("issuer", json!("them"))).await.is_err());
        assert!(verifier.bearer(&of("other", json!("us"))).await.is_err());
        let bare = token(Algorithm::HS256, &json!({"sub": "a", "exp": NOW + 9}));
        assert!(verifier.bearer(&bare).await.is_err());
    }

    #[tokio::test]
    async fn an_algorithm_needs_a_key() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::starting_at(Timestamp::from_micros(0)));
        let mut rules = rules(None);
        rules.algorithms = vec![JwtAlgorithm::Rs256];
        let refused = JwtVerifier::new(rules, clock).await.unwrap_err();
        assert!(matches!(refused, JwtSetupError::Unfit(JwtAlgorithm::Rs256)));
    }
}
