//! The bearer token of a request (RFC 6750, section 2.1).

use poem::http::HeaderMap;
use poem::http::header::AUTHORIZATION;

/// Returns the token if there is exactly one `Authorization` field and it holds one.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next()?.to_str().ok()?;
    if fields.next().is_some() {
        return None;
    }
    let (scheme, token) = field.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(fields: &[&str]) -> Option<String> {
        let fields = fields
            .iter()
            .map(|field| (AUTHORIZATION, field.parse().unwrap()));
        bearer_token(&fields.collect()).map(str::to_owned)
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bEARER  abc "]).as_deref(), Some("abc"));
    }

    #[test]
    fn anything_else_is_no_token() {
        for fields in [
            &["Basic abc"][..],
            &["Bearer"],
            &["Bearer "],
            &["abc"],
            &[],
            &["Bearer a", "Bearer a"],
        ] {
            assert_eq!(token(fields), None, "{fields:?}");
        }
    }
}
