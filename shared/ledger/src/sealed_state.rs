//! State of a sign-in that a browser keeps for the service: sealed, so that it is neither read nor made
//! by anybody else, and the service keeps nothing of strangers. Any process of the ledger opens it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::Aad;

use super::ledger_secret::random;
use super::sealing::{SALT, derived};
use super::{Database, SecretError, SecretSealer};
use domain::Timestamp;

const PURPOSE: &[u8] = b"dossier: the state of a sign-in";

/// The longest sealed text that is opened, in bytes.
const LONGEST: usize = 4_096;

impl SecretSealer {
    /// Seals a state, in letters that a cookie may have.
    pub async fn seal_state(
        &self,
        db: &Database,
        state: &[u8],
        now: Timestamp,
    ) -> Result<String, SecretError> {
        let ledger = self.ledger(db, now).await?;
        self.sealed(ledger, random::<SALT>()?, state)
            .ok_or(SecretError::Seal)
    }

    /// Opens a state; `None` if it isn't one of ours, or was damaged.
    pub async fn open_state(
        &self,
        db: &Database,
        sealed: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, SecretError> {
        if sealed.len() > LONGEST {
            return Ok(None);
        }
        let ledger = self.ledger(db, now).await?;
        Ok(self.opened(ledger, sealed))
    }

    fn sealed(&self, ledger: &str, salt: [u8; SALT], state: &[u8]) -> Option<String> {
        let (key, nonce) = derived(PURPOSE, &self.material(ledger, true), &salt)?;
        let mut sealed = state.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode([&salt[..], &sealed].concat()))
    }

    fn opened(&self, ledger: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (salt, sealed) = bytes.split_at_checked(SALT)?;
        let (key, nonce) = derived(PURPOSE, &self.material(ledger, true), salt)?;
        let mut sealed = sealed.to_vec();
        let opened = key.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_opens_for_its_ledger_and_key_alone() {
        let sealer = SecretSealer::new(Some(b"a key".as_slice()));
        let seal = |salt| sealer.sealed("ledger", [salt; SALT], b"a state").unwrap();
        let text = seal(7);
        assert_eq!(sealer.opened("ledger", &text).unwrap(), b"a state");
        assert_eq!(sealer.opened("another", &text), None);
        assert_eq!(SecretSealer::default().opened("ledger", &text), None);
        assert_ne!(text, seal(8));
        let damaged = format!("{}A", &text[..text.len() - 1]);
        for wrong in [damaged.as_str(), &text[2..], "", "é"] {
            assert_eq!(sealer.opened("ledger", wrong), None, "{wrong}");
        }
    }
}
