//! Detects folders that are identical or nested, following links and dot segments.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns whether `inner` is the folder `outer` or lies below it. Both must exist.
pub(super) fn lies_within(inner: &Path, outer: &Path) -> io::Result<bool> {
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let outer = identity(outer)?;
    for above in fs::canonicalize(inner)?.ancestors() {
        if identity(above)? == outer {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folders_are_told_apart_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("store/in")).unwrap();
        fs::create_dir_all(at("store2")).unwrap();
        symlink(at("store"), at("link")).unwrap();
        symlink(at("store/in"), at("store2/deep")).unwrap();
        for (inner, outer, expected) in [
            ("store", "store", true),
            ("store/in", "store", true),
            ("store", "store/in", false),
            ("store2", "store", false),
            ("link", "store", true),
            ("store", "link", true),
            ("link/in", "store", true),
            ("store2/../store/in", "link", true),
            ("store2/deep", "store", true),
            ("store2/deep", "store2", false),
        ] {
            let found = lies_within(&at(inner), &at(outer)).unwrap();
            assert_eq!(found, expected, "{inner} within {outer}");
        }
    }
}
