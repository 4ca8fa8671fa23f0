//! Receipts that verify, and those that don't.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::{KeySet, PublicKey, ReceiptError, SignedReceipt};

const HEADER: &str = r#"{"alg":"EdDSA","kid":"one","typ":"dossier-receipt+jwt"}"#;
const CLAIMS: &str = r#"{"iss":"urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
    "sub":"01890a5d-ac96-774b-bcce-b302099a8058","iat":1767225600,"version":2,"size_bytes":3,
    "sha256":"00","mime_type":"text/plain","accepted_at":"2026-01-01T00:00:00.000000Z",
    "activated_at":"2026-01-01T00:00:01.000000Z","more":true}"#;

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn signed(header: &str, claims: &str, pair: &Ed25519KeyPair) -> SignedReceipt {
    let [protected, payload] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signature = pair.sign(format!("{protected}.{payload}").as_bytes());
    SignedReceipt {
        protected,
        payload,
        signature: URL_SAFE_NO_PAD.encode(signature),
    }
}

fn keys(pair: &Ed25519KeyPair) -> KeySet {
    let text = str::to_owned;
    let key = PublicKey {
        kid: text("one"),
        kty: text("OKP"),
        crv: text("Ed25519"),
        alg: text("EdDSA"),
        purpose: text("sig"),
        x: URL_SAFE_NO_PAD.encode(pair.public_key()),
    };
    KeySet {
        issuer: text("urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057"),
        keys: vec![key],
    }
}

#[test]
fn a_receipt_of_the_service_verifies_and_no_other() {
    let (ours, other) = (pair(1), pair(2));
    let receipt = signed(HEADER, CLAIMS, &ours);
    let read = SignedReceipt::parse(&format!("{}\n", receipt.compact())).unwrap();
    assert_eq!(read, receipt);
    let claims = receipt.verify(&keys(&ours)).unwrap();
    assert_eq!((claims.version, claims.size_bytes), (2, 3));
    let fails = |receipt: &SignedReceipt| receipt.verify(&keys(&ours)).unwrap_err();
    assert_eq!(
        fails(&signed(HEADER, CLAIMS, &other)),
        ReceiptError::Unsigned
    );
    let mut forged = receipt.clone();
    forged.payload = URL_SAFE_NO_PAD.encode(CLAIMS.replace("00\"", "01\""));
    assert_eq!(fails(&forged), ReceiptError::Unsigned);
    for (header, error) in [
        (HEADER.replace("one", "two"), ReceiptError::UnknownKey),
        (
            HEADER.replace("dossier-receipt+", ""),
            ReceiptError::WrongType,
        ),
        (HEADER.replace("EdDSA", "none"), ReceiptError::WrongType),
        ("{}".to_owned(), ReceiptError::Malformed),
    ] {
        assert_eq!(fails(&signed(&header, CLAIMS, &ours)), error, "{header}");
    }
    assert_eq!(fails(&signed(HEADER, "{}", &ours)), ReceiptError::Malformed);
    let elsewhere = signed(HEADER, &CLAIMS.replace("8057", "8059"), &ours);
    assert_eq!(fails(&elsewhere), ReceiptError::WrongIssuer);
    assert_eq!(
        SignedReceipt::parse("a.b").unwrap_err(),
        ReceiptError::Malformed
    );
}
