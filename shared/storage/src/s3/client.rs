//! The client of a bucket: where it is, who we are, how long we wait, how often we try.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls;

use crate::{Checksums, S3Location};

/// Where a bucket is if neither its URL nor the environment says it.
const DEFAULT_REGION: &str = "us-east-1";

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin, the sending of a part of 8 MiB included.
const ANSWER: Duration = Duration::from_mins(1);

/// How long an answer may stand still.
const STALLED: Duration = Duration::from_secs(30);

/// How long the service may take to copy what one request can copy.
const COPY: Duration = Duration::from_mins(10);

/// How often a request is tried. Where nothing answers, the client soon stops trying again.
const ATTEMPTS: u32 = 4;

/// A bucket and the client that reaches it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Reaches the service.
    pub client: Client,
    /// The name of the bucket.
    pub name: String,
}

impl Bucket {
    /// The bucket of a place, with these credentials or those of the standard AWS environment.
    /// Nothing is sent yet.
    pub(super) async fn connect(location: &S3Location, credentials: Option<Credentials>) -> Self {
        let http_client = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let region = RegionProviderChain::first_try(location.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(Region::from_static(DEFAULT_REGION));
        let stalled = StalledStreamProtectionConfig::enabled()
            // What is sent lies in memory: a slow uploader stalls no request.
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
        if let Some(credentials) = credentials {
            config = config.credentials_provider(credentials);
        }
        if let Some(endpoint) = &location.endpoint {
            config.set_endpoint_url(Some(endpoint.to_string()));
        }
        Self {
            client: Client::from_conf(config.build()),
            name: location.bucket.clone(),
        }
    }
}

/// What a request that copies within the service is sent with.
pub(super) fn patient() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(COPY);
    aws_sdk_s3::Config::builder().timeout_config(timeouts.build())
}
