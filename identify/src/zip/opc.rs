//! Open Packaging (OOXML, Visio, XPS, 3MF): the package relationships name
//! the main part, the content types say what it is. Both must agree, so that
//! an entry with a telling name alone decides nothing.

use std::io;

use super::directory::Directory;
use super::macros::has_macros;
use crate::finding::Finding;
use crate::window::Window;
use crate::xml_tags::{attribute, tags};

/// Content type of the main part, the plain media type, the macro-enabled one.
const MAIN_PARTS: &[(&str, &str, &str)] = &[
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        DOCX,
        DOCM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        DOTX,
        DOTM,
    ),
    (
        "application/vnd.ms-word.document.macroenabled.main+xml",
        DOCM,
        DOCM,
    ),
    (
        "application/vnd.ms-word.template.macroenabledtemplate.main+xml",
        DOTM,
        DOTM,
    ),
    (
        "application/vnd.ms-word.template.macroenabled.main+xml",
        DOTM,
        DOTM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        XLSX,
        XLSM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
        XLTX,
        XLTM,
    ),
    (
        "application/vnd.ms-excel.sheet.macroenabled.main+xml",
        XLSM,
        XLSM,
    ),
    (
        "application/vnd.ms-excel.template.macroenabled.main+xml",
        XLTM,
        XLTM,
    ),
    (
        "application/vnd.ms-excel.addin.macroenabled.main+xml",
        XLAM,
        XLAM,
    ),
    (
        "application/vnd.ms-excel.sheet.binary.macroenabled.main",
        XLSB,
        XLSB,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
        PPTX,
        PPTM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
        PPSX,
        PPSM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.template.main+xml",
        POTX,
        POTM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.slide+xml",
        SLDX,
        SLDM,
    ),
    (
        "application/vnd.ms-powerpoint.presentation.macroenabled.main+xml",
        PPTM,
        PPTM,
    ),
    (
        "application/vnd.ms-powerpoint.slideshow.macroenabled.main+xml",
        PPSM,
        PPSM,
    ),
    (
        "application/vnd.ms-powerpoint.template.macroenabled.main+xml",
        POTM,
        POTM,
    ),
    (
        "application/vnd.ms-powerpoint.addin.macroenabled.main+xml",
        PPAM,
        PPAM,
    ),
    (
        "application/vnd.ms-powerpoint.slide.macroenabled+xml",
        SLDM,
        SLDM,
    ),
    (
        "application/vnd.openxmlformats-officedocument.theme+xml",
        THMX,
        THMX,
    ),
    (
        "application/vnd.openxmlformats-officedocument.thememanager+xml",
        THMX,
        THMX,
    ),
    ("application/vnd.ms-visio.drawing.main+xml", VSDX, VSDM),
    ("application/vnd.ms-visio.stencil.main+xml", VSSX, VSSM),
    ("application/vnd.ms-visio.template.main+xml", VSTX, VSTM),
    (
        "application/vnd.ms-visio.drawing.macroenabled.main+xml",
        VSDM,
        VSDM,
    ),
    (
        "application/vnd.ms-visio.stencil.macroenabled.main+xml",
        VSSM,
        VSSM,
    ),
    (
        "application/vnd.ms-visio.template.macroenabled.main+xml",
        VSTM,
        VSTM,
    ),
    (
        "application/vnd.ms-package.xps-fixeddocumentsequence+xml",
        XPS,
        XPS,
    ),
    ("application/oxps", XPS, XPS),
    (
        "application/vnd.ms-package.3dmanufacturing-3dmodel+xml",
        THREE_MF,
        THREE_MF,
    ),
    (
        "application/vnd.adobe.dwfx",
        "model/vnd.dwfx+xps",
        "model/vnd.dwfx+xps",
    ),
];

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const DOTX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.template";
const DOCM: &str = "application/vnd.ms-word.document.macroenabled.12";
const DOTM: &str = "application/vnd.ms-word.template.macroenabled.12";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const XLTX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.template";
const XLSM: &str = "application/vnd.ms-excel.sheet.macroenabled.12";
const XLTM: &str = "application/vnd.ms-excel.template.macroenabled.12";
const XLAM: &str = "application/vnd.ms-excel.addin.macroenabled.12";
const XLSB: &str = "application/vnd.ms-excel.sheet.binary.macroenabled.12";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const PPSX: &str = "application/vnd.openxmlformats-officedocument.presentationml.slideshow";
const POTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.template";
const SLDX: &str = "application/vnd.openxmlformats-officedocument.presentationml.slide";
const PPTM: &str = "application/vnd.ms-powerpoint.presentation.macroenabled.12";
const PPSM: &str = "application/vnd.ms-powerpoint.slideshow.macroenabled.12";
const POTM: &str = "application/vnd.ms-powerpoint.template.macroenabled.12";
const PPAM: &str = "application/vnd.ms-powerpoint.addin.macroenabled.12";
const SLDM: &str = "application/vnd.ms-powerpoint.slide.macroenabled.12";
const THMX: &str = "application/vnd.ms-officetheme";
const VSDX: &str = "application/vnd.ms-visio.drawing.main+xml";
const VSSX: &str = "application/vnd.ms-visio.stencil.main+xml";
const VSTX: &str = "application/vnd.ms-visio.template.main+xml";
const VSDM: &str = "application/vnd.ms-visio.drawing.macroenabled.main+xml";
const VSSM: &str = "application/vnd.ms-visio.stencil.macroenabled.main+xml";
const VSTM: &str = "application/vnd.ms-visio.template.macroenabled.main+xml";
const XPS: &str = "application/vnd.ms-xpsdocument";
const THREE_MF: &str = "model/3mf";

/// What the relationship to a package's main part ends in.
const MAIN_RELATIONS: &[&str] = &[
    "/officedocument",
    "/visio/2010/relationships/document",
    "/fixedrepresentation",
    "/3dmodel",
    "/documentsequence",
];

/// Main parts where most writers put them, for packages without relationships.
const USUAL_MAIN_PARTS: &[(&str, &str)] = &[
    ("word/document.xml", DOCX),
    ("xl/workbook.xml", XLSX),
    ("xl/workbook.bin", XLSB),
    ("ppt/presentation.xml", PPTX),
    ("visio/document.xml", VSDX),
    ("3d/3dmodel.model", THREE_MF),
];

/// What the package is, if its content types and main part say so.
pub(super) fn judge(window: &mut Window, directory: &Directory) -> io::Result<Option<Finding>> {
    let types = read_xml(window, directory, "[Content_Types].xml")?;
    let relations = read_xml(window, directory, "_rels/.rels")?;
    let has_macros = has_macros(directory, &types);
    let main = main_target(&relations)
        .filter(|target| directory.has(target))
        .and_then(|target| type_of_part(&types, &target))
        .and_then(|content_type| media_type(&content_type));
    let found = main.or_else(|| {
        if types.is_empty() {
            return None;
        }
        // A theme is a part of most packages, and the whole of few.
        let parts = || {
            tags(&types, "override")
                .filter(|tag| {
                    attribute(tag, "partname").is_some_and(|part| {
                        directory.is_cut || directory.has(part.trim_start_matches('/'))
                    })
                })
                .filter_map(|tag| attribute(tag, "contenttype"))
                .filter_map(media_type)
        };
        // Of a package that is cut the part that tells may be what is missing.
        parts()
            .find(|(plain, _)| *plain != THMX)
            .or_else(|| parts().next().filter(|_| !directory.is_cut))
    });
    let found = found.or_else(|| {
        let (_, plain) = USUAL_MAIN_PARTS
            .iter()
            .find(|(part, _)| directory.has(part))?;
        // Without readable content types a usual part alone is a decoy; with
        // relationships or types that can't be inflated it is the best there is.
        let described = directory.has("[Content_Types].xml")
            && (relations.is_empty() || main_target(&relations).is_some());
        described.then_some((
            *plain,
            MAIN_PARTS.iter().find(|(_, known, _)| known == plain)?.2,
        ))
    });
    let Some((plain, macro_enabled)) = found else {
        return Ok(None);
    };
    let media_type = if has_macros { macro_enabled } else { plain };
    Ok(Some(Finding::certain(media_type).active_if(has_macros)))
}

/// Folders of the parts of one application, which has no other.
const FOLDERS: &[(&str, &str)] = &[
    ("word/", DOCX),
    ("xl/", XLSX),
    ("ppt/", PPTX),
    ("visio/", VSDX),
];

/// What a package is that was cut before its parts are described.
pub(super) fn judge_cut(directory: &Directory) -> Option<Finding> {
    let is_package = [
        "[Content_Types].xml",
        "_rels/.rels",
        "docProps/app.xml",
        "docProps/core.xml",
    ]
    .iter()
    .any(|part| directory.has(part))
        || directory.any(|name| name.starts_with("docProps/thumbnail."));
    let has_macros = directory.any(|name| name.to_ascii_lowercase().contains("vbaproject"));
    let (_, plain) = FOLDERS
        .iter()
        .find(|(folder, _)| directory.any(|name| is_part_in(folder, name)))?;
    let (_, _, macro_enabled) = MAIN_PARTS.iter().find(|(_, known, _)| known == plain)?;
    let media_type = if has_macros { macro_enabled } else { plain };
    is_package.then(|| Finding::likely(media_type).active_if(has_macros))
}

/// Whether an entry of the folder can be a part: XML, relationships, binary parts or media.
fn is_part_in(folder: &str, name: &str) -> bool {
    let endings = [".xml", ".rels", ".bin", ".vml"];
    name.strip_prefix(folder).is_some_and(|rest| {
        endings.iter().any(|ending| rest.ends_with(ending))
            || ["media/", "embeddings/", "fonts/"]
                .iter()
                .any(|start| rest.starts_with(start))
    })
}

fn media_type(content_type: &str) -> Option<(&'static str, &'static str)> {
    MAIN_PARTS
        .iter()
        .find(|(known, _, _)| *known == content_type)
        .map(|(_, plain, macro_enabled)| (*plain, *macro_enabled))
}

/// An entry as lower-case text: these parts are matched without regard to case.
fn read_xml(window: &mut Window, directory: &Directory, name: &str) -> io::Result<String> {
    let bytes = directory.content(window, name)?;
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Ok(text.to_ascii_lowercase())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    char::decode_utf16(bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)))
        .map(|character| character.unwrap_or('\u{fffd}'))
        .collect()
}

fn main_target(relations: &str) -> Option<String> {
    let tag = tags(relations, "relationship").find(|tag| {
        attribute(tag, "type")
            .is_some_and(|kind| MAIN_RELATIONS.iter().any(|ending| kind.ends_with(ending)))
    })?;
    let target = attribute(tag, "target")?
        .trim_start_matches('/')
        .trim_start_matches("./");
    Some(target.to_owned())
}

fn type_of_part(types: &str, part: &str) -> Option<String> {
    let exact = tags(types, "override")
        .filter(|tag| {
            attribute(tag, "partname").is_some_and(|name| name.trim_start_matches('/') == part)
        })
        .find_map(|tag| attribute(tag, "contenttype"));
    let by_extension = || {
        let extension = part.rsplit('.').next()?;
        tags(types, "default")
            .filter(|tag| attribute(tag, "extension") == Some(extension))
            .find_map(|tag| attribute(tag, "contenttype"))
    };
    exact.or_else(by_extension).map(str::to_owned)
}
