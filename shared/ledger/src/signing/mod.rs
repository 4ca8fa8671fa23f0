//! The keys of signed receipts: the one that signs, and all that verify.

mod key;
mod signer;

pub use key::{InvalidSigningKey, SigningKey, VerifyingKey};
pub use signer::{ReceiptIssuer, ReceiptSigner, SigningError};
