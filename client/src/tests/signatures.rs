//! Signatures of webhooks, with the example of Standard Webhooks.

use std::time::Duration;

use crate::{WebhookError, WebhookHeaders, WebhookSecret};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const AT: Duration = Duration::from_secs(1_614_265_330);

fn headers(signature: &str) -> WebhookHeaders<'_> {
    WebhookHeaders {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature,
    }
}

const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

#[test]
fn a_signed_body_is_accepted_and_any_other_is_not() {
    let secret = WebhookSecret::parse(SECRET).unwrap();
    secret.verify(headers(SIGNATURE), BODY, AT).unwrap();
    let rotated = format!("v1,AAAA v1a,none {SIGNATURE}");
    secret.verify(headers(&rotated), BODY, AT).unwrap();
    let refused = secret.verify(headers(SIGNATURE), b"{}", AT);
    assert_eq!(refused, Err(WebhookError::Unsigned));
    let refused = secret.verify(headers(&SIGNATURE.replace("v1", "v2")), BODY, AT);
    assert_eq!(refused, Err(WebhookError::Unsigned));
    let other = WebhookSecret::parse("whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(
        other.verify(headers(SIGNATURE), BODY, AT),
        Err(WebhookError::Unsigned)
    );
}

#[test]
fn an_old_or_early_body_is_refused() {
    let secret = WebhookSecret::parse(SECRET).unwrap();
    for now in [1_614_265_029, 1_614_265_631] {
        let now = Duration::from_secs(now);
        let refused = secret.verify(headers(SIGNATURE), BODY, now);
        assert_eq!(refused, Err(WebhookError::WrongTime));
    }
    let mut strange = headers(SIGNATURE);
    strange.timestamp = "soon";
    assert_eq!(
        secret.verify(strange, BODY, AT),
        Err(WebhookError::Malformed)
    );
    assert!(WebhookSecret::parse("whsec_!").is_err());
}
