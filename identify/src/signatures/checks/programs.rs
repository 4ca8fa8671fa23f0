//! Programs and disks: headers that point to headers.

use crate::finding::Finding;
use crate::numbers::{u16_le, u32_be, u32_le};
use crate::window::Window;

pub(super) fn dos_program(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !(head.starts_with(b"MZ") || head.starts_with(b"ZM")) {
        return None;
    }
    let new_header = u32_le(head, 0x3c).and_then(|at| head.get(at as usize..));
    let known = new_header.is_some_and(|header| {
        [b"PE\0\0".as_slice(), b"NE", b"LE", b"LX"]
            .iter()
            .any(|mark| header.starts_with(mark))
    });
    if known {
        return Some(Finding::certain(
            "application/vnd.microsoft.portable-executable",
        ));
    }
    let pages = u16_le(head, 4)?;
    (pages > 0 && u16_le(head, 8)? < 0x1000)
        .then(|| Finding::likely("application/vnd.microsoft.portable-executable"))
}

/// A fat binary counts a handful of programs where a class has its version.
pub(super) fn fat_or_class(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !head.starts_with(b"\xca\xfe\xba\xbe") {
        return None;
    }
    let number = u32_be(head, 4)?;
    let media_type = if number < 40 {
        "application/x-mach-binary"
    } else {
        "application/java-vm"
    };
    Some(Finding::certain(media_type))
}

pub(super) fn python_byte_code(window: &Window) -> Option<Finding> {
    let head = window.head();
    let version = u16_le(head, 0)?;
    let known = matches!(version, 3000..=3900 | 20000..=62300) && head.get(2..4) == Some(b"\r\n");
    let object = [8, 12, 16].iter().any(|at| {
        head.get(*at)
            .is_some_and(|byte| matches!(byte, b'c' | 0xe3))
    });
    (known && object).then(|| Finding::certain("application/x-bytecode.python"))
}

/// A COFF object: a machine, a few sections, no date in the future.
pub(super) fn object_file(window: &Window) -> Option<Finding> {
    let head = window.head();
    let machine = u16_le(head, 0)?;
    let sections = u16_le(head, 2)?;
    let symbols = u64::from(u32_le(head, 8)?);
    let optional = u16_le(head, 16)?;
    let section_name = head
        .get(20 + usize::from(optional))
        .is_some_and(|byte| matches!(byte, b'.' | b'/' | b'_'));
    let holds = matches!(machine, 0x014c | 0x8664 | 0xaa64 | 0x01c4 | 0x01c0)
        && (1..200).contains(&sections)
        && symbols < window.len();
    (holds && section_name).then(|| Finding::guess("application/x-coff"))
}

pub(super) fn boot_sector(window: &Window) -> Option<Finding> {
    let head = window.head();
    let signed = head.get(510..512) == Some(b"\x55\xaa") && window.len().is_multiple_of(512);
    signed.then(|| Finding::guess("application/x-raw-disk-image"))
}

pub(super) fn iso_image(window: &Window) -> Option<Finding> {
    let head = window.head();
    let raw = [0x9319, 0x9311]
        .iter()
        .any(|at| head.get(*at..*at + 5) == Some(b"CD001"));
    raw.then(|| Finding::certain("application/x-iso9660-image"))
}

pub(super) fn mac_binary(window: &Window) -> Option<Finding> {
    let head = window.head();
    let name = usize::from(*head.get(1)?);
    let named = head[0] == 0
        && (1..=63).contains(&name)
        && head.get(2..2 + name)?.iter().all(|byte| *byte >= 0x20);
    let zeros = head.get(74) == Some(&0) && head.get(82) == Some(&0);
    let printable = head
        .get(65..73)?
        .iter()
        .all(|byte| (0x20..0x7f).contains(byte));
    let marked = head.get(102..106) == Some(b"mBIN") || matches!(head.get(122), Some(0x81 | 0x82));
    (named && zeros && printable && marked).then(|| Finding::likely("application/x-macbinary"))
}
