//! The type that a file name claims: by its last extension, or as a whole.

use super::{Row, code_extensions, document_extensions, picture_extensions};

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

/// What the name claims, if its extension is known.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let base = name
        .rsplit(['/', '\\'])
        .next()?
        .trim_end_matches([' ', '.'])
        .to_ascii_lowercase();
    if let Some((_, media_type)) = WHOLE_NAMES.iter().find(|(known, _)| *known == base) {
        return Some(media_type);
    }
    let (_, extension) = base.rsplit_once('.')?;
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|(_, extensions)| extensions.split(' ').any(|known| known == extension))
        .map(|(media_type, _)| *media_type)
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
