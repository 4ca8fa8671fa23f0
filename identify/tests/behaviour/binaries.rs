//! Signatures and containers.

use crate::fixtures::{named, nameless, type_of};

fn ftyp(major: [u8; 4], compatible: &[&[u8; 4]]) -> Vec<u8> {
    let length = u32::try_from(16 + compatible.len() * 4).expect("a few brands");
    let mut file = length.to_be_bytes().to_vec();
    file.extend(b"ftyp");
    file.extend(major);
    file.extend([0; 4]);
    for brand in compatible {
        file.extend(*brand);
    }
    file.extend(b"\0\0\0\x08mdat");
    file
}

#[test]
fn brands_tell_base_media_apart() {
    let cases: [(&[u8; 4], &str); 9] = [
        (b"isom", "video/mp4"),
        (b"mp42", "video/mp4"),
        (b"M4A ", "audio/mp4"),
        (b"M4V ", "video/x-m4v"),
        (b"qt  ", "video/quicktime"),
        (b"3gp5", "video/3gpp"),
        (b"heic", "image/heic"),
        (b"avif", "image/avif"),
        (b"crx ", "image/x-canon-cr3"),
    ];
    for (brand, expected) in cases {
        assert_eq!(type_of(&ftyp(*brand, &[])), expected);
    }
    assert_eq!(type_of(&ftyp(*b"mif1", &[b"avif"])), "image/avif");
    assert_eq!(type_of(&ftyp(*b"mif1", &[b"heic"])), "image/heif");
}

#[test]
fn containers_are_told_by_what_they_hold() {
    let cases: [(&[u8], &str); 12] = [
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/vnd.wave"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm\0\0", "video/webm"),
        (
            b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska\0V_VP8",
            "video/x-matroska",
        ),
        (
            b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis",
            "audio/ogg",
        ),
        (
            b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x2a\x80theora",
            "video/ogg",
        ),
        (b"FORM\0\0\0\x10AIFFCOMM", "audio/aiff"),
        (b"AT&TFORM\0\0\0\x10DJVMDIRM", "image/vnd.djvu"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpx ", "image/jpx"),
        (b"II*\0\x08\0\0\0\0\0", "image/tiff"),
        (b"II*\0\x10\0\0\0CR\x02\0", "image/x-canon-cr2"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(type_of(bytes), expected);
    }
}

#[test]
fn short_marks_need_what_must_follow() {
    assert_eq!(
        type_of(b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10"),
        "application/java-vm"
    );
    assert_eq!(
        type_of(b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07"),
        "application/x-mach-binary"
    );
    assert_eq!(
        type_of(b"BM\0\x01\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\0\0"),
        "image/bmp"
    );
    assert_eq!(
        type_of(b"BM\0\x01\0\0\0\0\0\0\x36\0\0\0\xee\xee\0\0\0\0"),
        "application/octet-stream"
    );
    assert_eq!(type_of(b"\xff\xd8\xff"), "image/jpeg");
    assert_eq!(type_of(b"GIF89a"), "image/gif");
    let mut program = vec![0_u8; 0x80];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x40;
    program[0x40..0x44].copy_from_slice(b"PE\0\0");
    assert_eq!(
        type_of(&program),
        "application/vnd.microsoft.portable-executable"
    );
}

#[test]
fn signed_messages_and_certificates_are_told_by_their_shape() {
    let signed = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80";
    let enveloped = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80";
    assert_eq!(type_of(signed), "application/pkcs7-signature");
    assert_eq!(type_of(enveloped), "application/pkcs7-mime");
    assert_eq!(
        type_of(b"-----BEGIN CERTIFICATE-----\nMIIB\n"),
        "application/x-x509-cert"
    );
}

#[test]
fn sound_is_known_by_frames_that_follow_each_other() {
    let frame = [&[0xff_u8, 0xfb, 0x90, 0x00][..], &[0; 413]].concat();
    assert_eq!(type_of(&frame.repeat(3)), "audio/mpeg");
    assert_eq!(
        type_of(b"ID3\x03\0\0\0\0\0\x0aaaaaaaaaaafLaC\0"),
        "audio/flac"
    );
    let packet = [&[0x47_u8, 0x40, 0x00, 0x10][..], &[0xff; 184]].concat();
    assert_eq!(type_of(&packet.repeat(5)), "video/mp2t");
}

#[test]
fn a_tar_is_known_by_its_checksum() {
    let mut header = vec![0_u8; 1024];
    header[..5].copy_from_slice(b"a.pdf");
    header[512..520].copy_from_slice(b"%PDF-1.7");
    let sum: u32 = header[..512]
        .iter()
        .map(|byte| u32::from(*byte))
        .sum::<u32>()
        + 8 * 32;
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(type_of(&header), "application/x-tar");
}

#[test]
fn nothing_and_the_unknown_have_names_too() {
    assert_eq!(type_of(b""), "application/x-empty");
    let found = nameless(b"\0\x01\x02\x03\xfe\xfd\xfc");
    assert_eq!(found.media_type, "application/octet-stream");
    assert_eq!(found.by_content, None);
    assert_eq!(found.confidence, identify::Confidence::Unknown);
}

#[test]
fn a_raw_photo_cut_before_its_maker_is_told_by_the_length_of_the_name() {
    let directory = |make_length: u8| {
        let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
        bytes.extend(b"\xfe\0\x04\0\x01\0\0\0\x01\0\0\0");
        bytes.extend([0x0f, 0x01, 0x02, 0, make_length, 0, 0, 0, 0x98, 0x01, 0, 0]);
        bytes.extend([0; 4]);
        bytes
    };
    assert_eq!(type_of(&directory(18)), "image/x-nikon-nef");
    assert_eq!(type_of(&directory(12)), "image/tiff");
}

#[test]
fn an_apple_disk_image_is_known_by_its_trailer() {
    let trailer = [b"koly\0\0\0\x04".as_slice(), &[0; 504]].concat();
    let zlib = b"\x78\x9c\x4b\x4c\x4a\x06\0\x02\x4d\x01\x27";
    let bzip = b"BZh9\x31\x41\x59\x26\x53\x59aaaa";
    for start in [zlib.as_slice(), bzip, &[0; 600], &[7; 600]] {
        let image = [start, &trailer].concat();
        assert_eq!(type_of(&image), "application/x-apple-diskimage");
    }
    assert_eq!(type_of(zlib), "application/zlib");
}

#[test]
fn concise_objects_are_known_by_their_mark_or_their_end() {
    assert_eq!(type_of(b"\xd9\xd9\xf7\xa1\x61a\x01"), "application/cbor");
    let map = b"\xa2\x64name\x63Ada\x63age\x18\x24";
    assert_eq!(type_of(map), "application/cbor");
    assert_ne!(
        type_of(&[map.as_slice(), b"\xff"].concat()),
        "application/cbor"
    );
    assert_eq!(
        named(&[b"\x81".as_slice(), map].concat(), "a.cbor").media_type,
        "application/cbor"
    );
}

#[test]
fn science_is_known_by_headers_of_any_width() {
    assert_eq!(
        type_of(b"SIMPLE  =                    T / a\n"),
        "application/fits"
    );
    assert_eq!(type_of(b"SIMPLE  = T"), "application/fits");
    assert_eq!(type_of(b"SIMPLE  = This is not one.\n"), "text/plain");
    assert_eq!(type_of(b"ASTM-E57\x01\0\0\0\0\0\0\0"), "model/e57");
}

#[test]
fn triangles_are_counted() {
    let mut model = vec![0_u8; 80];
    model.extend(2_u32.to_le_bytes());
    for _ in 0..2 {
        for number in [
            0.0_f32, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0,
        ] {
            model.extend(number.to_le_bytes());
        }
        model.extend([0, 0]);
    }
    assert_eq!(type_of(&model), "model/stl");
    // With a byte too many, and without the last.
    assert_eq!(type_of(&[model.as_slice(), b"\n"].concat()), "model/stl");
    assert_eq!(type_of(&model[..model.len() - 1]), "model/stl");
}

#[test]
fn bitmaps_of_another_system_are_bitmaps() {
    let mut array = b"BA\x28\0\0\0\0\0\0\0\0\0\0\0BM".to_vec();
    array.extend([0; 64]);
    assert_eq!(type_of(&array), "image/bmp");
    let mut pointer = b"CP\x40\0\0\0\0\0\0\0\x20\0\0\0\x0c\0\0\0".to_vec();
    pointer.extend([0; 32]);
    assert_eq!(type_of(&pointer), "image/bmp");
}

#[test]
fn keys_are_told_from_certificates() {
    let private = b"\x30\x2e\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let locked = b"\x30\x14\x30\x0a\x06\x08\x2a\x86\x48\x86\xf7\x0d\x01\x05\x04\x06aaaaaa";
    let curve = b"\x30\x25\x02\x01\x01\x04\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let public = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_eq!(type_of(private), "application/pkcs8");
    assert_eq!(type_of(locked), "application/pkcs8");
    assert_eq!(type_of(curve), "application/x-x509-key");
    assert_eq!(type_of(public), "application/x-x509-cert");
}

#[test]
fn an_index_of_shapes_is_no_shape() {
    let mut index = b"\0\0\x27\x0a".to_vec();
    index.resize(100, 0);
    index.extend([0, 0, 0, 50, 0, 0, 0, 10]);
    assert_eq!(type_of(&index), "application/vnd.shx");
    index[100..104].copy_from_slice(&[0, 0, 0, 1]);
    assert_eq!(type_of(&index), "application/vnd.shp");
}

#[test]
fn a_picture_may_begin_with_another_pictures_header() {
    let mut scan = b"II*\0\x08\0\0\0".to_vec();
    scan.resize(128, 0);
    scan.extend(b"DICM\x02\0\0\0UL\x04\0");
    assert_eq!(type_of(&scan), "application/dicom");
}

#[test]
fn a_tag_longer_than_the_file_says_nothing_of_the_sound() {
    let tag = b"ID3\x03\0\0\0\0\x7f\x7fTIT2";
    assert_eq!(type_of(tag), "application/octet-stream");
    assert_eq!(named(tag, "a.mp3").media_type, "audio/mpeg");
    assert_eq!(named(tag, "a.flac").media_type, "audio/flac");
}

#[test]
fn scans_without_a_preamble_are_known_by_their_elements() {
    let explicit =
        b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x08\0\x12\0DA\x08\x0020200101\x08\0\x13\0TM\x06\x00101112";
    let implicit = b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100\x08\0\x12\0\x08\0\0\x0020200101\x08\0\x13\0\x06\0\0\x00101112";
    for scan in [explicit.as_slice(), implicit] {
        assert_eq!(type_of(scan), "application/dicom");
        assert_ne!(type_of(&scan[..20]), "application/dicom");
    }
}

#[test]
fn a_stray_zero_makes_no_table_binary() {
    assert_eq!(named(b"a,b,c\n\0,2,3\n", "a.csv").media_type, "text/csv");
    assert_eq!(type_of(b"ab\0\0cd\n"), "application/octet-stream");
}

#[test]
fn a_dump_of_a_window_is_told_by_its_header_and_video_is_no_targa() {
    let fields = [111_u32, 7, 2, 24, 128, 96, 0, 1, 32, 0, 32, 24, 384];
    let mut dump: Vec<u8> = fields
        .iter()
        .flat_map(|field| field.to_be_bytes())
        .collect();
    dump.resize(4000, 1);
    assert_eq!(type_of(&dump), "image/x-xwindowdump");
    dump[7] = 8;
    assert_ne!(type_of(&dump), "image/x-xwindowdump");
    // The header of a video of AV1, which has as many zeros as a picture.
    let mut video = b"\x12\0\x0a\x0b\x02\0\0\0\x05\x59\xbf\xdf\x1a\xbe\x60\x10\x20\x08".to_vec();
    video.resize(3000, 7);
    assert_ne!(type_of(&video), "image/x-tga");
}

#[test]
fn numbers_are_no_frames_of_sound() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state >> 33).expect("it is short") % limit
    };
    for scale in 1..40 {
        let numbers: Vec<u8> = (0..500)
            .map(|_| i32::try_from(below(3000 * scale) - 2000 * scale).expect("it is small"))
            .flat_map(i32::to_le_bytes)
            .collect();
        assert_eq!(type_of(&numbers), "application/octet-stream", "{scale}");
    }
    let frame = [&[0xff, 0xfb, 0x90, 0][..], &[0x55; 413]].concat();
    assert_eq!(type_of(&frame.repeat(5)), "audio/mpeg");
    assert_eq!(
        type_of(&[b"\x01\x02\x03".to_vec(), frame.repeat(5)].concat()),
        "audio/mpeg"
    );
}

#[test]
fn one_map_or_list_called_so_is_cbor() {
    for bytes in [
        &b"\xa2\x61a\x01\x61b\x83\x01\x02\x03"[..],
        b"\x88\x01\x02\x03\x04\x05\x06\x07\x08",
    ] {
        assert_eq!(named(bytes, "a.cbor").media_type, "application/cbor");
        assert_eq!(type_of(bytes), "application/octet-stream");
    }
    let items = b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x10";
    assert_eq!(
        named(items, "a.cbor").media_type,
        "application/octet-stream"
    );
}
