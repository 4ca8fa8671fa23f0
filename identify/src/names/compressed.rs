//! Names of compressed files, which tell the type of what was compressed: `data.csv.gz`, `a.tgz`.

use super::extension;

/// One extension for two, as they are written: what was compressed, and how is not asked here.
const SHORT: &[(&str, &str)] = &[
    ("tgz", "tar"),
    ("taz", "tar"),
    ("tz", "tar"),
    ("tbz", "tar"),
    ("tbz2", "tar"),
    ("txz", "tar"),
    ("tlz", "tar"),
    ("tzst", "tar"),
    ("svgz", "svg"),
    ("emz", "emf"),
    ("wmz", "wmf"),
];

/// The type of what a compressed file of that name holds, if the name tells it.
pub(crate) fn inner_type(name: &str) -> Option<&'static str> {
    let (stem, last) = name.rsplit_once('.')?;
    let last = last.to_ascii_lowercase();
    match SHORT.iter().find(|(short, _)| *short == last) {
        Some((_, inner)) => extension::media_type(&format!("{stem}.{inner}")),
        None => extension::media_type(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_but_one_tells_what_was_compressed() {
        for (name, expected) in [
            ("data.csv.gz", Some("text/csv")),
            ("Data.JSON.BZ2", Some("application/json")),
            ("a.tar.xz", Some("application/x-tar")),
            ("a.TGZ", Some("application/x-tar")),
            ("a.svgz", Some("image/svg+xml")),
            ("a.gz", None),
            ("gz", None),
            ("", None),
        ] {
            assert_eq!(inner_type(name), expected, "{name}");
        }
    }
}
