//! Small line-oriented formats, each with a first line of its own: subtitles,
//! patches, catalogues, contact and drawing files.

use super::decode::Text;
use super::science;
use crate::finding::Finding;

/// A format's opinion on the first line, the first lines, and all of it.
type Rule = fn(&str, &[&str], &Text) -> Option<&'static str>;

/// What the lines are.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty())
        .take(60)
        .collect();
    let first = *lines.first()?;
    let rules: [Rule; 9] = [
        marked,
        subtitles,
        patch,
        translation,
        directory,
        drawing,
        models,
        science::judge,
        listings,
    ];
    rules
        .iter()
        .find_map(|rule| rule(first, &lines, text))
        .map(Finding::certain)
}

/// First lines that settle the type, for text in any encoding.
fn marked(first: &str, lines: &[&str], text: &Text) -> Option<&'static str> {
    let starts = [
        ("WEBVTT", "text/vtt"),
        ("Windows Registry Editor Version", "text/x-ms-regedit"),
        ("REGEDIT4", "text/x-ms-regedit"),
        ("BEGIN:VCARD", "text/vcard"),
        ("#EXTM3U", "audio/x-mpegurl"),
        ("[Script Info]", "text/x-ssa"),
        ("[Desktop Entry]", "application/x-desktop"),
        ("[InternetShortcut]", "application/x-mswinurl"),
        ("[playlist]", "audio/x-scpls"),
        ("{\\rtf", "application/rtf"),
        ("-----BEGIN CERTIFICATE-----", "application/x-x509-cert"),
        ("*%DEFAULT-PAGE", "text/x-uil"),
    ];
    if is_robots(lines) {
        return Some("text/plain");
    }
    if first.eq_ignore_ascii_case("begin:vcalendar") {
        let old = lines
            .iter()
            .any(|line| line.eq_ignore_ascii_case("version:1.0"));
        return Some(if old {
            "text/x-vcalendar"
        } else {
            "text/calendar"
        });
    }
    let component = [
        "VEVENT",
        "VTODO",
        "VJOURNAL",
        "VTIMEZONE",
        "VFREEBUSY",
        "VALARM",
    ];
    if first
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("begin:"))
        && component
            .iter()
            .any(|name| first[6..].eq_ignore_ascii_case(name))
    {
        return Some("text/calendar");
    }
    if first.eq_ignore_ascii_case("begin:vcard") {
        return Some("text/vcard");
    }
    if first.eq_ignore_ascii_case("begin:vnote") {
        return Some("text/x-vnote");
    }
    let keyed = first.starts_with("ssh-") || first.starts_with("ecdsa-sha2-");
    if keyed
        && first
            .split_whitespace()
            .nth(1)
            .is_some_and(|key| key.starts_with("AAAA"))
    {
        return Some("text/plain");
    }
    if let Some(found) = after_comments(lines, text) {
        return Some(found);
    }
    let clipped = first.trim_start_matches('\u{feff}');
    let found = starts
        .iter()
        .find(|(mark, _)| clipped.starts_with(mark))
        .map(|(_, media_type)| *media_type)?;
    let is_subtitles = clipped.strip_prefix("WEBVTT").is_some_and(|rest| {
        rest.is_empty() || rest.starts_with([' ', '\t']) && text.body.contains("-->")
    });
    (found != "text/vtt" || is_subtitles).then_some(found)
}

/// Rules for crawlers (RFC 9309): keys with a colon, but plain text by their registration.
fn is_robots(lines: &[&str]) -> bool {
    let rules: Vec<&&str> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    let starts = |line: &str, word: &str| {
        line.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let words = [
        "user-agent:",
        "sitemap:",
        "disallow:",
        "allow:",
        "crawl-delay:",
        "host:",
    ];
    let known = rules
        .iter()
        .filter(|line| words.iter().any(|word| starts(line, word)));
    let begins = rules
        .first()
        .is_some_and(|line| starts(line, "user-agent:") || starts(line, "sitemap:"));
    // Crawlers have rules of their own beside these.
    begins && known.count() * 3 >= rules.len() * 2 && rules.iter().all(|line| line.contains(':'))
}

/// Marks that comments may stand before: a desktop entry, triples, certificates, a
/// manual page.
fn after_comments(lines: &[&str], text: &Text) -> Option<&'static str> {
    let plain = lines.iter().find(|line| !line.starts_with('#'))?;
    if *plain == "[Desktop Entry]" {
        return Some("application/x-desktop");
    }
    // Turtle (W3C, section 2.4) binds its prefixes first.
    let binds = |prefix: &str| prefix.contains(": <") || prefix.contains(":\t<");
    if plain.strip_prefix("@prefix ").is_some_and(binds) && plain.trim_end().ends_with('.') {
        return Some("text/turtle");
    }
    let certificate = lines
        .iter()
        .position(|line| *line == "-----BEGIN CERTIFICATE-----");
    if *plain == "Certificate:"
        && lines.get(1).is_some_and(|line| line.trim() == "Data:")
        && text.body.contains("\n-----BEGIN CERTIFICATE-----")
    {
        return Some("application/x-x509-cert");
    }
    let base = |line: &&str| {
        line.len() <= 76
            && line
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    };
    if let Some(at) = certificate
        && (plain.starts_with("-----BEGIN")
            || plain.starts_with("Certificate:")
            || plain.starts_with("Bag Attributes"))
        && lines.get(at + 1).is_some_and(base)
    {
        return Some("application/x-x509-cert");
    }
    let is_remark =
        |line: &&&str| line.starts_with(".\\\"") || line.starts_with("'\\\"") || **line == ".";
    let request = lines.iter().find(|line| !is_remark(line))?;
    let title = [".TH ", ".Dd "]
        .iter()
        .any(|mark| request.starts_with(mark));
    title.then_some("text/troff")
}

fn subtitles(first: &str, lines: &[&str], _: &Text) -> Option<&'static str> {
    let is_number =
        !first.trim().is_empty() && first.trim().bytes().all(|byte| byte.is_ascii_digit());
    if is_number && lines.get(1).is_some_and(|line| is_cue(line)) {
        return Some("application/x-subrip");
    }
    let frames = |line: &&str| {
        line.starts_with('{')
            && line[1..].split_once("}{").is_some_and(|(from, rest)| {
                !from.is_empty()
                    && from.bytes().all(|byte| byte.is_ascii_digit())
                    && rest.contains('}')
            })
    };
    (lines.len() >= 2 && lines.iter().take(5).all(frames)).then_some("text/x-microdvd")
}

fn is_cue(line: &str) -> bool {
    line.split_once("-->").is_some_and(|(from, to)| {
        let is_time = |time: &str| {
            let time = time.split_whitespace().next().unwrap_or_default();
            time.matches(':').count() == 2
                && time
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b',' | b'.'))
        };
        is_time(from.trim()) && is_time(to.trim())
    })
}

fn patch(first: &str, lines: &[&str], text: &Text) -> Option<&'static str> {
    let long: Vec<&str> = text.lines().take(300).collect();
    let unified = long.windows(3).any(|three| {
        three[0].starts_with("--- ") && three[1].starts_with("+++ ") && three[2].starts_with("@@ ")
    });
    let opens = [
        "diff ", "Index: ", "--- ", "*** ", "Only in ", "commit ", "From ",
    ]
    .iter()
    .any(|start| first.starts_with(start));
    let context = first.starts_with("*** ")
        && lines.get(1).is_some_and(|line| line.starts_with("--- "))
        && lines.iter().any(|line| line.starts_with("***************"));
    // A description may stand before it, but no fence: that quotes it.
    let described = unified
        && long.iter().any(|line| line.starts_with("diff "))
        && !long.iter().any(|line| line.starts_with("```"));
    (unified && opens
        || described
        || context
        || first.starts_with("diff --git a/")
        || first.starts_with("diff -"))
    .then_some("text/x-diff")
}

fn translation(_: &str, lines: &[&str], _: &Text) -> Option<&'static str> {
    let identifier = lines.iter().position(|line| line.starts_with("msgid \""))?;
    let catalogue = lines[..identifier]
        .iter()
        .all(|line| line.starts_with('#') || line.starts_with("msgctxt"));
    (catalogue
        && lines[identifier..]
            .iter()
            .any(|line| line.starts_with("msgstr")))
    .then_some("text/x-gettext-translation")
}

fn directory(first: &str, lines: &[&str], _: &Text) -> Option<&'static str> {
    let version =
        first.starts_with("version: 1") && lines.get(1).is_some_and(|line| line.starts_with("dn:"));
    let entry = first.starts_with("dn: ")
        && first.contains('=')
        && lines.iter().any(|line| {
            line.to_ascii_lowercase().starts_with("objectclass:") || line.starts_with("changetype:")
        });
    (version || entry).then_some("text/x-ldif")
}

/// DXF: group codes and values take turns, the first is a section.
fn drawing(first: &str, lines: &[&str], _: &Text) -> Option<&'static str> {
    let after_comments = lines.chunks(2).find(|pair| pair[0].trim() != "999")?;
    let section = after_comments[0].trim() == "0"
        && after_comments
            .get(1)
            .is_some_and(|value| value.trim() == "SECTION");
    (section && first.trim().parse::<u16>().is_ok()).then_some("image/vnd.dxf")
}

fn models(first: &str, lines: &[&str], text: &Text) -> Option<&'static str> {
    let trimmed = |start: &str| {
        lines
            .iter()
            .any(|line| line.trim_start().starts_with(start))
    };
    if first.trim_start().starts_with("solid")
        && (trimmed("facet normal")
            || lines
                .get(1)
                .is_some_and(|line| line.trim().starts_with("endsolid")))
    {
        return Some("model/stl");
    }
    let code: Vec<&&str> = lines
        .iter()
        .filter(|line| !line.trim_start().starts_with('#'))
        .take(40)
        .collect();
    let words = [
        "v ", "vn ", "vt ", "f ", "o ", "g ", "s ", "usemtl ", "mtllib ", "vp ", "l ", "p ",
    ];
    let wave = code
        .iter()
        .all(|line| words.iter().any(|word| line.trim_start().starts_with(word)));
    let vertices = code
        .iter()
        .filter(|line| line.trim_start().starts_with("v ") && line.split_whitespace().count() >= 4)
        .count();
    if wave
        && (vertices >= 3 || text.body.starts_with("mtllib") || vertices >= 1 && code.len() < 4)
        && !code.is_empty()
    {
        return Some("model/obj");
    }
    if code.first().is_some_and(|line| line.starts_with("newmtl ")) {
        return Some("model/mtl");
    }
    // Lines of 80 columns, of which the last eight name a section and count (IGES 5.3, 2.2.1).
    let section = |letter: char| {
        lines.iter().any(|line| {
            line.get(72..).is_some_and(|columns| {
                columns.strip_prefix(letter).is_some_and(|number| {
                    let number = number.trim();
                    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                })
            })
        })
    };
    if section('S') && section('G') {
        return Some("model/iges");
    }
    None
}

fn listings(first: &str, lines: &[&str], _: &Text) -> Option<&'static str> {
    if first.starts_with("0 HEAD") && lines.get(1).is_some_and(|line| line.starts_with("1 ")) {
        return Some("text/vnd.familysearch.gedcom");
    }
    if first == "{" || first.starts_with("%PAGE") {
        return None;
    }
    if first.starts_with("begin ")
        && first
            .split_whitespace()
            .nth(1)
            .is_some_and(|mode| mode.len() == 3 && mode.bytes().all(|byte| byte.is_ascii_digit()))
        && lines
            .get(1)
            .is_some_and(|line| line.starts_with('M') || line.len() < 62)
    {
        return Some("text/x-uuencode");
    }
    if first.starts_with("=ybegin ") {
        return Some("text/x-yenc");
    }
    let intel = |line: &&str| {
        line.starts_with(':')
            && line.len() >= 11
            && line[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if lines.len() >= 2 && lines.iter().take(20).all(intel) {
        return Some("application/x-intel-hex");
    }
    let motorola = |line: &&str| {
        line.starts_with('S')
            && line.len() >= 10
            && line[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if lines.len() >= 2 && lines.iter().take(20).all(motorola) {
        return Some("application/x-motorola-srec");
    }
    None
}
