//! Stored answers that hold a secret: only the holder of the first request's token, which the
//! service knows only as a hash, can read them.

use ledger::SavedAnswer;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use uuid::Uuid;

/// Marks a stored answer as sealed. Not a valid HTTP header name.
const MARK: &str = ":sealed";
const PURPOSE: &[u8] = b"dossier: an answer that holds a secret";

/// Seals the body with a key derived from `token`. `None` if that fails, which doesn't happen.
pub(super) fn seal(mut answer: SavedAnswer, token: &str) -> Option<SavedAnswer> {
    let salt = Uuid::new_v4();
    let mut sealed = answer.body;
    let (key, nonce) = key(token, salt.as_bytes())?;
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
        .ok()?;
    answer.body = [salt.as_bytes().as_slice(), &sealed].concat();
    answer.headers.push((MARK.to_owned(), String::new()));
    Some(answer)
}

/// Opens the answer, if it isn't sealed or was sealed with `token`.
pub(super) fn open(mut answer: SavedAnswer, token: Option<&str>) -> Option<SavedAnswer> {
    let headers = answer.headers.len();
    answer.headers.retain(|(name, _)| name != MARK);
    if answer.headers.len() == headers {
        return Some(answer);
    }
    let (salt, sealed) = answer.body.split_at_checked(size_of::<Uuid>())?;
    let (key, nonce) = key(token?, salt)?;
    let mut sealed = sealed.to_vec();
    let opened = key.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
    answer.body = opened.to_vec();
    Some(answer)
}

/// Each key seals one message: every answer has its own salt.
fn key(token: &str, salt: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    let secret = Salt::new(HKDF_SHA256, salt).extract(token.as_bytes());
    let expanded = secret.expand(&[PURPOSE], &CHACHA20_POLY1305).ok()?;
    let key = LessSafeKey::new(UnboundKey::from(expanded));
    Some((key, Nonce::assume_unique_for_key([0; 12])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> SavedAnswer {
        SavedAnswer {
            status: 201,
            headers: vec![("location".to_owned(), "/x".to_owned())],
            body: b"{\"key\":\"the secret\"}".to_vec(),
        }
    }

    #[test]
    fn a_sealed_answer_opens_to_its_token_alone() {
        let sealed = seal(answer(), "a token").unwrap();
        assert!(!String::from_utf8_lossy(&sealed.body).contains("secret"));
        assert_ne!(seal(answer(), "a token").unwrap().body, sealed.body);
        assert_eq!(open(sealed.clone(), Some("a token")), Some(answer()));
        assert_eq!(open(sealed.clone(), Some("another")), None);
        assert_eq!(open(sealed, None), None);
    }

    #[test]
    fn what_is_not_sealed_is_open() {
        assert_eq!(open(answer(), None), Some(answer()));
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let mut sealed = seal(answer(), "a token").unwrap();
        for length in [0, 15, 16, sealed.body.len() - 1] {
            let mut cut = sealed.clone();
            cut.body.truncate(length);
            assert_eq!(open(cut, Some("a token")), None, "{length}");
        }
        sealed.body[20] ^= 1;
        assert_eq!(open(sealed, Some("a token")), None);
    }
}
