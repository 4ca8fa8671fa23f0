//! Whether an Office package holds macros: by the places of their parts, or by their types.

use super::directory::Directory;
use super::markers::ends_with;
use crate::xml_tags::{attribute, tags};

/// How many extensions are looked for that stand for macros.
const MOST_EXTENSIONS: usize = 16;

/// Content types of the parts that hold macros, whatever the parts are called.
const MACROS: &[&str] = &[
    "application/vnd.ms-office.vbaproject",
    "application/vnd.ms-excel.macrosheet+xml",
    "application/vnd.ms-excel.intlmacrosheet+xml",
    "application/vnd.ms-excel.macrosheet",
    "application/vnd.ms-excel.intlmacrosheet",
];

/// Whether the package holds macros: where most writers put them, or where its types say.
pub(super) fn has_macros(directory: &Directory, types: &str) -> bool {
    let is_macro = |tag: &&str| {
        attribute(tag, "contenttype").is_some_and(|content_type| MACROS.contains(&content_type))
    };
    let sheets = "xl/macrosheets/";
    directory.any(|name| {
        ends_with(name, "vbaproject.bin")
            || name
                .get(..sheets.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(sheets))
    }) || tags(types, "override")
        .filter(is_macro)
        .filter_map(|tag| attribute(tag, "partname"))
        .any(|part| directory.has(part.trim_start_matches('/')))
        || tags(types, "default")
            .filter(is_macro)
            .filter_map(|tag| attribute(tag, "extension"))
            .take(MOST_EXTENSIONS)
            .any(|extension| directory.any(|name| ends_with(name, &format!(".{extension}"))))
}
