//! The device flow, from the code that somebody enters elsewhere to the key.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::provider::{Endpoints, post};
use crate::http::Call;
use crate::types::{NewApiKey, SignIn};
use crate::{Client, Error};

/// The pause between two questions, unless the provider wants another (RFC 8628, section 3.5).
const PAUSE: Duration = Duration::from_secs(5);

/// The longest pause, and the longest time that somebody may take, whatever the provider says.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_mins(30);

/// A sign-in that somebody is to confirm in a browser. `Debug` doesn't show the provider's secret.
pub struct DeviceSignIn {
    client: Client,
    endpoints: Endpoints,
    client_id: String,
    device_code: String,
    pause: Duration,
    until: Instant,
    user_code: String,
    url: String,
}

impl Client {
    /// How to sign in at the service. Needs no key.
    pub async fn sign_in(&self) -> Result<SignIn, Error> {
        self.ask(Call::get(&["v1", "sign-in"])).await
    }

    /// Begins to sign in with another device; `None` if the service offers that not. Needs no key.
    pub async fn begin_sign_in(&self) -> Result<Option<DeviceSignIn>, Error> {
        let Some(provider) = self.sign_in().await?.provider else {
            return Ok(None);
        };
        let Some(client_id) = provider.device_client_id else {
            return Ok(None);
        };
        let endpoints = Endpoints::of(&provider.issuer).await?;
        let form = [("client_id", &*client_id), ("scope", &*provider.scopes)];
        let (succeeded, answer) = post(&endpoints.devices, &form).await?;
        if !succeeded {
            return Err(Error::provider(told(&answer)));
        }
        // A terminal shows it.
        let plain = |text: &&str| !text.contains(char::is_control);
        let text = |name: &str| answer[name].as_str().filter(plain).map(str::to_owned);
        let missing = || Error::provider("it gives no code");
        let url = text("verification_uri_complete").or_else(|| text("verification_uri"));
        let lifetime = seconds(&answer["expires_in"]).unwrap_or(LONGEST);
        Ok(Some(DeviceSignIn {
            client: self.clone(),
            endpoints,
            device_code: text("device_code").ok_or_else(missing)?,
            pause: seconds(&answer["interval"])
                .unwrap_or(PAUSE)
                .clamp(Duration::from_secs(1), LONGEST_PAUSE),
            until: Instant::now() + lifetime.min(LONGEST),
            user_code: text("user_code").ok_or_else(missing)?,
            url: url.ok_or_else(missing)?,
            client_id,
        }))
    }
}

impl DeviceSignIn {
    /// The code that the page shows or asks for.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// The page to open.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until somebody has confirmed, and returns the key.
    pub async fn finish(mut self) -> Result<NewApiKey, Error> {
        loop {
            sleep(self.pause).await;
            if let Some(token) = self.token().await? {
                let call = Call::post(&["v1", "sign-in"]).json(&json!({"id_token": token}));
                return self.client.ask(call).await;
            }
            if Instant::now() >= self.until {
                return Err(Error::provider("nobody has confirmed in time"));
            }
        }
    }

    /// Asks the provider once; `None` while nobody has confirmed.
    async fn token(&mut self) -> Result<Option<String>, Error> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &*self.device_code),
            ("client_id", &*self.client_id),
        ];
        let (succeeded, answer) = match post(&self.endpoints.tokens, &form).await {
            // It may be back until then.
            Err(error) if error.is_transient() => return Ok(None),
            asked => asked?,
        };
        if succeeded {
            let token = answer["id_token"].as_str().map(str::to_owned);
            return token
                .map(Some)
                .ok_or_else(|| Error::provider("it gives no ID token"));
        }
        match answer["error"].as_str() {
            Some("authorization_pending") => Ok(None),
            Some("slow_down") => {
                self.pause = (self.pause + PAUSE).min(LONGEST_PAUSE);
                Ok(None)
            }
            Some("access_denied") => Err(Error::provider("the sign-in was declined")),
            Some("expired_token") => Err(Error::provider("nobody has confirmed in time")),
            _ => Err(Error::provider(told(&answer))),
        }
    }
}

impl std::fmt::Debug for DeviceSignIn {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("DeviceSignIn")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_secs)
}

/// What a provider says of a failure, without what a terminal would take for commands.
fn told(answer: &Value) -> String {
    let text = answer["error_description"].as_str();
    let text = text.or_else(|| answer["error"].as_str());
    let text = text.unwrap_or("it fails without a reason").chars();
    text.filter(|letter| !letter.is_control())
        .take(200)
        .collect()
}
