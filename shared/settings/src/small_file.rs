//! Reads small files named by settings, such as keys and certificates, within a size limit. Refuses
//! devices and pipes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The size limit in bytes.
const LONGEST: u64 = 1 << 20;

/// Returns the bytes of the regular file at `path`; follows links.
pub fn read_small_file(path: &Path) -> io::Result<Vec<u8>> {
    let refused = |reason| Err(io::Error::new(ErrorKind::InvalidInput, reason));
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return refused("it is not a regular file");
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return refused("it has more than 1 MiB");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_not_read() {
        for (path, reason) in [
            ("/dev/zero", "it is not a regular file"),
            ("/dev/null", "it is not a regular file"),
            ("/", "it is not a regular file"),
        ] {
            let error = read_small_file(Path::new(path)).unwrap_err();
            assert_eq!(error.to_string(), reason, "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let missing = read_small_file(&path).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        fs::write(&path, vec![0; 1 << 20]).unwrap();
        assert_eq!(read_small_file(&path).unwrap().len(), 1 << 20);
        fs::write(&path, vec![0; (1 << 20) + 1]).unwrap();
        assert!(read_small_file(&path).is_err());
    }
}
