//! Signatures of Standard Webhooks 1.0.0: what a receiver verifies a message by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use ring::hmac;

/// The header fields of a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders(pub [(&'static str, String); 3]);

/// Returns the header fields of a message with an id that is signed at `now`, with every secret.
#[must_use]
pub fn signed_headers<S: AsRef<[u8]>>(
    id: &str,
    now: Timestamp,
    body: &[u8],
    secrets: &[S],
) -> SignedHeaders {
    let seconds = now.as_micros().div_euclid(1_000_000);
    let mut text = format!("{id}.{seconds}.").into_bytes();
    text.extend_from_slice(body);
    let sign = |secret: &S| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &text)))
    };
    let signatures: Vec<_> = secrets.iter().map(sign).collect();
    SignedHeaders([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let now = Timestamp::from_micros(1_614_265_330_999_999);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let SignedHeaders([name, time, signature]) =
            signed_headers(id, now, br#"{"test": 2432232314}"#, &[secret]);
        assert_eq!(name.1, id);
        assert_eq!(time.1, "1614265330");
        assert_eq!(
            signature.1,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn every_secret_signs() {
        let now = Timestamp::from_micros(0);
        let signed = signed_headers("a", now, b"{}", &[b"one", b"two"]);
        assert_eq!(signed.0[2].1.split(' ').count(), 2);
    }
}
