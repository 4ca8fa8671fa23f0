//! Marks of formats that are, or begin as, readable text.

use crate::finding::Finding;
use crate::numbers::{contains, find};

/// Begins with the mark, perhaps after a byte order mark; the mark is so
/// peculiar that prose does not begin with it.
const STARTS: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"%FDF-", "application/vnd.fdf"),
    (b"%!PS-AdobeFont", "application/x-font-type1"),
    (b"%!FontType1", "application/x-font-type1"),
    (b"%!PS-Adobe-3.0 Resource-Font", "application/x-font-type1"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
    (b"{\\urtf", "application/rtf"),
    (b"WEBVTT", "text/vtt"),
    (b"Windows Registry Editor Version 5.00", "text/x-ms-regedit"),
    (b"REGEDIT4", "text/x-ms-regedit"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"-----BEGIN PGP MESSAGE-----", "application/pgp-encrypted"),
    (
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
        "application/pgp-keys",
    ),
    (
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "application/pgp-keys",
    ),
    (
        b"-----BEGIN PGP SIGNATURE-----",
        "application/pgp-signature",
    ),
    (
        b"-----BEGIN PGP SIGNED MESSAGE-----",
        "application/pgp-signature",
    ),
    (b"-----BEGIN PKCS7-----", "application/pkcs7-mime"),
    (b"-----BEGIN CMS-----", "application/pkcs7-mime"),
    (b"-----BEGIN CERTIFICATE REQUEST-----", "application/pkcs10"),
    (
        b"-----BEGIN NEW CERTIFICATE REQUEST-----",
        "application/pkcs10",
    ),
    (b"-----BEGIN X509 CRL-----", "application/pkix-crl"),
    (b"-----BEGIN CERTIFICATE-----", "application/x-x509-cert"),
    (
        b"-----BEGIN TRUSTED CERTIFICATE-----",
        "application/x-x509-cert",
    ),
    (
        b"-----BEGIN X509 CERTIFICATE-----",
        "application/x-x509-cert",
    ),
    (b"-----BEGIN SSH SIGNATURE-----", "application/x-pem-file"),
    (b"WARC/1.", "application/warc"),
    (b"WARC/0.", "application/warc"),
    (b"filedesc://", "application/x-internet-archive"),
    (b"#EXTM3U", "audio/x-mpegurl"),
    (b"[playlist]", "audio/x-scpls"),
    (b"#VRML V", "model/vrml"),
    (b"#X3D V3.", "model/x3d+vrml"),
    (b"#usda 1.0", "model/vnd.usda"),
    (b"ISO-10303-21;", "model/step"),
    (b"ply\nformat ", "model/x-ply"),
    (b"ply\r\nformat ", "model/x-ply"),
    (b"OFF\n", "model/x-off"),
    (b"# vtk DataFile Version", "application/x-vtk"),
    (b"/* XPM */", "image/x-xpixmap"),
    (b"! XPM2", "image/x-xpixmap"),
    (b"<MIFFile ", "application/vnd.mif"),
    (b"<MakerFile ", "application/vnd.framemaker"),
    (b"ENVI\n", "application/envi.hdr"),
    (b"ENVI\r\n", "application/envi.hdr"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"#?RGBE", "image/vnd.radiance"),
    (b"%YAML ", "application/yaml"),
    (b"%%MatrixMarket ", "application/x-matrix-market"),
    (b"data_", "chemical/x-cif"),
    (b"[Script Info]", "text/x-ssa"),
    (b"[Desktop Entry]", "application/x-desktop"),
    (b"[InternetShortcut]", "application/x-mswinurl"),
    (b"ID;P", "application/x-sylk"),
    (b"TABLE\r\n0,1", "application/x-dif"),
    (b"TABLE\n0,1", "application/x-dif"),
    (b"STARTFONT 2", "application/x-font-bdf"),
    (b"StartFontMetrics ", "application/x-font-adobe-metric"),
    (b"SplineFontDB:", "application/vnd.font-fontforge-sfd"),
    (b"!<arch>\ndebian-", "application/vnd.debian.binary-package"),
    (b"!<arch>\n", "application/x-archive"),
    (b"070701", "application/x-cpio"),
    (b"070707", "application/x-cpio"),
    (b"#!AMR", "audio/amr"),
    (b"d8:announce", "application/x-bittorrent"),
    (
        b"(This file must be converted with BinHex",
        "application/mac-binhex40",
    ),
    (b"SIMPLE  =", "application/fits"),
    (b"NIST_1A\n", "audio/x-nist"),
    (
        b"HEADER RECORD*******LIBRARY HEADER",
        "application/x-sas-xport",
    ),
    (b"# Disk DescriptorFile", "application/x-vmdk-disk"),
    (b"age-encryption.org/", "application/x-age-encryption"),
    (b"AC1015", "image/vnd.dwg"),
    (b"Salted__", "application/x-openssl-salted"),
    (b"; AutoHotkey", "text/x-autohotkey"),
    (b"!Scene", "model/x-lwscene"),
    (b"Kaydara FBX", "application/x.autodesk.fbx"),
    (b"; FBX ", "application/x.autodesk.fbx"),
    (b"#Inventor V", "model/x-inventor"),
    (b"//Maya ASCII", "application/x-maya-ascii"),
    (b"0 HEAD", "text/vnd.familysearch.gedcom"),
    (b"OFXHEADER:", "application/x-ofx"),
    (b"!Type:", "application/x-qif"),
    (b"!Account", "application/x-qif"),
    (b"#FIG 3", "application/x-xfig"),
    (b"#FIG 2", "application/x-xfig"),
    (b"%GNUPLOT", "application/x-gnuplot"),
    (b"[gEDA]", "application/x-geda"),
    (b"EESchema", "application/x-kicad-schematic"),
    (b"(kicad_pcb", "application/x-kicad-pcb"),
    (b"(kicad_sch", "application/x-kicad-schematic"),
    (b"# KDE Config File", "text/plain"),
];

/// What the readable beginning says.
pub(super) fn judge(head: &[u8]) -> Option<Finding> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let trimmed = text.trim_ascii_start();
    let start = if trimmed.starts_with(b"%PDF-")
        || trimmed.starts_with(b"{\\rtf")
        || trimmed.starts_with(b"-----BEGIN")
    {
        trimmed
    } else {
        text
    };
    let found = STARTS
        .iter()
        .find(|(mark, media_type)| !media_type.is_empty() && start.starts_with(mark));
    if let Some((_, media_type)) = found {
        return confirm(start, media_type);
    }
    if contains(&start[..start.len().min(512)], b"SPSSPORT") && start.len() > 464 {
        return Some(Finding::certain("application/x-spss-por"));
    }
    if start.starts_with(b"BEGIN:VCALENDAR") {
        let version_one = find(&start[..start.len().min(2048)], b"\nVERSION:1.0");
        return Some(Finding::certain(if version_one.is_some() {
            "text/x-vcalendar"
        } else {
            "text/calendar"
        }));
    }
    if start.starts_with(b"-----BEGIN ") && contains(&start[..start.len().min(80)], b"-----\n")
        || start.starts_with(b"-----BEGIN ")
            && contains(&start[..start.len().min(80)], b"-----\r\n")
    {
        let encrypted = contains(&start[..start.len().min(400)], b"ENCRYPTED");
        return Some(Finding::certain("application/x-pem-file").encrypted_if(encrypted));
    }
    portable_anymap(start)
}

/// Marks short enough for prose need a second look.
fn confirm(start: &[u8], media_type: &'static str) -> Option<Finding> {
    let line = start
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    let holds = match media_type {
        "chemical/x-cif" => {
            !line.contains(&b' ') && !line.contains(&b',') && contains(start, b"\n_")
        }
        "application/fits" => {
            let value = start
                .get(9..start.len().min(80))
                .unwrap_or_default()
                .trim_ascii_start();
            // A header may say that it doesn't keep to the standard.
            let is_marked = value.starts_with(b"T")
                || value.starts_with(b"F")
                    && start.get(9..29).is_some_and(|blank| blank == [b' '; 20]);
            is_marked && !value.get(1).is_some_and(u8::is_ascii_alphanumeric)
        }
        "application/x-qif" => contains(start, b"\n^"),
        "application/x-sylk" => contains(start, b"\nC;") || contains(start, b"\rC;"),
        "text/vnd.familysearch.gedcom" => contains(start, b"\n1 ") || contains(start, b"\r1 "),
        "image/vnd.dwg" => start.get(6..12).is_some_and(|rest| rest.contains(&0)),
        "application/x-cpio" => start
            .get(..70)
            .is_some_and(|header| header[6..].iter().all(u8::is_ascii_hexdigit)),
        // Prose may quote any of these marks; what follows gives it away.
        "application/pdf" => {
            !line
                .get(8..)
                .unwrap_or_default()
                .trim_ascii()
                .first()
                .is_some_and(u8::is_ascii_alphabetic)
                || contains(&start[..start.len().min(65536)], b" obj")
        }
        "text/vtt" => {
            line.trim_ascii_end() == b"WEBVTT"
                || matches!(line.get(6), Some(b' ' | b'\t'))
                    && contains(&start[..start.len().min(65536)], b"-->")
        }
        "application/rtf" => start
            .get(5)
            .is_none_or(|next| next.is_ascii_digit() || matches!(next, b'\\' | b'f' | b'{' | b'}')),
        "application/postscript" => {
            matches!(start.get(4), None | Some(b'-' | b'\r' | b'\n' | b' '))
                && !line.ends_with(b".")
        }
        "text/vcard" => line.trim_ascii_end().len() == 11,
        "audio/x-scpls" => contains(start, b"File1=") || contains(start, b"NumberOfEntries"),
        _ => true,
    };
    if !holds {
        return None;
    }
    let encrypted = matches!(
        media_type,
        "application/pgp-encrypted"
            | "application/x-age-encryption"
            | "application/x-openssl-salted"
    );
    Some(Finding::certain(media_type).encrypted_if(encrypted))
}

/// P1 to P7: a digit, white space or a comment, then two numbers.
fn portable_anymap(start: &[u8]) -> Option<Finding> {
    let media_type = match start.get(..2)? {
        b"P1" | b"P4" => "image/x-portable-bitmap",
        b"P2" | b"P5" => "image/x-portable-graymap",
        b"P3" | b"P6" => "image/x-portable-pixmap",
        b"P7"
            if start.get(2..3) == Some(b"\n")
                && contains(&start[..start.len().min(256)], b"WIDTH") =>
        {
            return Some(Finding::certain("image/x-portable-arbitrarymap"));
        }
        b"PF" | b"Pf" => "image/x-portable-floatmap",
        _ => return None,
    };
    let mut rest = start.get(2..start.len().min(4096))?;
    if !rest.first()?.is_ascii_whitespace() && rest.first() != Some(&b'#') {
        return None;
    }
    for _ in 0..2 {
        rest = rest.trim_ascii_start();
        while rest.first() == Some(&b'#') {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            rest = rest[end..].trim_ascii_start();
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=7).contains(&digits) {
            return None;
        }
        rest = &rest[digits..];
    }
    let separated = rest.first().is_none_or(u8::is_ascii_whitespace);
    separated.then(|| Finding::certain(media_type))
}
