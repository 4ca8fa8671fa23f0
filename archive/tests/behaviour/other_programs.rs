//! What others say of our archives, and we of theirs. Python is among what the tests need;
//! `unzip` and 7-Zip are asked where they are there, and `./test` installs them.

use std::fs::File;
use std::io::{Cursor, Read as _, Seek, Write};
use std::path::Path;
use std::process::Command;

use archive::{EntryHeader, Method, Writer};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipReadOptions, ZipWriter};

use crate::fixtures::{bytes_of, contents, header};

/// Tests the archive and says which entries it has.
const PYTHON: &str = "import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(len(archive.namelist()), sum(entry.file_size for entry in archive.infolist()))
print('\\n'.join(archive.namelist()[:3]))";

/// What Python makes of the archive; it must be content with it.
pub fn python(archive: &Path) -> String {
    let told = Command::new("python3")
        .args(["-c", PYTHON])
        .arg(archive)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "python: {errors}");
    String::from_utf8(told.stdout).unwrap()
}

/// The other programs must be content with it as well.
pub fn others(archive: &Path) {
    let seven_zip = ["t", "-bd"].as_slice();
    for (program, arguments) in [
        ("unzip", ["-tqq"].as_slice()),
        ("7z", seven_zip),
        ("7zz", seven_zip),
    ] {
        match Command::new(program).args(arguments).arg(archive).output() {
            Ok(told) => {
                let text = String::from_utf8_lossy(&told.stdout);
                assert!(told.status.success(), "{program}: {text}");
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{program}"),
        }
    }
}

#[test]
fn other_programs_read_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.zip");
    let mut file = File::create(&path).unwrap();
    let mut writer = Writer::new();
    let text = b"words, words, words ".repeat(50_000);
    file.write_all(&writer.whole(&header("straße/grün.txt", &text), &text))
        .unwrap();
    // Cut off, and left out of the directory.
    let (mut open, out) = writer.begin(&header("abandoned", &text));
    file.write_all(&out).unwrap();
    file.write_all(&writer.write(&mut open, &text)).unwrap();
    writer.abandon(open);
    for method in [Method::Stored, Method::Deflated] {
        let name = format!("{method:?}.bin");
        let header = EntryHeader {
            method,
            ..header(&name, &text)
        };
        let (mut open, out) = writer.begin(&header);
        file.write_all(&out).unwrap();
        for chunk in text.chunks(70_000) {
            file.write_all(&writer.write(&mut open, chunk)).unwrap();
        }
        file.write_all(&writer.end(open).unwrap()).unwrap();
    }
    file.write_all(&writer.finish()).unwrap();
    drop(file);
    assert_eq!(
        python(&path),
        "3 3000000\nstraße/grün.txt\nStored.bin\nDeflated.bin\n"
    );
    others(&path);

    let mut archive = ZipArchive::new(File::open(&path).unwrap()).unwrap();
    assert_eq!(archive.len(), 3);
    for index in 0..archive.len() {
        let strictly = ZipReadOptions::new().enforce_header_consistency(true);
        let mut content = Vec::new();
        let mut entry = archive.by_index_with_options(index, strictly).unwrap();
        entry.read_to_end(&mut content).unwrap();
        assert!(content == text);
    }
}

/// Two entries, written by the crate `zip`.
fn by_zip<W: Write + Seek>(mut writer: ZipWriter<W>, text: &[u8]) -> W {
    let entries = [
        ("grün.txt", CompressionMethod::Stored, false),
        ("folder/large.txt", CompressionMethod::Deflated, true),
    ];
    for (name, method, is_large) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(is_large);
        writer.start_file(name, options).unwrap();
        writer.write_all(text).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_the_crate_zip_writes_is_read() {
    let lines: Vec<_> = (0..5000).map(|number| format!("line {number}\n")).collect();
    let text = lines.concat();
    let text = text.as_bytes();
    let streamed = by_zip(ZipWriter::new_stream(Vec::new()), text).into_inner();
    let patched = by_zip(ZipWriter::new(Cursor::new(Vec::new())), text).into_inner();
    for archive in [streamed, patched] {
        let found = contents(&archive).unwrap();
        let names: Vec<_> = found
            .entries
            .iter()
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(names, ["grün.txt", "folder/large.txt"]);
        for entry in &found.entries {
            assert_eq!(entry.problem, None);
            assert!(bytes_of(&archive, entry).unwrap() == text);
        }
    }
}
