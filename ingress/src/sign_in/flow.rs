//! The two ways to sign in: a browser, by the authorization code flow with PKCE, and a program that has an
//! ID token of a device flow.

use std::sync::Arc;

use domain::Clock;
use ledger::{Database, SecretSealer};
use settings::OidcProvider;
use url::form_urlencoded;

use super::accounts::{Accounts, SignedIn};
use super::claims::{Expected, Person};
use super::error::SignInError;
use super::pending::{PATIENCE, Pending};
use super::provider::Provider;
use crate::auth::Session;
use crate::problem::Problem;
use crate::service::Service;

/// The path that the provider leads browsers back to.
const CALLBACK: &str = "/oidc/callback";

/// Signs people in with a provider.
pub(crate) struct SignIn {
    provider: Arc<Provider>,
    accounts: Accounts,
    db: Database,
    sealer: SecretSealer,
    clock: Arc<dyn Clock>,
}

/// A sign-in that has begun in a browser.
pub(crate) struct Begun {
    /// Where it goes on.
    pub(crate) location: String,
    /// What the browser keeps meanwhile, as a `Set-Cookie` field.
    pub(crate) cookie: String,
}

/// What a provider answers by a browser.
#[derive(Debug, Default)]
struct Answer {
    code: String,
    state: String,
    error: Option<String>,
    issuer: Option<String>,
}

impl SignIn {
    /// Signs in with the provider of the service, if it has one.
    pub(crate) fn of(service: &Service) -> Option<Arc<Self>> {
        let provider = service.oidc.clone()?;
        let (db, clock) = (service.db.clone(), Arc::clone(&service.clock));
        Some(Arc::new(Self {
            provider: Arc::new(Provider::new(provider, Arc::clone(&clock))),
            accounts: Accounts::new(db.clone(), Arc::clone(&clock)),
            db,
            sealer: service.sealer.clone(),
            clock,
        }))
    }

    /// The provider, and what signing in with it means.
    pub(crate) fn settings(&self) -> &OidcProvider {
        self.provider.settings()
    }

    /// Begins a sign-in of a browser.
    pub(crate) async fn begin(&self) -> Result<Begun, Problem> {
        let (now, redirect) = (self.clock.now(), self.redirect());
        let pending = Pending::begin(now);
        let location = self.provider.authorization(&pending, &redirect).await?;
        let sealed = pending.seal(&self.sealer, &self.db, now).await;
        let sealed = sealed.map_err(Problem::internal)?;
        Ok(Begun {
            location,
            cookie: self.cookie(&sealed, PATIENCE.as_secs()),
        })
    }

    /// Ends a sign-in of a browser: `query` is what the provider answers, `cookies` the browser's.
    pub(crate) async fn finish(
        &self,
        query: &str,
        cookies: &str,
        session: &Session,
    ) -> Result<SignedIn, Problem> {
        let begun = self.begun(query, cookies).await;
        let (answer, pending) = begun.inspect_err(|error| note(error, session))?;
        // Not before: any page can have browsers ask for the callback.
        session.count_sign_in()?;
        let person = self.person_of(answer, &pending).await;
        let person = person.inspect_err(|error| note(error, session))?;
        let settings = self.settings();
        let way = (session, "Signed in to the console");
        self.accounts.sign_in(person, settings, way).await
    }

    /// Signs a program in that has an ID token of the client for devices.
    pub(crate) async fn with_token(
        &self,
        token: &str,
        session: &Session,
    ) -> Result<Option<SignedIn>, Problem> {
        let settings = self.settings();
        let Some(client) = &settings.device_client_id else {
            return Ok(None);
        };
        let person = self.person(token, client, None).await;
        let person = person.inspect_err(|error| note(error, session))?;
        let way = (session, "Signed in by dsr");
        let signed_in = self.accounts.sign_in(person, settings, way).await?;
        Ok(Some(signed_in))
    }

    /// The field that has the browser forget the sign-in.
    pub(crate) fn forgotten(&self) -> String {
        self.cookie("", 0)
    }

    /// What the provider answers to a sign-in that this browser has begun.
    async fn begun(&self, query: &str, cookies: &str) -> Result<(Answer, Pending), SignInError> {
        let answer = Answer::read(query).ok_or(SignInError::State)?;
        let now = self.clock.now();
        let opened = match kept(cookies, self.cookie_name()) {
            Some(sealed) => self.sealer.open_state(&self.db, sealed, now).await,
            None => Ok(None),
        };
        let opened = opened.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "failed to open the state of a sign-in");
            None
        });
        let pending = Pending::open(opened.as_deref(), &answer.state, now)?;
        let issuer = self.settings().issuer.as_str();
        // Another provider may have mixed itself in (RFC 9207).
        if answer
            .issuer
            .as_deref()
            .is_some_and(|named| named != issuer)
        {
            return Err(SignInError::State);
        }
        Ok((answer, pending))
    }

    async fn person_of(&self, answer: Answer, pending: &Pending) -> Result<Person, SignInError> {
        if let Some(error) = answer.error {
            return Err(SignInError::Declined(error));
        }
        let redirect = self.redirect();
        let token = self.provider.redeem(&answer.code, pending, &redirect);
        let client = &self.settings().client_id;
        self.person(&token.await?, client, Some(&pending.nonce))
            .await
    }

    async fn person(
        &self,
        token: &str,
        client: &str,
        nonce: Option<&str>,
    ) -> Result<Person, SignInError> {
        let claims = self.provider.verify(token).await?;
        let expected = Expected {
            client,
            nonce,
            now: self.clock.now(),
        };
        expected.check(&claims)?;
        Person::of(&claims, self.settings())
    }

    fn redirect(&self) -> String {
        self.settings().public_url.with_path(CALLBACK)
    }

    /// By TLS, no other host of the domain can set the cookie.
    fn cookie_name(&self) -> &'static str {
        if self.settings().public_url.is_https() {
            "__Host-dossier-sign-in"
        } else {
            "dossier-sign-in"
        }
    }

    fn cookie(&self, value: &str, seconds: u64) -> String {
        let name = self.cookie_name();
        let secure = if self.settings().public_url.is_https() {
            "; Secure"
        } else {
            ""
        };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

impl Answer {
    /// Reads the query of a browser. Providers add parameters of their own; none of ours may be twice.
    fn read(query: &str) -> Option<Self> {
        let mut answer = Self::default();
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "code" => answer.code = value,
                "state" => answer.state = value,
                // Anybody writes it, and it goes into the security log: its characters are those of
                // RFC 6749, appendix A.7.
                "error" => {
                    let code = value.chars().filter(char::is_ascii_graphic);
                    answer.error = Some(code.take(100).collect());
                }
                "iss" => answer.issuer = Some(value),
                _ => continue,
            }
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
        }
        Some(answer)
    }
}

/// The value of a cookie, if there is exactly one of that name.
fn kept<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let pairs = cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs
        .filter(|(one, _)| *one == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Records a refusal in the security log; that a provider fails is none.
fn note(error: &SignInError, session: &Session) {
    if error.is_refusal() {
        session.sign_in_refused(&error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_each_parameter_once() {
        let answer = Answer::read("code=a%2Bb&state=s&session_state=x&iss=https%3A%2F%2Fi");
        let answer = answer.unwrap();
        assert_eq!((&*answer.code, &*answer.state), ("a+b", "s"));
        assert_eq!(answer.issuer.as_deref(), Some("https://i"));
        assert!(Answer::read("code=a&state=s&code=b").is_none());
        assert_eq!(Answer::read("").unwrap().code, "");
        let declined = Answer::read("error=a%00b%0Ac").unwrap();
        assert_eq!(declined.error.as_deref(), Some("abc"));
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        assert_eq!(kept("a=1; name=x; b=2", "name"), Some("x"));
        assert_eq!(kept("name=x; name=y", "name"), None);
        assert_eq!(kept("other-name=x", "name"), None);
    }
}
