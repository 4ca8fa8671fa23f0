//! Small files made by code: ZIP packages, compound files, and the short way
//! to ask what something is.

use identify::Identification;

/// What `bytes` are under `name`.
pub fn named(bytes: &[u8], name: &str) -> Identification {
    let mut source = bytes;
    identify::identify(&mut source, Some(name)).expect("a slice can always be read")
}

/// What `bytes` are without a name.
pub fn nameless(bytes: &[u8]) -> Identification {
    let mut source = bytes;
    identify::identify(&mut source, None).expect("a slice can always be read")
}

/// The type of `bytes` without a name.
pub fn type_of(bytes: &[u8]) -> &'static str {
    nameless(bytes).media_type
}

/// A ZIP of stored entries, in the order given. Checksums are left zero.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_flagged(entries, 0)
}

/// A ZIP whose entries carry these general purpose flags.
pub fn zip_flagged(entries: &[(&str, &[u8])], flags: u16) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let offset = size(archive.len());
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend(flags.to_le_bytes());
        common.extend([0; 10]);
        common.extend(size(content.len()).to_le_bytes());
        common.extend(size(content.len()).to_le_bytes());
        common.extend(
            u16::try_from(name.len())
                .expect("names are short")
                .to_le_bytes(),
        );
        common.extend(0_u16.to_le_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(*content);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (count, start, length) = (
        u16::try_from(entries.len()).expect("few entries"),
        size(archive.len()),
        size(directory.len()),
    );
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("fixtures are small")
}

/// The content types and relationships of a package with one main part.
pub fn open_package(main_part: &str, content_type: &str, relation: &str) -> (String, String) {
    let types = format!(
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/{main_part}" ContentType="{content_type}"/></Types>"#
    );
    let relations = format!(
        r#"<?xml version="1.0"?><Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/{relation}" Target="{main_part}"/></Relationships>"#
    );
    (types, relations)
}

/// A compound file with these streams in its root, and the root's class.
pub fn compound(streams: &[&str], class: [u8; 16]) -> Vec<u8> {
    let mut directory = Vec::new();
    directory.extend(record("Root Entry", 5, class));
    for stream in streams {
        directory.extend(record(stream, 2, [0; 16]));
    }
    directory.resize(directory.len().next_multiple_of(512), 0);
    let sectors = size(directory.len() / 512);
    let mut file = vec![0_u8; 512];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    file[26] = 3;
    file[30] = 9;
    file[32] = 6;
    file[44] = 1;
    file[48..52].copy_from_slice(&1_u32.to_le_bytes());
    file[76..80].copy_from_slice(&0_u32.to_le_bytes());
    let mut table = vec![0xff_u8; 512];
    for sector in 1..=sectors {
        let next = if sector == sectors {
            0xffff_fffe
        } else {
            sector + 1
        };
        let at = sector as usize * 4;
        table[at..at + 4].copy_from_slice(&next.to_le_bytes());
    }
    file.extend(table);
    file.extend(directory);
    file
}

fn record(name: &str, kind: u8, class: [u8; 16]) -> [u8; 128] {
    let mut record = [0_u8; 128];
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    record[..units.len()].copy_from_slice(&units);
    record[64] = u8::try_from(units.len() + 2).expect("names are short");
    record[66] = kind;
    record[80..96].copy_from_slice(&class);
    record
}
