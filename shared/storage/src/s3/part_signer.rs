//! Signed URLs of the parts of an upload. The S3 client signs that of the first part; the others differ
//! in number and size, and are signed here with Signature Version 4 ("Authenticating Requests: Using
//! Query Parameters" of the S3 API Reference): an upload may have a thousand, and the client takes ten
//! times as long for each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::config::{Credentials, ProvideCredentials as _, SharedCredentialsProvider};
use domain::{ByteSize, Sha256};
use ring::hmac;
use url::{Position, Url};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parameter that is the number of a part.
const NUMBER: &str = "partNumber";

/// The last parameter of a signed URL.
const SIGNATURE: &str = "X-Amz-Signature";

/// The credentials that the S3 client signed with last. Not asked of their provider each time, which may
/// be a service.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    provider: Option<SharedCredentialsProvider>,
    latest: Arc<Mutex<Option<Credentials>>>,
}

impl Secrets {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self {
            provider,
            latest: Arc::default(),
        }
    }

    /// Returns what signs the other parts of an upload whose first part, of this size, has this URL.
    /// `None` if its signature can't be had here: then the client has to sign them.
    pub(super) async fn signer(&self, first: &Url, size: ByteSize) -> Option<PartSigner> {
        let latest = self.latest().clone();
        if let Some(signer) = latest.and_then(|latest| PartSigner::like(first, size, &latest)) {
            return Some(signer);
        }
        let provided = self.provider.as_ref()?.provide_credentials().await.ok()?;
        let signer = PartSigner::like(first, size, &provided);
        *self.latest() = Some(provided);
        signer
    }

    fn latest(&self) -> MutexGuard<'_, Option<Credentials>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signs the parts of one upload.
#[derive(Debug)]
pub(super) struct PartSigner {
    /// Up to the query.
    base: String,
    /// As it is signed.
    path: String,
    host: String,
    /// As they are in the URL, in the order in which they are signed, without the number of the part.
    parameters: Vec<(String, String)>,
    /// The names of the signed headers.
    headers: Vec<String>,
    time: String,
    scope: String,
    key: hmac::Key,
}

impl PartSigner {
    /// A signer whose signature of the first part is that of its URL.
    fn like(first: &Url, size: ByteSize, credentials: &Credentials) -> Option<Self> {
        let query = first.query()?.split('&').map(|pair| pair.split_once('='));
        let query: Vec<_> = query.collect::<Option<_>>()?;
        let named = |name: &str| {
            let mut found = first.query_pairs().filter(|(known, _)| known == name);
            found.next().map(|(_, value)| value.into_owned())
        };
        let credential = named("X-Amz-Credential")?;
        // Behind the access key's id, which may have slashes.
        let (slash, _) = credential.rmatch_indices('/').nth(3)?;
        let scope = &credential[slash + 1..];
        let is_kept = |name: &str| name != NUMBER && name != SIGNATURE;
        let kept = query.iter().filter(|(name, _)| is_kept(name));
        let mut parameters: Vec<_> = kept
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        parameters.sort_unstable();
        let signer = Self {
            base: first[..Position::AfterPath].to_owned(),
            path: first.path().to_owned(),
            host: first[Position::BeforeHost..Position::AfterPort].to_owned(),
            parameters,
            headers: named("X-Amz-SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            time: named("X-Amz-Date")?,
            scope: scope.to_owned(),
            key: key_of(credentials.secret_access_key(), scope),
        };
        let number = named(NUMBER)?.parse().ok()?;
        let signature = signer.signature(&signer.query(number), size)?;
        (named(SIGNATURE)? == signature).then_some(signer)
    }

    /// Returns the URL of a part.
    pub(super) fn sign(&self, number: u32, size: ByteSize) -> Option<Url> {
        let query = self.query(number);
        let signature = self.signature(&query, size)?;
        let url = format!("{}?{query}&{SIGNATURE}={signature}", self.base);
        url.parse().ok()
    }

    /// The parameters but for the signature, in the order of their names.
    fn query(&self, number: u32) -> String {
        let number = number.to_string();
        let at = self
            .parameters
            .partition_point(|(name, _)| name.as_str() < NUMBER);
        let (before, after) = self.parameters.split_at(at);
        let parameters = before.iter().map(|(name, value)| (name.as_str(), value));
        let parameters = parameters
            .chain([(NUMBER, &number)])
            .chain(after.iter().map(|(name, value)| (name.as_str(), value)));
        let parameters: Vec<_> = parameters
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        parameters.join("&")
    }

    fn signature(&self, query: &str, size: ByteSize) -> Option<String> {
        let mut lines = String::new();
        for name in &self.headers {
            let value = match name.as_str() {
                "host" => self.host.clone(),
                "content-length" => size.bytes().to_string(),
                _ => return None,
            };
            lines.extend([name, ":", &value, "\n"]);
        }
        let request = format!(
            "PUT\n{}\n{query}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
            self.path,
            self.headers.join(";")
        );
        let digest = Sha256::of(request.as_bytes());
        let text = format!("{ALGORITHM}\n{}\n{}\n{digest}", self.time, self.scope);
        Some(hex::encode(hmac::sign(&self.key, text.as_bytes())))
    }
}

/// The key of a scope, which is day, region, service and `aws4_request`.
fn key_of(secret: &str, scope: &str) -> hmac::Key {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let first = key(format!("AWS4{secret}").as_bytes());
    let each = scope.split('/');
    each.fold(first, |last, part| {
        key(hmac::sign(&last, part.as_bytes()).as_ref())
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_sdk_s3::presigning::PresigningConfig;

    use super::*;
    use crate::s3::client::Bucket;
    use crate::{Checksums, S3Location, WrittenObjects};

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
            bucket: String::from("bucket"),
            prefix: String::new(),
            endpoint: path_style.then_some(endpoint),
            region: Some(String::from("eu-central-1")),
            path_style,
            checksums: Checksums::default(),
            written: WrittenObjects::default(),
        };
        Bucket::connect(&location, Some(credentials)).await
    }

    /// What the client signs at one time.
    async fn by_the_client(bucket: &Bucket) -> Vec<Url> {
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let config = PresigningConfig::builder().start_time(at);
        let config = config.expires_in(Duration::from_hours(1)).build().unwrap();
        let mut urls = Vec::new();
        for (number, size) in (1..).zip(sizes()) {
            let request = bucket.client.upload_part().bucket(&bucket.name);
            let request = request.key("documents/0a-9").part_number(number);
            let request = request.upload_id("2~an/upload+of=tests");
            let request = request.content_length(size.as_i64());
            let signed = request.presigned(config.clone()).await.unwrap();
            urls.push(signed.uri().parse().unwrap());
        }
        urls
    }

    #[tokio::test]
    async fn signatures_are_those_of_the_client() {
        for (path_style, session) in [(true, None), (false, None), (false, Some("a/session+="))] {
            let bucket = bucket(path_style, credentials("a secret", session)).await;
            let expected = by_the_client(&bucket).await;
            let own = bucket.secrets.signer(&expected[0], sizes()[0]).await;
            let own = own.unwrap();
            for ((number, size), expected) in (1..).zip(sizes()).zip(&expected) {
                let signed = own.sign(number, size).unwrap();
                let sorted = |url: &Url| {
                    let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
                    pairs.sort_unstable();
                    (url.path().to_owned(), pairs)
                };
                assert_eq!(sorted(&signed), sorted(expected));
            }
        }
    }

    #[tokio::test]
    async fn new_credentials_are_asked_for_and_others_sign_nothing() {
        let first = bucket(true, credentials("the first", None)).await;
        let second = bucket(true, credentials("the second", None)).await;
        let signed = by_the_client(&second).await;
        assert!(first.secrets.signer(&signed[0], sizes()[0]).await.is_none());
        *second.secrets.latest() = Some(credentials("the first", None));
        assert!(
            second
                .secrets
                .signer(&signed[0], sizes()[0])
                .await
                .is_some()
        );
        // The size is signed as well.
        assert!(
            second
                .secrets
                .signer(&signed[0], sizes()[2])
                .await
                .is_none()
        );
    }
}
