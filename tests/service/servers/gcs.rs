//! Storage in a server with the interface of Google Cloud Storage: the suite that every adapter
//! must pass, and what goes wrong there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use storage::contract::{Unfinished, check_contract};
use storage::{Environment, Presented, Storage, StorageError, StorageUrl};
use tests::objects::old_key;
use tests::servers::FakeGcs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn connect(url: &str, variables: &[(&str, String)]) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().expect("a storage URL");
    let environment = Environment::only(variables.iter().cloned());
    let connected = url.connect_in(&environment).await;
    connected.expect("a client, which sends nothing yet")
}

#[tokio::test]
async fn gcs_keeps_the_contract() {
    let gcs = FakeGcs::shared().await;
    let one = connect(&gcs.fresh_storage_url().await, &[]).await;
    let other = connect(&gcs.fresh_storage_url().await, &[]).await;
    check_contract(one, other, Unfinished::GrowingListed).await;
}

#[tokio::test]
async fn the_emulator_of_the_environment_is_obeyed() {
    let gcs = FakeGcs::shared().await;
    let url = gcs.fresh_storage_url().await;
    let (url, _) = url.split_once('?').unwrap();
    for host in [gcs.endpoint(), gcs.endpoint().replace("http://", "")] {
        let storage = connect(url, &[("STORAGE_EMULATOR_HOST", host)]).await;
        storage.check().await.unwrap();
    }
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_told() {
    let gcs = FakeGcs::shared().await;
    let url = format!("gs://no-such-bucket?endpoint={}", gcs.endpoint());
    let storage = connect(&url, &[]).await;
    let error = storage.check().await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn credentials_that_can_not_be_used_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.json");
    for content in ["{}", r#"{"type":"external_account"}"#, "no JSON"] {
        std::fs::write(&file, content).unwrap();
        let name = file.display().to_string();
        let environment = Environment::only([("GOOGLE_APPLICATION_CREDENTIALS", &name)]);
        let url: StorageUrl = "gs://bucket".parse().unwrap();
        let StorageError::Unavailable { source, .. } =
            url.connect_in(&environment).await.map(drop).unwrap_err()
        else {
            panic!("{content}");
        };
        assert!(source.to_string().contains(&name), "{source}");
    }
}

/// Answers every request with a token, and keeps the last form.
async fn token_server() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<String>>::default();
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut chunk = vec![0; 16 << 10];
                let length = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..length]);
            }
            let text = String::from_utf8(request).unwrap();
            text.rsplit("\r\n")
                .next()
                .unwrap()
                .clone_into(&mut kept.lock().unwrap());
            let body = r#"{"access_token":"a-token","expires_in":3600,"token_type":"Bearer"}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .await
                .unwrap();
        }
    });
    (url, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("content-length: ").nth(1).unwrap_or_default();
    let length = length.lines().next().unwrap_or_default().trim();
    length.parse() == Ok(body.len())
}

/// Writes the file of a service account with a new RSA key; its public half is `public.pem`. Returns
/// its path.
pub(super) fn account_file(folder: &std::path::Path, tokens: &str) -> String {
    let openssl = |arguments: &[&str]| {
        let mut command = std::process::Command::new("openssl");
        let output = command
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let bits = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    openssl(&[&["genpkey"][..], &bits, &["-out", "key.pem"]].concat());
    openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
    let private = std::fs::read_to_string(folder.join("key.pem")).unwrap();
    let account = json!({
        "type": "service_account", "client_email": "dossier@tests", "private_key": private,
        "private_key_id": "the-key", "token_uri": tokens,
    });
    let file = folder.join("account.json");
    std::fs::write(&file, account.to_string()).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn a_service_account_signs_for_its_tokens_and_its_urls() {
    let gcs = FakeGcs::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let (tokens, asked) = token_server().await;
    let name = account_file(folder.path(), &tokens);
    let public = std::fs::read_to_string(folder.path().join("public.pem")).unwrap();
    let variables = [("GOOGLE_APPLICATION_CREDENTIALS", name)];
    let storage = connect(&gcs.fresh_storage_url().await, &variables).await;
    let url = tests::objects::puts(&*storage, &old_key(), "a few words").await;

    let form = asked.lock().unwrap().clone();
    let (_, assertion) = form.split_once("assertion=").unwrap();
    let key = DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[&tokens]);
    let decoded = jsonwebtoken::decode::<Value>(assertion, &key, &validation).unwrap();
    assert_eq!(decoded.header.kid.as_deref(), Some("the-key"));
    assert_eq!(decoded.claims["iss"], "dossier@tests");

    let presented = Presented {
        media_type: "text/plain".to_owned(),
        disposition: "attachment; filename=\"a b.txt\"".to_owned(),
    };
    let signed = storage
        .presign(&url, &presented, Duration::from_mins(1))
        .await;
    let signed = signed.unwrap().unwrap();
    let answer = reqwest::get(signed.clone()).await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    assert_eq!(answer.text().await.unwrap(), "a few words");

    // As "Signatures" of Google's documentation defines it.
    let (query, signature) = signed
        .query()
        .unwrap()
        .split_once("&X-Goog-Signature=")
        .unwrap();
    let parameter = |name: &str| {
        let found = signed.query_pairs().find(|(one, _)| one == name);
        found.unwrap().1.into_owned()
    };
    let disposition = "response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22";
    assert!(query.contains(disposition), "{query}");
    let host = format!("127.0.0.1:{}", gcs.port());
    let request = format!(
        "GET\n{}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
        signed.path()
    );
    let time = parameter("X-Goog-Date");
    let scope = format!("{}/auto/storage/goog4_request", &time[..8]);
    assert_eq!(
        parameter("X-Goog-Credential"),
        format!("dossier@tests/{scope}")
    );
    let digest = domain::Sha256::of(request.as_bytes());
    let text = format!("GOOG4-RSA-SHA256\n{time}\n{scope}\n{digest}");
    let bytes: Vec<u8> = (0..signature.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).unwrap())
        .collect();
    let encoded = URL_SAFE_NO_PAD.encode(bytes);
    let verified = jsonwebtoken::crypto::verify(&encoded, text.as_bytes(), &key, Algorithm::RS256);
    assert!(verified.unwrap(), "{text}");
}

/// A service with a session that keeps nothing of the chunks with these numbers, and loses its answer to
/// the ones before. The emulator keeps all that it gets, also twice.
struct Forgetful {
    kept: Vec<u8>,
    chunks: usize,
}

impl Forgetful {
    const FORGOTTEN: [usize; 3] = [0, 2, 3];
    const LOST: [usize; 2] = [1, 5];

    /// Answers a request; `None` loses the answer.
    fn answer(&mut self, head: &str, body: &[u8], url: &str) -> Option<String> {
        if head.starts_with("POST") {
            return Some(format!("200 OK\r\nLocation: {url}/session"));
        }
        let range = head.split("content-range: bytes ").nth(1).unwrap();
        let (range, total) = range.lines().next().unwrap().split_once('/').unwrap();
        let start: usize = range.split('-').next().unwrap().parse().unwrap();
        let number = self.chunks;
        self.chunks += 1;
        if !Self::FORGOTTEN.contains(&number) {
            assert!(start <= self.kept.len(), "a gap before {start}");
            // What it has already is ignored.
            let known = (self.kept.len() - start).min(body.len());
            self.kept.extend_from_slice(&body[known..]);
        }
        if Self::LOST.contains(&number) {
            return None;
        }
        if total.parse() == Ok(self.kept.len()) {
            return Some("200 OK".to_owned());
        }
        Some(match self.kept.len() {
            0 => "308 Resume Incomplete".to_owned(),
            kept => format!("308 Resume Incomplete\r\nRange: bytes=0-{}", kept - 1),
        })
    }
}

async fn forgetful_server() -> (String, Arc<Mutex<Forgetful>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = Arc::new(Mutex::new(Forgetful {
        kept: Vec::new(),
        chunks: 0,
    }));
    let (kept, own) = (Arc::clone(&service), url.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let (head, body) = loop {
                let mut chunk = vec![0; 64 << 10];
                let length = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..length]);
                let Some(end) = request.windows(4).position(|some| some == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap_or("0");
                let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                if request.len() == end + 4 + length {
                    let head = head.replacen("post", "POST", 1);
                    break (head, request.split_off(end + 4));
                }
            };
            let answer = kept.lock().unwrap().answer(&head, &body, &own);
            if let Some(answer) = answer {
                let size = kept.lock().unwrap().kept.len();
                let json = format!(r#"{{"size":"{size}","timeCreated":"2026-01-01T00:00:00Z"}}"#);
                let text = format!(
                    "HTTP/1.1 {answer}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}",
                    json.len()
                );
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        }
    });
    (url, service)
}

#[tokio::test]
async fn a_session_that_kept_nothing_or_lost_an_answer_is_sent_the_rest_again() {
    let (endpoint, service) = forgetful_server().await;
    let storage = connect(&format!("gs://bucket/documents?endpoint={endpoint}"), &[]).await;
    let bytes = tests::content::pseudo_random(50, 20_000_000);
    tests::objects::puts(&*storage, &old_key(), bytes.clone()).await;
    let service = service.lock().unwrap();
    assert!(service.kept == bytes, "other bytes");
    assert!(service.chunks > 5, "{}", service.chunks);
}
