//! Reads JSON of the user and of own files.

use serde::de::DeserializeOwned;

/// Reads a value.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of clients has no crates of the service, which checks what it gets"
)]
pub fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(text)
}
