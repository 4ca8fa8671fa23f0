//! Rate limits.

use std::str::FromStr;

use clap::Args;

use domain::Rate;

/// Settings of rate limits. Each process counts by itself.
#[derive(Args, Clone, Copy, Debug)]
pub struct RateSettings {
    /// The request rate limit of each user: off, or a rate such as 600/min
    #[arg(
        long,
        env = "DOSSIER_RATE_LIMIT",
        global = true,
        default_value = "off",
        value_name = "RATE"
    )]
    pub rate_limit: RateLimit,

    /// The rate limit of failed authentications of each address: off, or a rate such as 60/min
    #[arg(
        long,
        env = "DOSSIER_AUTH_RATE_LIMIT",
        global = true,
        default_value = "60/min",
        value_name = "RATE"
    )]
    pub auth_rate_limit: RateLimit,
}

/// A rate, if there is a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit(pub Option<Rate>);

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self(None)),
            _ => match text.parse() {
                Ok(rate) => Ok(Self(Some(rate))),
                Err(error) => Err(format!("must be off, or a rate: {error}")),
            },
        }
    }
}
