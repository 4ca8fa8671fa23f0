//! All settings: flags, environment variables, defaults, and their validation.

mod cleanup;
mod disk;
mod headings;
mod import;
mod invalid;
mod jwt;
mod key_source;
mod list;
mod logging;
mod oidc;
mod operations;
mod proxies;
mod rates;
mod receipts;
mod redirects;
mod resolved;
mod rows;
mod small_file;
mod tracing;
mod uploads;
mod values;
mod webhooks;
mod written;

pub use cleanup::{Age, CleanupSettings};
pub use disk::DiskSettings;
pub use import::ImportSettings;
pub use invalid::InvalidSettings;
pub use jwt::{JwtAlgorithm, JwtSettings};
pub use key_source::{KeySetUrl, KeySource};
pub use list::List;
pub use logging::LogFormat;
pub use oidc::{AdminClaim, IssuerUrl, OidcProvider, OidcSettings, PublicUrl};
pub use operations::OperationSettings;
pub use proxies::Network;
pub use rates::{RateLimit, RateSettings};
pub use receipts::ReceiptSettings;
pub use redirects::{RedirectDownloads, RedirectSettings};
pub use resolved::{Resolved, Role};
pub use rows::RowSettings;
pub use small_file::read_small_file;
pub use tracing::{OtlpEndpoint, TracingSettings};
pub use uploads::UploadSettings;
pub use values::{BootstrapKey, CorsOrigin, MismatchPolicy, Secret, parse_duration};
pub use webhooks::{SecretsKey, WebhookSettings};
pub use written::Settings;

#[cfg(test)]
mod bounds_tests;
