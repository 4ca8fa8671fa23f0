//! Keys of sealed texts, derived from what the processes of a ledger share. Each text has a salt, and so
//! a key, of its own.

use ring::aead::{CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

/// The bytes of a salt.
pub(crate) const SALT: usize = 16;

/// Returns the key for one text, and its only nonce. Of another purpose, material or salt it is another
/// key.
pub(crate) fn derived(
    purpose: &'static [u8],
    material: &[u8],
    salt: &[u8],
) -> Option<(LessSafeKey, Nonce)> {
    let secret = Salt::new(HKDF_SHA256, salt).extract(material);
    let purpose = [purpose];
    let expanded = secret.expand(&purpose, &CHACHA20_POLY1305).ok()?;
    let key = LessSafeKey::new(UnboundKey::from(expanded));
    Some((key, Nonce::assume_unique_for_key([0; 12])))
}
