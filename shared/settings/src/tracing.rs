//! Where spans go: nowhere, unless a collector is named.

use std::str::FromStr;

use clap::Args;
use url::Url;

use super::InvalidSettings;

/// The variable by which every program of OpenTelemetry is told of the collector.
const STANDARD: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows these texts as they stand"
)]
/// Settings of what is told to OpenTelemetry.
#[derive(Args, Clone, Debug, Default)]
pub struct TracingSettings {
    /// Send spans to this collector by OTLP over HTTP, such as http://collector:4318
    /// [default: OTEL_EXPORTER_OTLP_ENDPOINT, else none]
    #[arg(
        long = "otlp-endpoint",
        env = "DOSSIER_OTLP_ENDPOINT",
        global = true,
        value_name = "URL"
    )]
    pub otlp_endpoint: Option<OtlpEndpoint>,
}

impl TracingSettings {
    /// The collector that the settings name, else the one that the standard variable names.
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

/// Where a collector takes in what OTLP carries over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(Url);

impl OtlpEndpoint {
    /// Where it takes in spans.
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
            .ok_or("it is http://host:port or https://host:port")
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
