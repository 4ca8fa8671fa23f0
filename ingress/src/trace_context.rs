//! The W3C trace context of a request, as far as jobs carry it on.

use poem::Request;

/// The W3C trace context, if it has the form of one: 55 characters in its only version so far.
pub fn traceparent(request: &Request) -> Option<String> {
    let value = request.header("traceparent")?;
    let fits = value.len() == 55
        && value
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    fits.then(|| value.to_owned())
}
