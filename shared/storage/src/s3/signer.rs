//! Signatures Version 4 that are made here ("Authenticating Requests" of the S3 API Reference): of the URLs
//! of parts, of which an upload may have a thousand, and of the requests that begin and complete it. The S3
//! client takes ten times as long for each. It signs a first URL, by which a signer proves that it signs
//! like the client; if it doesn't, the client signs everything.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use domain::{ByteSize, Clock as _, Sha256, SystemClock, Timestamp};
use http::{HeaderValue, request};
use ring::hmac;
use tokio::time::Instant;
use url::{Position, Url};

use crate::rest::{Authorize, BoxError, Cached, Lasting};
use crate::signed_text::{compact, escaped};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The header with the digest of a body.
pub(super) const BODY_DIGEST: &str = "x-amz-content-sha256";

/// How long credentials are used until their provider is asked again, which may be a service.
const LASTS: Duration = Duration::from_mins(5);

/// How long before their end they are asked for again.
const EARLY: Duration = Duration::from_mins(1);

/// How long the client signs everything, after a signer wasn't to be had.
const PAUSE: Duration = Duration::from_mins(1);

/// The part whose URL the client signs first.
const FIRST: PartsOf<'static> = PartsOf {
    key: "first",
    upload: "of/a signer",
};

/// Its size.
const FIRST_SIZE: ByteSize = ByteSize::mebibytes(1);

/// The signer of a bucket, if it has one.
#[derive(Clone, Debug)]
pub(super) struct Signers {
    provider: Option<SharedCredentialsProvider>,
    latest: Arc<Cached<Option<Arc<Signer>>>>,
}

impl Signers {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self {
            provider,
            latest: Arc::default(),
        }
    }

    /// Returns what signs for the bucket; `None` if only the client can.
    pub(super) async fn signer(&self, client: &Client, bucket: &str) -> Option<Arc<Signer>> {
        let learn = async {
            let learned = self.learn(client, bucket).await;
            let lasting = learned.unwrap_or_else(|| Lasting {
                value: None,
                renew: Instant::now() + PAUSE,
                until: Instant::now() + PAUSE,
            });
            Ok(lasting)
        };
        self.latest.get("a signer", learn).await.ok().flatten()
    }

    async fn learn(&self, client: &Client, bucket: &str) -> Option<Lasting<Option<Arc<Signer>>>> {
        let credentials = self.provider.as_ref()?.provide_credentials().await.ok()?;
        let left = credentials.expiry().map_or(Duration::MAX, |end| {
            let end = end.duration_since(UNIX_EPOCH).unwrap_or_default();
            let end = i64::try_from(end.as_micros()).unwrap_or(i64::MAX);
            Timestamp::from_micros(end).since(SystemClock.now())
        });
        let now = Instant::now();
        let request = client.upload_part().bucket(bucket).key(FIRST.key);
        let request = request.upload_id(FIRST.upload);
        let request = request.part_number(1).content_length(FIRST_SIZE.as_i64());
        let config = PresigningConfig::expires_in(LASTS).ok()?;
        let sample = request.presigned(config).await.ok()?;
        let signer = Signer::like(&sample.uri().parse().ok()?, credentials)?;
        Some(Lasting {
            value: Some(Arc::new(signer)),
            renew: now + left.saturating_sub(EARLY).min(LASTS),
            until: now + left.min(LASTS),
        })
    }
}

/// Signs requests to one bucket.
#[derive(Debug)]
pub(super) struct Signer {
    /// The URL of the bucket, up to its keys.
    base: String,
    host: String,
    /// Region, service and `aws4_request`.
    scope: String,
    credentials: Credentials,
}

/// An upload whose parts are signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartsOf<'a> {
    /// Its key.
    pub key: &'a str,
    /// The service's name of it.
    pub upload: &'a str,
}

/// Signs the URLs of the parts of one upload.
#[derive(Debug)]
pub(super) struct PartSigner {
    url: String,
    path: String,
    host: String,
    /// The query before and behind the number of the part, in the order in which it is signed.
    query: (String, String),
    sealing: Sealing,
}

/// Signs what is signed with the same time.
#[derive(Debug)]
struct Sealing {
    /// Time and scope, as they are signed.
    head: String,
    key: hmac::Key,
}

impl Signer {
    /// A signer that signs the first URL as the client has signed it.
    fn like(first: &Url, credentials: Credentials) -> Option<Self> {
        let named = |name: &str| {
            let mut found = first.query_pairs().filter(|(known, _)| known == name);
            found.next().map(|(_, value)| value.into_owned())
        };
        let credential = named("X-Amz-Credential")?;
        // Behind the access key's id, which may have slashes, and the day.
        let (slash, _) = credential.rmatch_indices('/').nth(2)?;
        let base = first[..Position::AfterPath].strip_suffix(FIRST.key)?;
        let signer = Self {
            base: base.to_owned(),
            host: first[Position::BeforeHost..Position::AfterPort].to_owned(),
            scope: credential[slash + 1..].to_owned(),
            credentials,
        };
        let time = named("X-Amz-Date")?;
        let parts = signer.parts_at(&time, FIRST, LASTS)?;
        let own = parts.sign(1, FIRST_SIZE)?;
        let sorted = |url: &Url| {
            let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
            pairs.sort_unstable();
            pairs
        };
        (sorted(&own) == sorted(first)).then_some(signer)
    }

    /// The URL of an object.
    pub(super) fn url_of(&self, key: &str) -> Option<Url> {
        let names: Vec<_> = key.split('/').map(escaped).collect();
        format!("{}{}", self.base, names.join("/")).parse().ok()
    }

    /// Returns what signs the parts of an upload, for requests that begin within `lifetime`.
    pub(super) fn parts(&self, parts: PartsOf<'_>, lifetime: Duration) -> Option<PartSigner> {
        self.parts_at(&compact(SystemClock.now()), parts, lifetime)
    }

    fn parts_at(&self, time: &str, of: PartsOf<'_>, lifetime: Duration) -> Option<PartSigner> {
        let url = self.url_of(of.key)?;
        let credential = self.credential(time);
        let mut before = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={}",
            escaped(&credential),
            lifetime.as_secs()
        );
        if let Some(token) = self.credentials.session_token() {
            before.extend(["&X-Amz-Security-Token=", &escaped(token)]);
        }
        before.push_str("&X-Amz-SignedHeaders=content-length%3Bhost&partNumber=");
        let behind = format!("&uploadId={}&x-id=UploadPart", escaped(of.upload));
        Some(PartSigner {
            path: url.path().to_owned(),
            url: url.into(),
            host: self.host.clone(),
            query: (before, behind),
            sealing: self.sealing(time),
        })
    }

    /// The credential that signs at a time.
    fn credential(&self, time: &str) -> String {
        let (id, day) = (self.credentials.access_key_id(), day(time));
        format!("{id}/{day}/{}", self.scope)
    }

    fn sealing(&self, time: &str) -> Sealing {
        let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let secret = self.credentials.secret_access_key();
        let first = key(format!("AWS4{secret}").as_bytes());
        let scope = format!("{}/{}", day(time), self.scope);
        let each = scope.split('/');
        Sealing {
            key: each.fold(first, |last, part| {
                key(hmac::sign(&last, part.as_bytes()).as_ref())
            }),
            head: format!("{ALGORITHM}\n{time}\n{scope}"),
        }
    }

    /// Signs a request whose body's digest is a header.
    fn authorize_at(&self, time: &str, head: &mut request::Parts) -> Result<(), BoxError> {
        head.headers.insert("x-amz-date", time.parse()?);
        if let Some(token) = self.credentials.session_token() {
            head.headers.insert("x-amz-security-token", token.parse()?);
        }
        let own = head.headers.iter();
        let own = own.filter(|(name, _)| name.as_str().starts_with("x-amz-"));
        let own = own.map(|(name, value)| Ok::<_, BoxError>((name.as_str(), value.to_str()?)));
        let mut signed = own.collect::<Result<Vec<_>, _>>()?;
        signed.push(("host", self.host.as_str()));
        signed.sort_unstable();
        let names: Vec<_> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines = signed.iter();
        let lines: Vec<_> = lines
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let digest = head.headers.get(BODY_DIGEST).map(HeaderValue::to_str);
        let signature = self.sealing(time).seal(&format!(
            "{}\n{}\n{}\n{}\n{names}\n{}",
            head.method,
            head.uri.path(),
            head.uri.query().unwrap_or_default(),
            lines.concat(),
            digest.transpose()?.unwrap_or_default()
        ));
        let credential = self.credential(time);
        let text = format!(
            "{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        );
        head.headers.insert("authorization", text.parse()?);
        Ok(())
    }
}

#[async_trait]
impl Authorize for Signer {
    async fn authorize(&self, head: &mut request::Parts, _: usize) -> Result<(), BoxError> {
        self.authorize_at(&compact(SystemClock.now()), head)
    }
}

impl PartSigner {
    /// Returns the URL of a part.
    pub(super) fn sign(&self, number: u32, size: ByteSize) -> Option<Url> {
        let (before, behind) = &self.query;
        let query = format!("{before}{number}{behind}");
        let signature = self.sealing.seal(&format!(
            "PUT\n{}\n{query}\ncontent-length:{size}\nhost:{}\n\ncontent-length;host\nUNSIGNED-PAYLOAD",
            self.path,
            self.host,
            size = size.bytes()
        ));
        let url = format!("{}?{query}&X-Amz-Signature={signature}", self.url);
        url.parse().ok()
    }
}

impl Sealing {
    /// Returns the signature of a request.
    fn seal(&self, request: &str) -> String {
        let digest = Sha256::of(request.as_bytes());
        let text = format!("{}\n{digest}", self.head);
        hex::encode(hmac::sign(&self.key, text.as_bytes()))
    }
}

/// The day of a compact time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::s3::client::Bucket;
    use crate::{Checksums, S3Location, WrittenObjects};

    const UPLOAD: PartsOf<'static> = PartsOf {
        key: "some documents/0a/9+ü",
        upload: "2~an/upload+of=tests",
    };

    fn sizes() -> [ByteSize; 3] {
        [64 << 20, 64 << 20, 17].map(ByteSize::new)
    }

    fn credentials(secret: &str, session: Option<&str>) -> Credentials {
        let session = session.map(str::to_owned);
        Credentials::new("AKID/of+tests", secret, session, None, "tests")
    }

    async fn bucket(path_style: bool, credentials: Credentials) -> Bucket {
        let endpoint = "http://127.0.0.1:9000".parse().unwrap();
        let location = S3Location {
            bucket: "letters".to_owned(),
            prefix: String::new(),
            endpoint: path_style.then_some(endpoint),
            region: Some("eu-west-1".to_owned()),
            profile: None,
            path_style,
            checksums: Checksums::default(),
            written: WrittenObjects::default(),
        };
        Bucket::connect(&location, Some(credentials)).await
    }

    #[tokio::test]
    async fn parts_are_signed_as_by_the_client() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let time = "20270115T080000Z";
        let lifetime = Duration::from_hours(1);
        let config = PresigningConfig::builder().start_time(at);
        let config = config.expires_in(lifetime).build().unwrap();
        for (path_style, session) in [(true, None), (false, None), (false, Some("a/session+="))] {
            let bucket = bucket(path_style, credentials("a secret", session)).await;
            let signer = bucket.signer().await.unwrap();
            let parts = signer.parts_at(time, UPLOAD, lifetime).unwrap();
            for (number, size) in (1..).zip(sizes()) {
                let request = bucket.client.upload_part().bucket(&bucket.name);
                let request = request.key(UPLOAD.key).upload_id(UPLOAD.upload);
                let request = request.part_number(number);
                let request = request.content_length(size.as_i64());
                let expected = request.presigned(config.clone()).await.unwrap();
                let expected: Url = expected.uri().parse().unwrap();
                let own = parts.sign(number.cast_unsigned(), size).unwrap();
                let sorted = |url: &Url| {
                    let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
                    pairs.sort_unstable();
                    (
                        url.host_str().unwrap().to_owned(),
                        url.path().to_owned(),
                        pairs,
                    )
                };
                assert_eq!(sorted(&own), sorted(&expected));
            }
        }
    }

    #[tokio::test]
    async fn who_signs_otherwise_than_the_client_signs_nothing() {
        let first = bucket(true, credentials("the first", None)).await;
        let second = bucket(true, credentials("the second", None)).await;
        let other = first.signers.signer(&second.client, &second.name).await;
        assert!(other.is_none());
        // Not asked again at once.
        assert!(first.signer().await.is_none());
        assert!(second.signer().await.is_some());
    }

    /// "GET Bucket Lifecycle" of "Signature Calculations for the Authorization Header".
    #[test]
    fn requests_are_signed_as_in_the_reference() {
        let signer = Signer {
            base: "https://examplebucket.s3.amazonaws.com/".to_owned(),
            host: "examplebucket.s3.amazonaws.com".to_owned(),
            scope: "us-east-1/s3/aws4_request".to_owned(),
            credentials: Credentials::new(
                "AKIAIOSFODNN7EXAMPLE",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                None,
                None,
                "tests",
            ),
        };
        let request = http::Request::get("https://examplebucket.s3.amazonaws.com/?lifecycle=")
            .header("content-length", "0")
            .header(BODY_DIGEST, Sha256::of(b"").to_string());
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        signer.authorize_at("20130524T000000Z", &mut head).unwrap();
        assert_eq!(
            head.headers["authorization"],
            "AWS4-HMAC-SHA256 \
             Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
    }
}
