//! Settings of signed receipts.

use clap::Args;
use ledger::SigningKey;

/// What signs receipts.
#[derive(Args, Clone, Debug, Default)]
pub struct ReceiptSettings {
    /// Signs receipts of documents: a private key of Ed25519 (PKCS #8 in PEM or Base64, or 32 bytes in
    /// Base64 or hexadecimal digits), the same for all processes [default: derived from a key in
    /// the database]
    #[arg(
        long,
        env = "DOSSIER_SIGNING_KEY",
        global = true,
        value_name = "KEY",
        hide_env_values = true
    )]
    pub signing_key: Option<SigningKey>,
}
