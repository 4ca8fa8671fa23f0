//! Stored answers behind the URL of a ticket: the secret in it, which is kept nowhere, is left out. A repetition
//! has it in its own URL.

use std::fmt;

use ledger::SavedAnswer;

/// Stands for the secret. No URL of the service has it.
const MASK: &str = ":ticket";

/// The secret of a ticket; never shown.
#[derive(Clone)]
pub(super) struct TicketSecret(String);

impl TicketSecret {
    /// Wraps the secret of a ticket that was found by it.
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.to_owned())
    }

    /// Returns the answer as it is stored.
    pub(super) fn mask(&self, answer: SavedAnswer) -> SavedAnswer {
        replaced(answer, &self.0, MASK)
    }

    /// Returns the answer as it was.
    pub(super) fn unmask(&self, answer: SavedAnswer) -> SavedAnswer {
        replaced(answer, MASK, &self.0)
    }
}

/// Only header fields tell a URL.
fn replaced(mut answer: SavedAnswer, from: &str, to: &str) -> SavedAnswer {
    for (_, value) in &mut answer.headers {
        *value = value.replace(from, to);
    }
    answer
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_comes_back_and_is_not_stored() {
        let answer = SavedAnswer {
            status: 202,
            headers: vec![("location".to_owned(), "/t/abc/documents/1".to_owned())],
            body: b"{}".to_vec(),
        };
        let secret = TicketSecret::new("abc");
        let masked = secret.mask(answer.clone());
        assert_eq!(masked.headers[0].1, "/t/:ticket/documents/1");
        assert_eq!(secret.unmask(masked), answer);
    }
}
