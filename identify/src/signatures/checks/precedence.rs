//! The order in which the checks are tried. Weak ones, which random bytes may pass, come last, after
//! every other layer.

use super::{archives, cbor, data, dicom, pictures, programs, sound};
use crate::finding::Finding;
use crate::signatures::tables::BINARY;
use crate::window::Window;

type Check = fn(&Window) -> Option<Finding>;

/// Checks that follow enough structure to stand beside signatures.
const CHECKS: &[Check] = &[
    programs::dos_program,
    programs::fat_or_class,
    programs::python_byte_code,
    pictures::icon,
    pictures::bitmap,
    sound::tagged_or_framed_sound,
    sound::dolby_digital,
    sound::transport_stream,
    archives::lzma_alone,
    data::arrow_stream,
    data::font_metrics,
    data::old_matrix,
    data::arc,
    dicom::elements,
    data::fits,
    data::dbase,
    pictures::paintbrush,
    pictures::binary_stl,
    data::marc,
    data::pgp_packets,
    data::stata,
    pictures::pict,
    programs::iso_image,
    programs::mac_binary,
    pictures::three_d_studio,
    pictures::window_dump,
    pictures::jbig2,
    archives::zlib_stream,
    pictures::flash,
    archives::bzip,
];

/// Checks that random bytes pass now and then.
const WEAK: &[Check] = &[
    cbor::map,
    archives::ustar,
    pictures::targa,
    programs::object_file,
    programs::boot_sector,
    sound::late_frames,
    pictures::wireless_bitmap,
    data::ebcdic,
];

pub(in crate::signatures) fn judge(window: &Window) -> Option<Finding> {
    CHECKS.iter().find_map(|check| check(window))
}

/// What must be asked before a mark further in is believed: a file may be
/// anything up to there. Readers take a PDF header from within its first
/// kilobyte, and a tar holds whatever its first member is.
pub(in crate::signatures) fn judge_before_offsets(window: &Window) -> Option<Finding> {
    archives::tar(window)
        .or_else(|| data::shape_index(window))
        .or_else(|| data::pdf_after_garbage(window).filter(|_| !begins_with_a_mark(window)))
}

/// Whether the first bytes are those of a picture or a container, which may
/// quote a PDF in what they carry.
fn begins_with_a_mark(window: &Window) -> bool {
    BINARY
        .iter()
        .flat_map(|table| table.iter())
        .any(|signature| {
            signature.offset == 0 && signature.mark.len() >= 3 && signature.matches(window.head())
        })
}

pub(in crate::signatures) fn judge_weak(window: &Window) -> Option<Finding> {
    WEAK.iter().find_map(|check| check(window))
}
