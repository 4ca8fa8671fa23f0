//! Shared access signatures of single blobs, with the account's key, or with a key that the service
//! gives an identity for some hours.

use std::time::Duration;

use aws_smithy_xml::decode::{Document, try_data};
use bytes::Bytes;
use domain::{Clock as _, SystemClock, Timestamp};
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::container::Container;
use super::credentials::{Credentials, VERSION};
use super::outcome::refusal;
use super::shared_key::AccountKey;
use crate::port::PRESIGNED_CACHE;
use crate::rest::{Cached, Call, Lasting, text};
use crate::{Presented, StorageError};

/// What is attempted when a key is asked for.
const ACTION: &str = "get a key for URLs";

/// How long a key of an identity is asked for.
const KEY_LASTS: Duration = Duration::from_hours(6);

/// From when on the next one is asked for: longer lifetimes of signatures end with the key.
const KEY_IS_RENEWED: Duration = Duration::from_hours(4);

/// How long an identity that may not have one isn't asked for again.
const REFUSAL_LASTS: Duration = Duration::from_mins(1);

/// The latest key of an identity; `None` if it may not have one.
#[derive(Debug, Default)]
pub(super) struct DelegationKeys(Cached<Option<DelegationKey>>);

/// A key that signs for an identity.
#[derive(Clone, Default)]
struct DelegationKey {
    object: String,
    tenant: String,
    start: String,
    expiry: String,
    service: String,
    version: String,
    value: String,
}

impl DelegationKeys {
    /// Signs a URL of the blob `name` (container and name), which anybody can read for `lifetime`.
    /// `None` with credentials that can't sign.
    pub(super) async fn presign(
        &self,
        container: &Container,
        name: &str,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let signed = self
            .sign(container, name, Some(presented), lifetime)
            .await?;
        Ok(signed.map(|mut url| {
            url.query_pairs_mut()
                .append_pair("rscc", PRESIGNED_CACHE)
                .append_pair("rscd", &presented.disposition)
                .append_pair("rsct", &presented.media_type);
            url
        }))
    }

    /// Signs a URL of the blob `name`, which anybody can write for `lifetime`. `None` with
    /// credentials that can't sign.
    pub(super) async fn presign_write(
        &self,
        container: &Container,
        name: &str,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        self.sign(container, name, None, lifetime).await
    }

    /// Signs a URL for reading what presents itself so, or else for writing.
    async fn sign(
        &self,
        container: &Container,
        name: &str,
        presented: Option<&Presented>,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let mut url = container.blob(name);
        let signing = Signing {
            expiry: seconds(SystemClock.now().plus(lifetime)),
            resource: format!("/blob/{}/{}/{name}", container.account(), container.name()),
            protocol: if url.scheme() == "https" {
                "https"
            } else {
                "https,http"
            },
            presented,
        };
        let signature = match container.credentials() {
            Credentials::Signature(_) => return Ok(None),
            Credentials::Key(key) => key.sign(&signing.text_of_account()),
            Credentials::Identity(_) => {
                let Some(key) = self.key(container).await? else {
                    return Ok(None);
                };
                let signed = AccountKey::read(container.account(), &key.value)
                    .map(|value| value.sign(&signing.text_of_identity(&key)));
                url.query_pairs_mut()
                    .append_pair("skoid", &key.object)
                    .append_pair("sktid", &key.tenant)
                    .append_pair("skt", &key.start)
                    .append_pair("ske", &key.expiry)
                    .append_pair("sks", &key.service)
                    .append_pair("skv", &key.version);
                signed.ok_or_else(|| unsigned("the service gave a key that isn't Base64"))?
            }
        };
        url.query_pairs_mut()
            .append_pair("sv", VERSION)
            .append_pair("sr", "b")
            .append_pair("sp", signing.permissions())
            .append_pair("spr", signing.protocol)
            .append_pair("se", &signing.expiry)
            .append_pair("sig", &signature);
        Ok(Some(url))
    }

    /// Returns the key, an old one while there is no other ([`Cached::get`]).
    async fn key(&self, container: &Container) -> Result<Option<DelegationKey>, StorageError> {
        let fetch = async {
            let key = fetch(container).await.map_err(|error| match error {
                StorageError::Unavailable { source, .. } => source,
                error => error.into(),
            })?;
            let [renewed, lasts] = match key {
                Some(_) => [KEY_IS_RENEWED, KEY_LASTS],
                None => [REFUSAL_LASTS; 2],
            };
            let now = Instant::now();
            Ok(Lasting {
                value: key,
                renew: now + renewed,
                until: now + lasts,
            })
        };
        let key = self.0.get("a key for URLs", fetch).await;
        key.map_err(|failure| StorageError::Unavailable {
            action: ACTION,
            source: failure.into(),
        })
    }
}

/// What is signed.
struct Signing<'a> {
    expiry: String,
    resource: String,
    protocol: &'static str,
    /// `None` for writing.
    presented: Option<&'a Presented>,
}

impl Signing<'_> {
    /// Reading, or creating and writing.
    fn permissions(&self) -> &'static str {
        match self.presented {
            Some(_) => "r",
            None => "cw",
        }
    }

    /// The text that the account's key signs, as "Create a service SAS" of Azure's documentation
    /// defines it for versions from 2020-12-06 on.
    fn text_of_account(&self) -> String {
        let head = [self.permissions(), "", &self.expiry, &self.resource, ""];
        self.text(&head, &[])
    }

    /// The text that the key of an identity signs ("Create a user delegation SAS").
    fn text_of_identity(&self, key: &DelegationKey) -> String {
        let head = [self.permissions(), "", &self.expiry, &self.resource];
        let of_key = [
            &key.object,
            &key.tenant,
            &key.start,
            &key.expiry,
            &key.service,
            &key.version,
            "",
            "",
            "",
        ];
        self.text(&head, &of_key)
    }

    fn text(&self, head: &[&str], of_key: &[&str]) -> String {
        let [cache, disposition, media_type] = match self.presented {
            Some(presented) => [
                PRESIGNED_CACHE,
                &presented.disposition,
                &presented.media_type,
            ],
            None => [""; 3],
        };
        let tail = [
            "",
            self.protocol,
            VERSION,
            "b",
            "",
            "",
            cache,
            disposition,
            "",
            "",
            media_type,
        ];
        [head, of_key, &tail].concat().join("\n")
    }
}

/// Asks for a key; `None` if the identity may not have one.
async fn fetch(container: &Container) -> Result<Option<DelegationKey>, StorageError> {
    let now = SystemClock.now();
    // The service's clock may be behind.
    let start = seconds(now.minus(Duration::from_mins(5)));
    let expiry = seconds(now.plus(KEY_LASTS));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{start}</Start>\
         <Expiry>{expiry}</Expiry></KeyInfo>"
    );
    let mut url = container.service().clone();
    url.query_pairs_mut()
        .append_pair("restype", "service")
        .append_pair("comp", "userdelegationkey");
    let call = Call::new(ACTION, Method::POST, url)
        .header("content-type", "application/xml")
        .body(Bytes::from(body));
    let answer = container.send(&call).await?;
    let status = answer.status();
    if !status.is_success() {
        let refusal = refusal(call.action, answer).await;
        if status != StatusCode::FORBIDDEN {
            return Err(refusal);
        }
        let error = &refusal as &dyn std::error::Error;
        tracing::warn!(
            error,
            "the identity lacks the role to sign URLs; there are none"
        );
        return Ok(None);
    }
    let body = text(call.action, answer).await?;
    let key = read(&body).ok_or_else(|| unsigned("the service gave no key"))?;
    Ok(Some(key))
}

fn read(body: &[u8]) -> Option<DelegationKey> {
    let text = std::str::from_utf8(body).ok()?;
    let mut document = Document::new(text.trim_start_matches('\u{feff}'));
    let mut root = document.root_element().ok()?;
    let mut key = DelegationKey::default();
    while let Some(mut tag) = root.next_tag() {
        let member = match tag.start_el().local() {
            "SignedOid" => &mut key.object,
            "SignedTid" => &mut key.tenant,
            "SignedStart" => &mut key.start,
            "SignedExpiry" => &mut key.expiry,
            "SignedService" => &mut key.service,
            "SignedVersion" => &mut key.version,
            "Value" => &mut key.value,
            _ => continue,
        };
        *member = try_data(&mut tag).ok()?.into_owned();
    }
    (!key.value.is_empty()).then_some(key)
}

/// A time as signatures have it: to the second.
fn seconds(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

fn unsigned(what: &'static str) -> StorageError {
    StorageError::Unavailable {
        action: "sign a URL",
        source: what.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_no_fraction() {
        let time = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(seconds(time), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn a_key_of_an_identity_is_read() {
        let answer = "<UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid>\
             <SignedStart>s</SignedStart><SignedExpiry>e</SignedExpiry><SignedService>b\
             </SignedService><SignedVersion>v</SignedVersion><Value>a2V5</Value></UserDelegationKey>";
        let key = read(answer.as_bytes()).unwrap();
        let presented = Presented {
            media_type: "text/plain".to_owned(),
            disposition: "attachment".to_owned(),
        };
        let signing = Signing {
            expiry: "x".to_owned(),
            resource: "/blob/acme/c/n".to_owned(),
            protocol: "https",
            presented: Some(&presented),
        };
        assert_eq!(
            signing.text_of_identity(&key),
            "r\n\nx\n/blob/acme/c/n\no\nt\ns\ne\nb\nv\n\n\n\n\nhttps\n2021-12-02\nb\n\n\n\
             private, no-store\nattachment\n\n\ntext/plain"
        );
        assert!(read(b"<UserDelegationKey/>").is_none());
    }
}
