//! `Accept-Encoding` (RFC 9110, section 12.5.3): chooses the client's preferred encoding.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT_ENCODING;

use super::encoding::Encoding;

/// A quality value in thousandths.
type Quality = u16;

const BEST: Quality = 1000;

/// Returns the encoding of the response; `None` for identity.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let offers: Vec<_> = lines
        .iter()
        .flat_map(|line| line.split(','))
        .filter_map(offer)
        .collect();
    let named = |name: &str| {
        let mut offers = offers.iter();
        offers.find(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let quality = |name: &str| {
        named(name)
            .or_else(|| named("*"))
            .map(|(_, quality)| *quality)
    };
    let liked = |encoding: &Encoding| quality(encoding.name()).unwrap_or_default();
    // The last of the best: ours are listed from least to most preferred.
    let best = Encoding::ALL.into_iter().max_by_key(liked)?;
    // Encodings not listed are not used; identity is allowed.
    let plain = named("identity").map_or(0, |(_, quality)| *quality);
    (liked(&best) > 0 && liked(&best) >= plain).then_some(best)
}

/// Parses one element: a name and its quality. Malformed elements are ignored.
fn offer(element: &str) -> Option<(&str, Quality)> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = match parts.next() {
        None => BEST,
        Some(weight) => {
            let (q, value) = weight.split_once('=')?;
            quality(value.trim()).filter(|_| q.trim().eq_ignore_ascii_case("q"))?
        }
    };
    // `x-gzip` is an alias (RFC 9110, section 8.4.1.3).
    let name = if name.eq_ignore_ascii_case("x-gzip") {
        "gzip"
    } else {
        name
    };
    Some((name, quality))
}

/// Parses `0` or `1` with up to three decimals.
fn quality(text: &str) -> Option<Quality> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit()) && decimals.len() <= 3;
    let whole: Quality = match whole {
        "0" => 0,
        "1" => BEST,
        _ => return None,
    };
    let decimals: Quality = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    Some(whole + decimals).filter(|quality| *quality <= BEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<&'static str> {
        let lines = lines
            .iter()
            .map(|line| (ACCEPT_ENCODING, line.parse().unwrap()));
        accepted(&lines.collect()).map(Encoding::name)
    }

    #[test]
    fn the_best_liked_one_is_taken() {
        for (line, expected) in [
            ("gzip", "gzip"),
            ("gzip, br", "br"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("zstd;q=0.5, br;q=0.8, gzip;q=0.8", "br"),
            ("gzip;q=1.0, zstd;q=0.999", "gzip"),
            ("*", "zstd"),
            ("*;q=0.1, zstd;q=0", "br"),
            ("X-GZIP", "gzip"),
            ("gzip ; q = 0.3", "gzip"),
            ("br;q=1, identity", "br"),
        ] {
            assert_eq!(read(&[line]), Some(expected), "{line}");
        }
        assert_eq!(read(&["gzip", "br"]), Some("br"));
    }

    #[test]
    fn what_is_not_asked_for_is_left_as_it_is() {
        for line in [
            "",
            "identity",
            "deflate",
            "gzip;q=0",
            "*;q=0",
            "gzip;q=0.5, identity",
            "gzip;q=2",
            "gzip;q=x",
            "gzip;q=0.1234",
            "gzip;level=9",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&[]), None);
    }
}
