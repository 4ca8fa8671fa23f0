//! TIFF and the raw camera formats that look like it: by the tags of the
//! first image directory.

use std::io;

use crate::finding::Finding;
use crate::numbers::{u16_be, u16_le, u32_be, u32_le};
use crate::window::Window;

const TIFF: &str = "image/tiff";

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        match self {
            Self::Little => u16_le(bytes, at),
            Self::Big => u16_be(bytes, at),
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        match self {
            Self::Little => u32_le(bytes, at),
            Self::Big => u32_be(bytes, at),
        }
    }
}

/// What the TIFF-like file is.
pub(super) fn judge(window: &mut Window) -> io::Result<Option<Finding>> {
    let head = window.head();
    // DICOM (PS3.10, 7.1) leaves 128 bytes for another format's header, most often this.
    if head.get(128..132) == Some(b"DICM") {
        return Ok(Some(Finding::certain("application/dicom")));
    }
    let order = match head.get(..4) {
        Some(b"II*\0") => Order::Little,
        Some(b"MM\0*") => Order::Big,
        Some(b"IIU\0") => return Ok(Some(Finding::certain("image/x-panasonic-rw2"))),
        Some(b"IIRO" | b"IIRS" | b"MMOR") => {
            return Ok(Some(Finding::certain("image/x-olympus-orf")));
        }
        Some(b"II\xbc\x01" | b"II\xbc\x00") => return Ok(Some(Finding::certain("image/jxr"))),
        Some(b"II+\0" | b"MM\0+") => return Ok(Some(Finding::certain(TIFF))),
        Some(b"II\x1a\0") if head.get(6..14) == Some(b"HEAPCCDR") => {
            return Ok(Some(Finding::certain("image/x-canon-crw")));
        }
        _ => return Ok(None),
    };
    if head.get(8..10) == Some(b"CR") {
        return Ok(Some(Finding::certain("image/x-canon-cr2")));
    }
    directory(window, order).map(Some)
}

/// Cameras' makers, and the raw formats that their names may call a TIFF of theirs.
const MAKERS: &[(&[u8], &[&str])] = &[
    (b"NIKON", &["image/x-nikon-nef"]),
    (
        b"SONY",
        &["image/x-sony-arw", "image/x-sony-sr2", "image/x-sony-srf"],
    ),
    (b"PENTAX", &["image/x-pentax-pef"]),
    (b"RICOH", &["image/x-pentax-pef"]),
    (b"SAMSUNG", &["image/x-samsung-srw"]),
    (
        b"EASTMAN KODAK",
        &["image/x-kodak-dcr", "image/x-kodak-kdc"],
    ),
    (b"KODAK", &["image/x-kodak-kdc", "image/x-kodak-dcr"]),
    (b"HASSELBLAD", &["image/x-hasselblad-3fr"]),
    (b"SEIKO EPSON", &["image/x-epson-erf"]),
    (b"LEICA", &["image/x-raw-rwl"]),
    (b"CANON", &["image/x-canon-cr2"]),
];

fn directory(window: &mut Window, order: Order) -> io::Result<Finding> {
    let plain = Finding::certain(TIFF);
    let Some(offset) = order.u32(window.head(), 4) else {
        return Ok(plain);
    };
    let bytes = window.read(u64::from(offset), 2 + 12 * 128)?;
    let Some(count) = order.u16(&bytes, 0) else {
        return Ok(plain);
    };
    let mut make = Vec::new();
    let (mut sub_images, mut compression, mut dng) = (false, 0, false);
    let (mut reduced, mut cut_make) = (false, 0);
    for index in 0..usize::from(count).min(128) {
        let at = 2 + index * 12;
        let (Some(tag), Some(length), Some(value)) = (
            order.u16(&bytes, at),
            order.u32(&bytes, at + 4),
            order.u32(&bytes, at + 8),
        ) else {
            break;
        };
        match tag {
            0x010f => {
                let length = usize::try_from(length).unwrap_or(0).min(64);
                make = window.read(u64::from(value), length)?.to_ascii_uppercase();
                if make.is_empty() {
                    cut_make = length;
                }
            }
            0x00fe => reduced = value == 1,
            0x0103 => compression = order.u16(&bytes, at + 8).unwrap_or(0),
            0x014a => sub_images = true,
            0xc612 => dng = true,
            _ => {}
        }
    }
    if dng {
        return Ok(Finding::certain("image/x-adobe-dng"));
    }
    let made_by = |name: &[u8]| make.starts_with(name);
    let raw = match () {
        // Thumbnails in the first directory mark what is no ordinary TIFF; of
        // a file that is cut before its make only the length is known, which
        // "NIKON CORPORATION" has to itself.
        () if reduced && cut_make == 18 => "image/x-nikon-nef",
        () if made_by(b"NIKON") && (sub_images || compression == 34713) => "image/x-nikon-nef",
        () if made_by(b"SONY") && (sub_images || compression == 32767) => "image/x-sony-arw",
        () if made_by(b"PENTAX") && (sub_images || matches!(compression, 65535 | 32773)) => {
            "image/x-pentax-pef"
        }
        () if made_by(b"SAMSUNG") && sub_images => "image/x-samsung-srw",
        () if made_by(b"EASTMAN KODAK") && sub_images => "image/x-kodak-dcr",
        () if made_by(b"KODAK") && sub_images => "image/x-kodak-kdc",
        () if made_by(b"HASSELBLAD") && sub_images => "image/x-hasselblad-3fr",
        () if made_by(b"SEIKO EPSON") && sub_images => "image/x-epson-erf",
        () if made_by(b"LEAF") && sub_images => "image/x-leaf-mos",
        () if made_by(b"MAMIYA") && sub_images => "image/x-mamiya-mef",
        () if made_by(b"PHASE ONE") => "image/x-phaseone-iiq",
        () => {
            let maker = MAKERS.iter().find(|(name, _)| made_by(name));
            return Ok(plain.or_by_name(maker.map_or(&[], |(_, types)| types)));
        }
    };
    Ok(Finding::certain(raw))
}
