//! Settings of span export; off unless a collector is configured.

use std::str::FromStr;

use clap::Args;
use url::Url;

use super::InvalidSettings;

/// The standard OpenTelemetry variable for the collector.
const STANDARD: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows these texts as they stand"
)]
/// Settings of span export.
#[derive(Args, Clone, Debug, Default)]
pub struct TracingSettings {
    /// Export spans to this OpenTelemetry collector by OTLP over HTTP, such as
    /// http://collector:4318 [default: OTEL_EXPORTER_OTLP_ENDPOINT, else none]
    #[arg(
        long = "otlp-endpoint",
        env = "DOSSIER_OTLP_ENDPOINT",
        global = true,
        value_name = "URL"
    )]
    pub otlp_endpoint: Option<OtlpEndpoint>,
}

impl TracingSettings {
    /// Returns the configured collector, else the one of the standard variable.
    pub fn endpoint(&self) -> Result<Option<OtlpEndpoint>, InvalidSettings> {
        if let Some(endpoint) = &self.otlp_endpoint {
            return Ok(Some(endpoint.clone()));
        }
        let standard = std::env::var(STANDARD).unwrap_or_default();
        if standard.trim().is_empty() {
            return Ok(None);
        }
        standard
            .parse()
            .map(Some)
            .map_err(|reason| InvalidSettings::OtlpEndpoint {
                variable: STANDARD,
                reason,
            })
    }
}

/// The OTLP/HTTP endpoint of a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(Url);

impl OtlpEndpoint {
    /// Returns its URL for spans.
    #[must_use]
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for OtlpEndpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).ok();
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none())
            .map(Self)
            .ok_or("must be http://host:port or https://host:port")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_below_what_is_named() {
        for (given, traces) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("https://c/otlp/", "https://c/otlp/v1/traces"),
        ] {
            assert_eq!(given.parse::<OtlpEndpoint>().unwrap().traces(), traces);
        }
        for wrong in ["", "collector:4318", "grpc://collector", "http://c/?a=b"] {
            assert!(wrong.parse::<OtlpEndpoint>().is_err(), "{wrong}");
        }
    }
}
