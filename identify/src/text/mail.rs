//! Mail: single messages, mailboxes, saved web pages and Apple's variant, by
//! header lines from the very beginning.

use super::decode::Text;
use crate::finding::Finding;

/// Headers that messages have and hardly anything else has.
const TELLING: &[&str] = &[
    "received",
    "message-id",
    "mime-version",
    "return-path",
    "delivered-to",
    "dkim-signature",
    "content-transfer-encoding",
    "reply-to",
    "in-reply-to",
    "references",
    "x-mailer",
    "envelope-to",
    "arc-seal",
    "authentication-results",
    "content-type",
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "sender",
    "x-originating-ip",
    "x-received",
    "list-id",
    "list-unsubscribe",
    "content-disposition",
    "resent-from",
    "x-original-to",
    "user-agent",
    "newsgroups",
    "x-priority",
    "received-spf",
    "status",
    "x-sender",
    "importance",
    "thread-index",
    "thread-topic",
    "path",
    "organization",
    "nntp-posting-host",
    "x-apparently-to",
    "x-spam-status",
    "x-account-key",
    "x-mozilla-status",
    "x-uidl",
];

/// Headers of which one alone is enough beside any other header.
const STRONG: &[&str] = &[
    "received",
    "message-id",
    "mime-version",
    "return-path",
    "delivered-to",
    "dkim-signature",
    "content-transfer-encoding",
    "x-mailer",
    "x-received",
    "arc-seal",
    "authentication-results",
    "received-spf",
    "x-account-key",
    "envelope-to",
];

/// What kind of mail the text is.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    if let Some(rest) = text.body.strip_prefix("From ") {
        return mailbox(rest);
    }
    if text.body.starts_with("From - ") {
        return Some(Finding::certain("application/mbox"));
    }
    let body = text.body.as_str();
    let (first, rest) = body.split_once('\n').unwrap_or((body, ""));
    let digits = first.trim_end();
    if !digits.is_empty()
        && digits.len() <= 9
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && headers(rest).is_message()
    {
        return Some(Finding::certain("message/x-emlx"));
    }
    if are_parts(body) {
        return Some(Finding::likely("message/rfc822"));
    }
    let headers = headers(body.trim_start_matches(['\r', '\n', ' ']));
    if !headers.is_message() {
        return None;
    }
    if headers.is_archive {
        return Some(Finding::certain("multipart/related"));
    }
    if headers.is_news {
        return Some(Finding::certain("message/news"));
    }
    Some(Finding::certain("message/rfc822"))
}

/// Whether a name may call this mail: it begins with headers of a message, and nothing else
/// stands among them.
pub(super) fn is_tolerable(text: &Text, media_type: &str) -> bool {
    let is_box = text.body.starts_with("From ");
    if media_type == "application/mbox" || is_box {
        return is_box;
    }
    let found = headers(text.body.trim_start());
    found.telling > 0 && found.telling * 2 >= found.all && (found.is_closed || found.telling >= 3)
}

/// Whether a mailbox holds one message, as programs save one that was chosen.
pub(crate) fn is_one_message(text: &Text) -> bool {
    !text.body.contains("\nFrom ")
}

/// "From", an address, and a date; then headers.
fn mailbox(rest: &str) -> Option<Finding> {
    let (line, following) = rest.split_once('\n')?;
    let year = line.split_whitespace().any(|word| {
        word.len() == 4
            && word.starts_with(['1', '2'])
            && word.bytes().all(|byte| byte.is_ascii_digit())
    });
    let clock = line.split_whitespace().any(|word| {
        word.matches(':').count() >= 1
            && word.len() >= 5
            && word.starts_with(|letter: char| letter.is_ascii_digit())
    });
    let found = headers(following);
    (year && clock || found.telling >= 2)
        .then(|| {
            if found.all > 0 {
                Finding::certain("application/mbox")
            } else {
                Finding::likely("application/mbox")
            }
        })
        .filter(|_| found.all > 0 || year && clock)
}

#[expect(clippy::struct_excessive_bools, reason = "facts, each of its own")]
#[derive(Default)]
struct Headers {
    all: usize,
    telling: usize,
    strong: usize,
    /// Ended by an empty line or the end, not by something else.
    is_closed: bool,
    is_archive: bool,
    is_news: bool,
    /// An empty line stands behind them.
    has_body: bool,
    /// They were added on the way.
    is_sent: bool,
    /// They name a sender by an address.
    is_from: bool,
    /// They announce parts, and the parts follow.
    is_entity: bool,
}

impl Headers {
    const fn is_message(&self) -> bool {
        self.is_closed
            && (self.strong >= 1 && self.all >= 2
                || self.telling >= 3 && self.telling * 3 >= self.all
                || self.strong >= 1 && self.telling >= 1 && self.all >= 1)
            || self.strong >= 2 && self.telling >= 3
            || self.is_closed && self.is_entity
            || self.is_closed && self.has_body && self.is_from && self.telling == self.all
    }
}

/// Whether a content type names a boundary, and the boundary is there (RFC 2046, section 5.1.1).
fn delimits(text: &str, content_type: &str) -> bool {
    let Some((_, parameter)) = content_type
        .split_once("boundary=")
        .filter(|_| content_type.contains("multipart/"))
    else {
        return false;
    };
    let boundary = parameter
        .trim_start_matches('"')
        .split(['"', ';', ' '])
        .next()
        .unwrap_or_default();
    let start = &text[..text.floor_char_boundary(64 * 1024)];
    !boundary.is_empty()
        && start.lines().any(|line| {
            line.strip_prefix("--").is_some_and(|rest| {
                rest.trim_end_matches('-')
                    .eq_ignore_ascii_case(boundary.trim_end_matches('-'))
            })
        })
}

/// Parts between boundaries without the headers that announce them.
fn are_parts(body: &str) -> bool {
    let (first, rest) = body.split_once('\n').unwrap_or((body, ""));
    let first = first.trim_end();
    let is_boundary = first.len() > 8 && first.starts_with("--") && !first.contains(' ');
    let part = rest.trim_start().to_ascii_lowercase();
    let described = part.starts_with("content-type:")
        || part.starts_with("content-transfer-encoding:")
        || part.starts_with("content-disposition:");
    is_boundary && described && rest.lines().any(|line| line.starts_with(first))
}

fn headers(text: &str) -> Headers {
    let mut found = Headers {
        is_closed: true,
        ..Headers::default()
    };
    let (mut snapshot, mut related, mut located) = (false, false, false);
    let (mut addressed, mut content_type) = (false, String::new());
    for line in text.split('\n').take(400) {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            found.has_body = true;
            break;
        }
        let lower = line.to_ascii_lowercase();
        related |= lower.contains("multipart/related");
        if line.starts_with([' ', '\t']) && found.all > 0 {
            content_type.push_str(&lower);
            continue;
        }
        let Some((name, value)) = lower.split_once(':') else {
            found.is_closed = false;
            break;
        };
        let name = name.trim_end();
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            || value.starts_with("//")
        {
            found.is_closed = false;
            break;
        }
        found.all += 1;
        found.telling += usize::from(TELLING.contains(&name));
        found.strong += usize::from(STRONG.contains(&name));
        snapshot |= name == "snapshot-content-location"
            || name == "x-mimeole" && value.contains("microsoft mimeole") && found.all < 8
            || name == "from"
                && (value.contains("saved by")
                    || value.contains("gespeichert von")
                    || value.contains("enregistré par")
                    || value.contains("guardado por"));
        located |= name == "content-location";
        addressed |= matches!(name, "to" | "cc" | "message-id" | "reply-to");
        found.is_sent |= matches!(name, "received" | "delivered-to" | "return-path");
        found.is_from |= name == "from" && value.contains('@');
        if name == "content-type" {
            content_type.clone_from(&lower);
        }
        found.is_news |= name == "newsgroups" || name == "path" && value.contains('!');
    }
    let archive = &text[..text.floor_char_boundary(16 * 1024)];
    let has_places = archive.contains("\nContent-Location:");
    let is_sent = found.is_sent;
    let is_saved = snapshot && (related || has_places) && !is_sent;
    // A page with its parts, each with the place that it was at; nobody sent it.
    located |= related && has_places && !is_sent && !addressed;
    found.is_archive = is_saved || related && located;
    found.is_entity = found.has_body && delimits(text, &content_type);
    found
}
