//! The S3 client: endpoint, credentials, timeouts and retries.

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls;

use super::signer::{Signer, Signers};
use crate::rest::HttpClient;
use crate::{Checksums, S3Location, WrittenObjects};

/// The default region.
const DEFAULT_REGION: &str = "us-east-1";

/// The connect timeout.
const CONNECT: Duration = Duration::from_secs(5);

/// The timeout to the start of a response, including sending a part of 8 MiB.
const ANSWER: Duration = Duration::from_mins(1);

/// The timeout of a stalled response.
const STALLED: Duration = Duration::from_secs(30);

/// The timeout of a server-side copy.
const COPY: Duration = Duration::from_mins(10);

/// The tries of a request. If nothing answers, the client soon stops retrying.
const ATTEMPTS: u32 = 4;

/// A bucket and the client that reaches it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Reaches the service.
    pub client: Client,
    /// The name of the bucket.
    pub name: String,
    /// How objects are written to it.
    pub written: WrittenObjects,
    /// What signs without the client.
    pub signers: Signers,
    /// What sends without it; none if it can't be made. Made at the start, since it reads the certificates
    /// of the system.
    pub http: Option<HttpClient>,
}

/// Adds to a request that creates an object how it is written.
macro_rules! written_as {
    ($bucket:expr, $request:expr) => {{
        let written = &$bucket.written;
        $request
            .set_server_side_encryption(written.encryption.as_deref().map(Into::into))
            .set_ssekms_key_id(written.kms_key.clone())
            .set_storage_class(written.storage_class.as_deref().map(Into::into))
    }};
}
pub(super) use written_as;

impl Bucket {
    /// Creates a client for the bucket of a place, with the credentials of its profile, or these, or
    /// those of the standard AWS environment. Sends nothing yet.
    pub(super) async fn connect(location: &S3Location, credentials: Option<Credentials>) -> Self {
        let http_client = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let of_profile = location.profile.as_ref().map(|name| {
            let region = ProfileFileRegionProvider::builder().profile_name(name);
            let config = ProviderConfig::without_region().with_http_client(http_client.clone());
            let credentials = ProfileFileCredentialsProvider::builder().configure(&config);
            (region.build(), credentials.profile_name(name).build())
        });
        let (region_of_profile, own) = of_profile.unzip();
        let region = RegionProviderChain::first_try(location.region.clone().map(Region::new));
        let region = match region_of_profile {
            Some(of_profile) => region.or_else(of_profile),
            None => region,
        };
        let region = region
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(Region::from_static(DEFAULT_REGION));
        let stalled = StalledStreamProtectionConfig::enabled()
            // Requests are sent from memory: a slow uploader stalls none.
            .upload_enabled(false)
            .grace_period(STALLED)
            .build();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER);
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(5));
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client)
            .region(region)
            .stalled_stream_protection(stalled)
            .timeout_config(timeouts.build())
            .retry_config(retries)
            .load()
            .await;
        let mut config = Builder::from(&shared).force_path_style(location.path_style);
        if location.checksums == Checksums::Required {
            config = config
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        let own = own.map(SharedCredentialsProvider::new);
        let given = own.or_else(|| credentials.map(SharedCredentialsProvider::new));
        let provider = given.or_else(|| shared.credentials_provider());
        config.set_credentials_provider(provider.clone());
        if let Some(endpoint) = &location.endpoint {
            config.set_endpoint_url(Some(endpoint.to_string()));
        }
        Self {
            client: Client::from_conf(config.build()),
            name: location.bucket.clone(),
            written: location.written.clone(),
            signers: Signers::new(provider),
            http: HttpClient::new().ok(),
        }
    }

    /// Returns what signs its requests without the client; `None` if only the client can.
    pub(super) async fn signer(&self) -> Option<Arc<Signer>> {
        self.signers.signer(&self.client, &self.name).await
    }
}

/// Returns the configuration of server-side copy requests.
pub(super) fn patient() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(COPY);
    aws_sdk_s3::Config::builder().timeout_config(timeouts.build())
}
