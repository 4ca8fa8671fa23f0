//! Archives for tests, written and read by Python: written by other software, and read by it.

use std::collections::BTreeMap;
use std::process::Command;

use bytes::Bytes;
use serde_json::Value;

/// Runs a program on the file `archive`; returns its output.
fn python(program: &str, archive: &std::path::Path) -> Vec<u8> {
    let told = Command::new("python3")
        .args(["-c", program])
        .arg(archive)
        .output()
        .expect("python3 runs");
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    told.stdout
}

/// An archive that a Python program writes; `zipfile` is imported, and the path is in `path`.
#[must_use]
pub fn made_by(program: &str) -> Bytes {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let program = format!(
        "import sys, zipfile, struct, warnings\nwarnings.simplefilter('ignore')\npath = sys.argv[1]\n{program}"
    );
    python(&program, file.path());
    std::fs::read(file.path())
        .expect("the program wrote it")
        .into()
}

/// An archive of these files.
#[must_use]
pub fn archive_of(files: &[(&str, &str)]) -> Bytes {
    let files = serde_json::to_string(files).expect("texts are JSON");
    made_by(&format!(
        "with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:\n  for name, text in {files}: z.writestr(name, text)"
    ))
}

/// The digest of the content of each entry.
#[must_use]
pub fn entries(archive: &Bytes) -> BTreeMap<String, String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), archive).expect("the file can be written");
    let told = python(
        "import sys, zipfile, hashlib, json
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps({name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}))",
        file.path(),
    );
    domain::read_json(&told).expect("it is JSON")
}

/// Asserts that `unzip` finds no error in the archive.
pub fn unzips(archive: &Bytes) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), archive).expect("the file can be written");
    let told = Command::new("unzip").arg("-tqq").arg(file.path()).output();
    let told = told.expect("`./test` installs unzip");
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "unzip: {text}");
}

/// The manifest of an archive.
#[must_use]
pub fn manifest(archive: &Bytes) -> Value {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), archive).expect("the file can be written");
    let told = python(
        "import sys, zipfile\nsys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('manifest.json'))",
        file.path(),
    );
    domain::read_json(&told).expect("it is JSON")
}
