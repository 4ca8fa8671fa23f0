//! The signed receipt of a version.

use serde_json::json;

use crate::cli::Receipt;
use crate::failure::Failure;
use crate::session::Session;

/// Reads a receipt, verifies it with the keys of the service, and prints it.
pub async fn receipt(session: &Session<'_>, receipt: &Receipt) -> Result<(), Failure> {
    let keys = session.client.receipt_keys().await?;
    let session = &session.of(&receipt.of).await?;
    let client = &session.client;
    let id = session.find(&receipt.document).await?;
    let number = if let Some(number) = receipt.version {
        number
    } else {
        let document = client.document(id).await?;
        document.version.unwrap_or(document.latest_version)
    };
    let signed = client.receipt(id, number).await?;
    let claims = signed.verify(&keys)?;
    let compact = signed.compact();
    let both = json!({"receipt": compact, "claims": claims});
    session.screen.result(&both, &compact)
}
