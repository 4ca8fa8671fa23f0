//! Settings of webhooks: where they may lead, and what seals their secrets.

use std::fmt;
use std::str::FromStr;

use clap::Args;

use super::{List, Network};

/// Where webhooks may lead, and what seals their secrets.
#[derive(Args, Clone, Debug, Default)]
pub struct WebhookSettings {
    /// Deliver to webhooks without TLS as well (http://)
    #[arg(long, env = "DOSSIER_WEBHOOK_ALLOW_HTTP", global = true,
        default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOLEAN")]
    pub webhook_allow_http: bool,

    /// Networks that webhooks may lead to although they aren't public, a comma list [default: none]
    #[arg(
        long,
        env = "DOSSIER_WEBHOOK_ALLOW_NETWORKS",
        global = true,
        value_name = "NETWORKS"
    )]
    pub webhook_allow_networks: Vec<List<Network>>,

    /// Seals the secrets of webhooks, so that a copy of the database doesn't reveal them: 32–256
    /// printable characters, the same for all processes [default: a key in the database]
    #[arg(
        long,
        env = "DOSSIER_SECRETS_KEY",
        global = true,
        value_name = "KEY",
        hide_env_values = true
    )]
    pub secrets_key: Option<SecretsKey>,
}

/// A key that seals secrets; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretsKey(String);

impl SecretsKey {
    /// Returns its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SecretsKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_printable && (32..=256).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must have 32 to 256 printable ASCII characters")
        }
    }
}

impl fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretsKey(…)")
    }
}
