//! Which program a compound file belongs to, by its streams and, where those
//! say nothing, by the class of its root.

use std::io;

use super::directory::Directory;
use crate::finding::Finding;
use crate::numbers::{u16_le, u32_le};
use crate::window::Window;

const WORD: &str = "application/msword";
const EXCEL: &str = "application/vnd.ms-excel";
const POWERPOINT: &str = "application/vnd.ms-powerpoint";
const INSTALLER: &str = "application/x-msi";
const PROJECT: &str = "application/vnd.ms-project";
const WORKS: &str = "application/vnd.ms-works";
const UNKNOWN: &str = "application/x-ole-storage";

/// What a name may call a file whose directory is missing.
const ANY: &[&str] = &[
    WORD,
    EXCEL,
    POWERPOINT,
    "application/vnd.ms-outlook",
    "application/vnd.visio",
    "application/vnd.ms-publisher",
    PROJECT,
    WORKS,
    INSTALLER,
    "application/x-hwp",
    "application/x-quattro-pro",
    "application/sldworks",
    "application/vnd.autodesk.inventor",
    "image/vnd.fpx",
    "application/vnd.stardivision.writer",
    "application/vnd.stardivision.calc",
    "application/vnd.stardivision.draw",
    "application/vnd.stardivision.impress",
];

/// Telling streams and storages, the most telling first: a document that
/// embeds another lists the other's streams too, so containers come early.
const STREAMS: &[(&str, &str)] = &[
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("__nameid_version1.0", "application/vnd.ms-outlook"),
    ("VisioDocument", "application/vnd.visio"),
    ("Quill", "application/vnd.ms-publisher"),
    ("PowerPoint Document", POWERPOINT),
    ("PP40", POWERPOINT),
    ("PP97_DUALSTORAGE", POWERPOINT),
    ("StarWriterDocument", "application/vnd.stardivision.writer"),
    ("StarCalcDocument", "application/vnd.stardivision.calc"),
    ("StarDrawDocument", "application/vnd.stardivision.draw"),
    ("StarDrawDocument3", "application/vnd.stardivision.draw"),
    (
        "StarImpressDocument",
        "application/vnd.stardivision.impress",
    ),
    ("StarMathDocument", "application/vnd.stardivision.math"),
    ("StarChartDocument", "application/vnd.stardivision.chart"),
    ("WordDocument", WORD),
    ("WksSSWorkBook", WORKS),
    ("MatOST", WORKS),
    ("Workbook", EXCEL),
    ("Book", EXCEL),
    ("NativeContent_MAIN", "application/x-quattro-pro"),
    ("PerfectOffice_MAIN", "application/vnd.wordperfect"),
    ("SwDocContentMgr", "application/sldworks"),
    ("SwDocMgrTempStorage", "application/sldworks"),
    ("ClassDirectory3", "application/x-3ds-max"),
    ("Image Contents", "image/vnd.fpx"),
    ("Props9", PROJECT),
    ("Props12", PROJECT),
    ("Props14", PROJECT),
    ("RSeStorageInfo", "application/vnd.autodesk.inventor"),
    ("RSeDb", "application/vnd.autodesk.inventor"),
];

/// Classes of the root, as their first four bytes read in the file.
const CLASSES: &[(u32, u16, &str)] = &[
    (0x000c_1084, 0, INSTALLER),
    (0x000c_1082, 0, INSTALLER),
    (0x000c_1086, 0, INSTALLER),
    (0x0002_0900, 0, WORD),
    (0x0002_0906, 0, WORD),
    (0x0002_0810, 0, EXCEL),
    (0x0002_0820, 0, EXCEL),
    (0x6481_8d10, 0x4f9b, POWERPOINT),
    (0xea7b_ae70, 0xfb3b, POWERPOINT),
    (0x0002_1201, 0, "application/vnd.ms-publisher"),
    (0x0002_1a14, 0, "application/vnd.visio"),
    (0x0002_1a13, 0, "application/vnd.visio"),
    (0x74b7_8f3a, 0xc8c8, PROJECT),
    (0x2857_3e72, 0, WORKS),
    (0xb25a_a40e, 0, "application/vnd.wordperfect"),
    (0x5661_6700, 0xc154, "image/vnd.fpx"),
];

/// What the compound file is.
pub(crate) fn judge(window: &mut Window) -> io::Result<Finding> {
    let Some(directory) = Directory::read(window)? else {
        return Ok(Finding::guess(UNKNOWN));
    };
    if directory.has("EncryptedPackage")
        && (directory.has("EncryptionInfo") || directory.any_begins("\u{6}DataSpaces"))
    {
        return Ok(Finding::certain("application/x-tika-ooxml-protected").encrypted_if(true));
    }
    if directory.has("FileHeader")
        && ["BodyText", "DocInfo", "\u{5}HwpSummaryInformation"]
            .iter()
            .any(|name| directory.has(name))
    {
        return Ok(Finding::certain("application/x-hwp"));
    }
    let by_class = directory.root_class().and_then(class);
    let Some(media_type) = by_stream(&directory, by_class) else {
        return Ok(cut_short(window, &directory));
    };
    let active = media_type == INSTALLER || has_macros(&directory);
    let encrypted = is_encrypted(window, &directory, media_type)?;
    Ok(Finding::certain(media_type)
        .active_if(active)
        .encrypted_if(encrypted))
}

fn by_stream(directory: &Directory, by_class: Option<&'static str>) -> Option<&'static str> {
    // An installer's tables have names in a private, packed alphabet.
    let packed = directory
        .entries
        .iter()
        .filter(|entry| entry.name.starts_with('\u{4840}'))
        .count();
    if by_class == Some(INSTALLER) || packed >= 3 {
        return Some(INSTALLER);
    }
    if directory.any(|name| name.trim_start() == "114") && directory.any_begins("Props") {
        return Some(PROJECT);
    }
    if directory.any_begins("Dgn~") {
        return Some("image/vnd.dgn");
    }
    if directory.has("NativeContent_MAIN") && directory.has("PerfectOffice_MAIN") {
        return Some("application/x-quattro-pro");
    }
    let streams = STREAMS
        .iter()
        .filter(|(stream, _)| directory.has(stream))
        .map(|(_, media_type)| *media_type);
    // The root's own class outweighs what embedded objects bring along.
    match by_class {
        Some(class) if streams.clone().any(|media_type| media_type == class) => Some(class),
        _ => streams.into_iter().next().or(by_class),
    }
}

fn class(bytes: &[u8; 16]) -> Option<&'static str> {
    let (first, second) = (u32_le(bytes, 0)?, u16_le(bytes, 4)?);
    CLASSES
        .iter()
        .find(|(known, also, _)| *known == first && (*also == second || *also == 0))
        .map(|(_, _, media_type)| *media_type)
}

/// A directory that lies beyond the end still leaves stream names and class
/// names in the bytes that are there.
fn cut_short(window: &Window, directory: &Directory) -> Finding {
    let head = window.head();
    let wide = |name: &str| -> Vec<u8> { name.bytes().flat_map(|byte| [byte, 0]).collect() };
    if directory.entries.is_empty() {
        for (stream, media_type) in STREAMS.iter().filter(|(stream, _)| stream.len() > 7) {
            if crate::numbers::contains(head, &wide(stream)) {
                return Finding::likely(media_type);
            }
        }
        let class_names: [(&[u8], &str); 4] = [
            (b"Word.Document.", WORD),
            (b"MSWordDoc", WORD),
            (b"Excel.Sheet.", EXCEL),
            (b"PowerPoint.Show.", POWERPOINT),
        ];
        if let Some((_, media_type)) = class_names
            .iter()
            .find(|(name, _)| crate::numbers::contains(head, name))
        {
            return Finding::guess(media_type);
        }
        // The first sector is most often the main stream's beginning.
        match head.get(512..516) {
            Some([0xec, 0xa5, _, _]) => return Finding::likely(WORD),
            Some([0x09, 0x08, _, 0x00]) => return Finding::likely(EXCEL),
            _ => return Finding::certain(UNKNOWN).or_by_name(ANY),
        }
    }
    Finding::certain(UNKNOWN)
}

fn has_macros(directory: &Directory) -> bool {
    ["_VBA_PROJECT_CUR", "_VBA_PROJECT", "VBA", "Macros"]
        .iter()
        .any(|name| directory.has(name))
}

fn is_encrypted(window: &mut Window, directory: &Directory, media_type: &str) -> io::Result<bool> {
    match media_type {
        WORD => {
            let header = directory.beginning(window, "WordDocument")?;
            Ok(u16_le(&header, 10).is_some_and(|flags| flags & 0x0100 != 0))
        }
        EXCEL => {
            let name = if directory.has("Workbook") {
                "Workbook"
            } else {
                "Book"
            };
            Ok(has_password_record(&directory.beginning(window, name)?))
        }
        POWERPOINT => Ok(directory.has("EncryptedSummary")),
        _ => Ok(false),
    }
}

/// Whether a FILEPASS record is among the first records of a workbook.
fn has_password_record(stream: &[u8]) -> bool {
    let mut at = 0;
    for _ in 0..16 {
        let (Some(kind), Some(length)) = (u16_le(stream, at), u16_le(stream, at + 2)) else {
            return false;
        };
        if kind == 0x002f {
            return true;
        }
        at += 4 + usize::from(length);
    }
    false
}
