//! Archives for tests, made and read by Python: what others write, and what others read.

use std::collections::BTreeMap;
use std::process::Command;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;
use tests::app::Client;

/// Runs a program on the file `archive`; gives what it prints.
fn python(program: &str, archive: &std::path::Path) -> Vec<u8> {
    let told = Command::new("python3")
        .args(["-c", program])
        .arg(archive)
        .output()
        .unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    told.stdout
}

/// An archive that a program writes; it finds `zipfile` imported and the path in `path`.
pub fn made_by(program: &str) -> Bytes {
    let file = tempfile::NamedTempFile::new().unwrap();
    let program = format!(
        "import sys, zipfile, struct, warnings\nwarnings.simplefilter('ignore')\npath = sys.argv[1]\n{program}"
    );
    python(&program, file.path());
    std::fs::read(file.path()).unwrap().into()
}

/// An archive of these files.
pub fn archive_of(files: &[(&str, &str)]) -> Bytes {
    let files = serde_json::to_string(files).unwrap();
    made_by(&format!(
        "with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:\n  for name, text in {files}: z.writestr(name, text)"
    ))
}

/// The digest of the content of each entry.
pub fn entries(archive: &Bytes) -> BTreeMap<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive).unwrap();
    let told = python(
        "import sys, zipfile, hashlib, json
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps({name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}))",
        file.path(),
    );
    domain::read_json(&told).unwrap()
}

/// `unzip` finds nothing wrong with the archive.
pub fn unzips(archive: &Bytes) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive).unwrap();
    let told = Command::new("unzip").arg("-tqq").arg(file.path()).output();
    let told = told.expect("`./test` installs unzip");
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "unzip: {text}");
}

/// The manifest of an archive.
pub fn manifest(archive: &Bytes) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive).unwrap();
    let told = python(
        "import sys, zipfile\nsys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('manifest.json'))",
        file.path(),
    );
    domain::read_json(&told).unwrap()
}

/// Asks for an operation and waits for its end.
pub async fn operation(client: &Client, body: &Value) -> Value {
    let asked = client.post_json("/v1/operations", body).await;
    ended(client, &asked.expect_status(202).await).await
}

/// Imports an archive and waits for the end.
pub async fn import(client: &Client, archive: impl Into<Bytes>, query: &str) -> Value {
    let asked = begun_import(client, archive, query).await;
    ended(client, &asked).await
}

/// Imports an archive.
pub async fn begun_import(client: &Client, archive: impl Into<Bytes>, query: &str) -> Value {
    let request = client
        .request(Method::POST, &format!("/v1/operations/import{query}"))
        .header("content-type", "application/zip")
        .body(archive.into());
    client.send(request).await.expecting(202)
}

/// Waits for the end of an operation.
pub async fn ended(client: &Client, operation: &Value) -> Value {
    let path = format!(
        "/v1/operations/{}?wait=60",
        operation["id"].as_str().unwrap()
    );
    loop {
        let operation = client.get(&path).await.expecting(200);
        if operation["finished_at"].is_string() {
            return operation;
        }
    }
}

/// The items of an operation: name, result, code.
pub async fn items(client: &Client, operation: &Value) -> Vec<(String, String, String)> {
    let path = format!(
        "/v1/operations/{}/items?limit=200",
        operation["id"].as_str().unwrap()
    );
    let page = client.get(&path).await.expecting(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            (
                text(&item["name"]),
                text(&item["result"]),
                text(&item["code"]),
            )
        })
        .collect()
}

/// Where the archive of an export is.
pub fn result_path(operation: &Value) -> String {
    format!(
        "/v1/operations/{}/result",
        operation["id"].as_str().unwrap()
    )
}

/// An upload that is through the pipeline.
pub async fn active(client: &Client, name: &str, bytes: impl Into<Bytes>) -> Value {
    let pending = client.uploads(name, bytes).await;
    let document = client.settled(&pending).await;
    assert_eq!(document["status"], "active", "{document}");
    document
}
