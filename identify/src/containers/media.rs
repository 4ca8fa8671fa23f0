//! RIFF, IFF, EBML, Ogg and ASF: which format, by the type that each carries
//! at a known place.

use crate::finding::Finding;
use crate::numbers::{contains, find};

/// What the media container is.
pub(super) fn judge(head: &[u8]) -> Option<Finding> {
    match head.get(..4)? {
        b"RIFF" | b"RIFX" | b"RF64" | b"BW64" => riff(head),
        b"FORM" | b"LIST" | b"CAT " => iff(head),
        b"AT&T" if head.get(4..8) == Some(b"FORM") => Some(Finding::certain("image/vnd.djvu")),
        b"\x1a\x45\xdf\xa3" => Some(ebml(head)),
        b"OggS" => Some(ogg(head)),
        b"\x30\x26\xb2\x75" => Some(asf(head)),
        _ => None,
    }
}

fn riff(head: &[u8]) -> Option<Finding> {
    let kind = head.get(8..12)?;
    let media_type = match kind {
        b"WAVE" => "audio/vnd.wave",
        b"AVI " | b"AVIX" => "video/x-msvideo",
        b"WEBP" => "image/webp",
        b"RMID" => "audio/midi",
        b"ACON" => "application/x-navi-animation",
        b"sfbk" => "audio/x-sf2",
        b"QLCM" => "audio/qcelp",
        b"AMV " => "video/x-amv",
        b"CDXA" => "video/mpeg",
        b"RDIB" => "image/bmp",
        b"4XMV" => "video/x-4xmv",
        b"PAL " => "application/x-riff-palette",
        b"NUND" => "application/x-cubase",
        b"MV93" | b"39VM" | b"MC95" | b"FGDM" => "application/x-director",
        [b'C', b'D', b'R' | b'D' | b'T' | b'r' | b'M', _] | [b'c', b'd', b'r', _] => {
            "application/vnd.corel-draw"
        }
        // A type of printable letters is a container nobody told us about;
        // anything else is prose that happens to begin so.
        kind if head.iter().take(8).any(|byte| *byte < 9)
            && kind.iter().all(u8::is_ascii_graphic) =>
        {
            "application/x-riff"
        }
        _ => return None,
    };
    Some(Finding::certain(media_type))
}

fn iff(head: &[u8]) -> Option<Finding> {
    let media_type = match head.get(8..12)? {
        b"AIFF" | b"AIFC" => "audio/aiff",
        b"8SVX" | b"16SV" => "audio/x-8svx",
        b"ILBM" | b"PBM " | b"ACBM" | b"RGB8" | b"RGBN" => "image/x-ilbm",
        b"ANIM" => "video/x-anim",
        b"DJVU" | b"DJVM" | b"PM44" | b"BM44" => "image/vnd.djvu",
        b"LWOB" | b"LWO2" | b"LWLO" => "image/x-lwo",
        b"TDDD" => "model/x-imagine",
        b"SMUS" | b"CMUS" => "audio/x-smus",
        b"FTXT" => "text/x-iff-ftxt",
        _ => return None,
    };
    Some(Finding::certain(media_type))
}

fn ebml(head: &[u8]) -> Finding {
    // The document type stands in the header; later elements may quote either.
    let start = &head[..head.len().min(4096)];
    let declared =
        find(start, b"\x42\x82").map_or(start, |at| &start[at..start.len().min(at + 24)]);
    let matroska = contains(declared, b"matroska");
    if !matroska && contains(declared, b"webm") {
        let pictures = contains(head, b"V_VP") || contains(head, b"V_AV1");
        let also: &[&str] = if pictures { &[] } else { &["audio/webm"] };
        return Finding::certain("video/webm").or_by_name(also);
    }
    if !matroska {
        return Finding::likely("video/x-matroska");
    }
    let codecs = &head[..head.len().min(64 * 1024)];
    let pictures = [
        b"V_MPEG".as_slice(),
        b"V_MS",
        b"V_VP",
        b"V_AV1",
        b"V_THEORA",
        b"V_REAL",
        b"V_QUICK",
        b"V_UNCOMP",
        b"V_PRORES",
        b"V_FFV",
        b"V_DIRAC",
        b"V_MJPEG",
    ];
    if pictures.iter().any(|codec| contains(codecs, codec)) {
        if contains(codecs, b"\x53\xb8\x81") && !contains(codecs, b"\x53\xb8\x81\x00") {
            return Finding::certain("video/x-matroska-3d");
        }
        return Finding::certain("video/x-matroska");
    }
    let sound = [
        b"A_AAC".as_slice(),
        b"A_MPEG",
        b"A_VORBIS",
        b"A_OPUS",
        b"A_FLAC",
        b"A_AC3",
        b"A_EAC3",
        b"A_DTS",
        b"A_PCM",
        b"A_TTA",
        b"A_WAVPACK",
        b"A_REAL",
    ];
    if sound.iter().any(|codec| contains(codecs, codec)) {
        return Finding::likely("audio/x-matroska");
    }
    Finding::certain("video/x-matroska").or_by_name(&["audio/x-matroska"])
}

fn ogg(head: &[u8]) -> Finding {
    let start = &head[..head.len().min(16 * 1024)];
    if contains(start, b"\x80theora")
        || contains(start, b"BBCD\0\0")
        || contains(start, b"OVP80\x01")
        || contains(start, b"\x80daala")
    {
        return Finding::certain("video/ogg");
    }
    if contains(start, b"\x01video\0\0\0") {
        return Finding::certain("video/ogg");
    }
    let sound = [
        b"\x01vorbis".as_slice(),
        b"OpusHead",
        b"Speex   ",
        b"\x7fFLAC",
        b"PCM     ",
        b"\x01audio\0\0\0",
        b"CELT    ",
    ];
    if sound.iter().any(|codec| contains(start, codec)) {
        return Finding::certain("audio/ogg");
    }
    Finding::likely("application/ogg")
}

fn asf(head: &[u8]) -> Finding {
    const VIDEO: &[u8] = b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    const AUDIO: &[u8] = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    let start = &head[..head.len().min(64 * 1024)];
    if contains(start, AUDIO) && !contains(start, VIDEO) {
        return Finding::certain("audio/x-ms-wma");
    }
    Finding::certain("video/x-ms-asf")
}
