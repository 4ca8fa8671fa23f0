//! DER and BER: certificates, keys and signed messages, by the shape of their
//! outermost elements; never by a byte pattern further in.

use crate::finding::Finding;
use crate::window::Window;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

/// `1.2.840.113549.1.7`: the content types of PKCS #7.
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";

/// An element's content, and what follows the element.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
    /// Where the element ends, `None` for an indefinite length.
    end: Option<u64>,
}

/// Reads one element; content that the head cuts off is simply shorter.
fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let (&tag, after) = bytes.split_first()?;
    let (&first, after) = after.split_first()?;
    if first == 0x80 {
        return Some(Element {
            tag,
            content: after,
            rest: &[],
            end: None,
        });
    }
    let (length, after, header) = if first < 0x80 {
        (u64::from(first), after, 2)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=5).contains(&count) {
            return None;
        }
        let length = after
            .get(..count)?
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        (length, &after[count..], 2 + count as u64)
    };
    let cut = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .min(after.len());
    let (content, rest) = after.split_at(cut);
    Some(Element {
        tag,
        content,
        rest,
        end: Some(header + length),
    })
}

/// What the DER or BER file is.
pub(super) fn judge(window: &Window) -> Option<Finding> {
    let head = window.head();
    let outer = element(head).filter(|outer| outer.tag == SEQUENCE)?;
    // A few trailing bytes (a line end, padding) are common; more are not.
    if outer
        .end
        .is_some_and(|end| window.len() > end.saturating_mul(2).max(64))
    {
        return None;
    }
    let found = structure(outer.content)?;
    // What is cut short must have shown enough before.
    match outer.end {
        Some(end) if end > window.len() => {
            (window.len() >= 512 && end < 0x100_0000).then(|| Finding::likely(found))
        }
        _ => Some(Finding::certain(found)),
    }
}

/// What the content of an outermost sequence is.
pub(crate) fn structure(content: &[u8]) -> Option<&'static str> {
    let first = element(content)?;
    match first.tag {
        OBJECT => pkcs7(first.content),
        INTEGER => numbered(&first),
        SEQUENCE => nested(&first),
        _ => None,
    }
}

fn pkcs7(object: &[u8]) -> Option<&'static str> {
    match object.strip_prefix(PKCS7)? {
        [2] => Some("application/pkcs7-signature"),
        [1 | 3..=6] => Some("application/pkcs7-mime"),
        _ => None,
    }
}

/// PKCS #12 and private keys begin with a version number.
fn numbered(version: &Element<'_>) -> Option<&'static str> {
    let second = element(version.rest)?;
    match (version.content, second.tag) {
        ([3], SEQUENCE) => element(second.content)
            .filter(|inner| inner.tag == OBJECT && inner.content.starts_with(PKCS7))
            .map(|_| "application/x-pkcs12"),
        ([0 | 1], SEQUENCE) => element(second.content)
            .filter(|inner| inner.tag == OBJECT)
            .map(|_| "application/pkcs8"),
        ([0], INTEGER) if second.content.len() > 16 => Some("application/x-x509-key"),
        // SEC 1: a key of an elliptic curve.
        ([1], OCTET_STRING) if (16..=80).contains(&second.content.len()) => {
            Some("application/x-x509-key")
        }
        _ => None,
    }
}

/// Certificates, revocation lists and requests begin with what was signed.
fn nested(signed: &Element<'_>) -> Option<&'static str> {
    let first = element(signed.content)?;
    if first.tag == OBJECT {
        // A public key is an algorithm and bits; a private one under a password, and octets.
        return match element(signed.rest)?.tag {
            BIT_STRING => Some("application/x-x509-cert"),
            OCTET_STRING => Some("application/pkcs8"),
            _ => None,
        };
    }
    if signed.rest.is_empty() && signed.content.len() < 64 {
        return None;
    }
    if first.tag == CONTEXT_0 {
        let serial = element(first.rest).filter(|next| next.tag == INTEGER)?;
        return element(serial.rest)
            .filter(|next| next.tag == SEQUENCE)
            .map(|_| "application/x-x509-cert");
    }
    if first.tag != INTEGER {
        let name = element(first.rest)?;
        return (first.tag == SEQUENCE
            && name.tag == SEQUENCE
            && element(name.content).is_some_and(|part| part.tag == SET))
        .then_some("application/pkix-crl");
    }
    let second = element(first.rest).filter(|next| next.tag == SEQUENCE)?;
    let third = element(second.rest).filter(|next| next.tag == SEQUENCE)?;
    match element(second.content)?.tag {
        SET => Some("application/pkcs10"),
        OBJECT => {
            let fourth = element(third.rest)?;
            // A certificate goes on with its validity, a list with a time.
            Some(if fourth.tag == SEQUENCE {
                "application/x-x509-cert"
            } else {
                "application/pkix-crl"
            })
        }
        _ => None,
    }
}
