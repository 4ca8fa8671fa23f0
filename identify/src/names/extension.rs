//! The type that a file name claims: by its last extension, or as a whole.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::row::Row;
use super::{aliases, code_extensions, document_extensions, picture_extensions, shared_extensions};

const TABLES: &[&[Row]] = &[
    document_extensions::DOCUMENTS,
    picture_extensions::IMAGE,
    document_extensions::MEDIA,
    document_extensions::ARCHIVES,
    code_extensions::PROGRAMS,
    code_extensions::SOURCE,
    code_extensions::DATA,
    code_extensions::FONTS,
];

/// Names that mean a type without an extension, in lower case.
const WHOLE_NAMES: &[(&str, &str)] = &[
    ("makefile", "text/x-makefile"),
    ("gnumakefile", "text/x-makefile"),
    ("dockerfile", "text/x-dockerfile"),
    ("containerfile", "text/x-dockerfile"),
    ("rakefile", "text/x-ruby"),
    ("gemfile", "text/x-ruby"),
    ("vagrantfile", "text/x-ruby"),
    ("jenkinsfile", "text/x-groovy"),
    ("cmakelists.txt", "text/plain"),
    ("readme", "text/plain"),
    ("license", "text/plain"),
    ("copying", "text/plain"),
    ("changelog", "text/plain"),
    ("authors", "text/plain"),
    (".bashrc", "text/x-shellscript"),
    (".bash_profile", "text/x-shellscript"),
    (".profile", "text/x-shellscript"),
    (".zshrc", "text/x-shellscript"),
    (".gitignore", "text/plain"),
    (".gitattributes", "text/plain"),
    (".editorconfig", "text/plain"),
    (".ds_store", "application/x-apple-dsstore"),
    ("cargo.lock", "application/toml"),
    ("pipfile", "application/toml"),
    ("poetry.lock", "application/toml"),
    ("thumbs.db", "application/x-ole-storage"),
    ("winmail.dat", "application/vnd.ms-tnef"),
];

/// The type of each extension.
static BY_EXTENSION: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let types = |(media_type, extensions): &'static Row| {
        extensions.split(' ').map(|known| (known, *media_type))
    };
    rows().flat_map(types).collect()
});

/// The types that an extension means.
static OF_EXTENSIONS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| rows().map(|(media_type, _)| *media_type).collect());

/// What the name claims, if its extension is known.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let base = base(name)?;
    if let Some((_, media_type)) = WHOLE_NAMES.iter().find(|(known, _)| *known == base) {
        return Some(media_type);
    }
    let (_, extension) = base.rsplit_once('.')?;
    BY_EXTENSION.get(extension).copied()
}

/// All that the name may claim: what it is taken for comes first.
pub(crate) fn claims(name: &str) -> Vec<&'static str> {
    let base = base(name).unwrap_or_default();
    let extension = base.rsplit_once('.').map_or("", |(_, extension)| extension);
    let others = shared_extensions::other_types(extension);
    media_type(name).into_iter().chain(others).collect()
}

/// Every extension that means a type, in lower case and without its dot.
pub fn known_extensions() -> impl Iterator<Item = &'static str> {
    rows().flat_map(|(_, extensions)| extensions.split(' '))
}

/// Whether the tables of names have a type, which is canonical: of a type with several names, the
/// table of aliases has all.
pub(crate) fn is_known(media_type: &str) -> bool {
    aliases::canonical_static(media_type).is_some() || OF_EXTENSIONS.contains(media_type)
}

/// The last segment as the tables have it.
fn base(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    Some(last.trim_end_matches([' ', '.']).to_ascii_lowercase())
}

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().flat_map(|table| table.iter())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_last_extension_counts_whatever_its_case() {
        assert_eq!(media_type("report.pdf"), Some("application/pdf"));
        assert_eq!(
            media_type("C:\\in\\Report.PDF.EXE"),
            Some("application/vnd.microsoft.portable-executable")
        );
        assert_eq!(media_type("report.pdf. "), Some("application/pdf"));
        assert_eq!(media_type("Makefile"), Some("text/x-makefile"));
        assert_eq!(media_type("pdf"), None);
        assert_eq!(media_type("report."), None);
        assert_eq!(media_type(""), None);
    }

    #[test]
    fn no_extension_means_two_types() {
        let mut seen = BTreeMap::new();
        for (media_type, extensions) in TABLES.iter().flat_map(|table| table.iter()) {
            for extension in extensions.split(' ') {
                let before = seen.insert(extension, media_type);
                assert!(
                    before.is_none(),
                    "{extension} means {before:?} and {media_type}"
                );
            }
        }
    }
}
