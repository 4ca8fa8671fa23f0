//! Validates requests beyond what the library checks (RFC 9110, RFC 9112).

use poem::Request;
use poem::http::header::{HOST, TRANSFER_ENCODING};
use poem::http::{HeaderMap, Method, Version};

use crate::problem::{Code, Problem};

/// The longest target: 16 KiB of escaped metadata in the query, and the rest.
const LONGEST_TARGET: usize = 52 << 10;
/// The largest total of header fields.
pub(super) const HEADER_BYTES: u32 = 32 << 10;

/// Returns the problem of an invalid request, if any.
pub(super) fn refusal(request: &Request) -> Option<Problem> {
    let headers = request.headers();
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > LONGEST_TARGET) {
        return Some(Code::UriTooLong.into());
    }
    if bytes_of(headers) > HEADER_BYTES as usize {
        return Some(Code::HeadersTooLarge.into());
    }
    if request.version() == Version::HTTP_11 {
        if let Some(wrong) = wrong_host(headers) {
            return Some(Problem::from(Code::BadRequest).with_detail(wrong));
        }
        if !is_chunked_alone(headers) {
            let detail = "The only supported transfer coding is chunked.";
            return Some(Problem::from(Code::NotSupported).with_detail(detail));
        }
    }
    let is_asterisk = request.uri().path() == "*";
    if request.method() == Method::CONNECT {
        let detail = "This server is not a proxy.";
        return Some(Problem::from(Code::NotSupported).with_detail(detail));
    }
    (is_asterisk && request.method() != Method::OPTIONS).then(|| Code::BadRequest.into())
}

/// Returns whether the request is `OPTIONS *` (RFC 9110, section 9.3.7).
pub(super) fn asks_about_all(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.uri().path() == "*"
}

fn bytes_of(headers: &HeaderMap) -> usize {
    let fields = headers.iter();
    fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// Requires exactly one valid host (RFC 9112, section 3.2).
fn wrong_host(headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some("The Host field is given more than once.");
    }
    let Some(host) = host else {
        return Some("The Host field is missing.");
    };
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    let is_sane = host.as_bytes().iter().all(is_host);
    (!is_sane).then_some("The Host field is not a valid host.")
}

/// Returns whether the only transfer coding, if any, is chunked. The bytes of another coding would
/// be mistaken for the body.
fn is_chunked_alone(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter().peekable();
    if codings.peek().is_none() {
        return true;
    }
    // Compared as bytes: a non-text coding is unknown.
    let mut codings = codings
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    let is_chunked = codings
        .next()
        .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    is_chunked && codings.next().is_none()
}
