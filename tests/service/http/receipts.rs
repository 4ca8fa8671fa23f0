//! Signed receipts: verified by another implementation, and by the same keys everywhere and for ever.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;
use tests::scripts::runs_with;
use tests::servers::{Dossier, node};

/// The key of RFC 8037, appendix A, and its thumbprint.
const KEY: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

fn path(document: &Value, version: u32) -> String {
    let id = document["id"].as_str().unwrap();
    format!("/v1/documents/{id}/versions/{version}/receipt")
}

async fn receipt(client: &Client, document: &Value) -> String {
    let answer = client.get(&path(document, 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/jose");
    assert_eq!(answer.header("vary"), "Accept");
    answer.text()
}

async fn key_set(client: &Client) -> Vec<Value> {
    let answer = client.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    answer.expecting(200)["keys"].as_array().unwrap().clone()
}

/// Whose receipts the keys verify.
async fn issuer(client: &Client) -> String {
    let keys = client.get("/.well-known/jwks.json").await.expecting(200);
    keys["issuer"].as_str().unwrap().to_owned()
}

/// What receipts say by Node's cryptography; `null` for those that don't verify with these keys.
async fn verified(keys: &[Value], receipts: &[String]) -> Vec<Value> {
    let input = json!({"receipts": receipts, "keys": keys}).to_string();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("service/http");
    let said = runs_with(&node(), &folder, &["verify_receipt.cjs"], &input).await;
    let said: Value = domain::read_json(said.as_bytes()).unwrap();
    said.as_array().unwrap().clone()
}

/// The same receipt with other claims or another header.
fn forged(receipt: &str, part: usize, from: &str, to: &str) -> String {
    let mut parts: Vec<_> = receipt.split('.').map(str::to_owned).collect();
    let text = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(from), "{text}");
    parts[part] = URL_SAFE_NO_PAD.encode(text.replace(from, to));
    parts.join(".")
}

#[in_both_modes]
async fn another_implementation_verifies_a_receipt_and_no_forged_one(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.active("report.pdf", PDF).await;
    let receipt = receipt(&alice, &document).await;
    let keys = key_set(&app.nobody()).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let sha256 = document["sha256"].as_str().unwrap();
    let another = "0".repeat(64);
    let receipts = [
        receipt.clone(),
        forged(&receipt, 1, sha256, &another),
        forged(&receipt, 1, "\"version\":1", "\"version\":2"),
        forged(&receipt, 0, "dossier-receipt", "other"),
        receipt[..receipt.len() - 4].to_owned() + "AAAA",
    ];
    let said = verified(&keys, &receipts).await;
    assert!(said[1..].iter().all(Value::is_null), "{said:?}");
    let said = &said[0];
    assert_eq!(said["typ"], "dossier-receipt+jwt");
    assert_eq!(
        (&keys[0]["kid"], &keys[0]["use"]),
        (&said["kid"], &json!("sig"))
    );
    let claims = &said["claims"];
    let version = format!(
        "/v1/documents/{}/versions/1",
        document["id"].as_str().unwrap()
    );
    let version = alice.get(&version).await.expecting(200);
    assert_eq!(claims["sub"], document["id"]);
    assert_eq!(claims["version"], 1);
    for member in ["size_bytes", "sha256", "mime_type"] {
        assert_eq!(claims[member], version[member], "{member}");
    }
    assert_eq!(claims["accepted_at"], version["created_at"]);
    let timeline = version_timeline(&alice, &document).await;
    assert_eq!(claims["activated_at"], timeline["at"]);
    let issuer = issuer(&app.nobody()).await;
    assert!(issuer.starts_with("urn:uuid:"), "{issuer}");
    assert_eq!(claims["iss"], issuer);
    assert!(claims["iat"].is_number());
    app.ends_clean().await;
}

/// The entry of the timeline that tells of the activation.
async fn version_timeline(client: &Client, document: &Value) -> Value {
    let id = document["id"].as_str().unwrap();
    let timeline = client.get(&format!("/v1/documents/{id}/timeline")).await;
    let timeline = timeline.expecting(200);
    let entries = timeline["items"].as_array().unwrap();
    let activated = entries.iter().find(|entry| entry["kind"] == "activated");
    activated.unwrap().clone()
}

#[in_both_modes]
async fn a_receipt_is_for_its_owner_and_of_active_versions_alone(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let document = alice.active("report.pdf", PDF).await;
    let of_alice = format!(
        "{}?owner={}",
        path(&document, 1),
        alice.user.as_deref().unwrap()
    );
    assert_eq!(app.admin().get(&of_alice).await.status, 200);
    for (client, path) in [
        (&bob, path(&document, 1)),
        (&bob, of_alice),
        (&alice, path(&document, 3)),
        (&alice, path(&document, 1).replace("/1/", "/01/")),
    ] {
        client.get(&path).await.expect_problem(404, "not_found");
    }
    let content = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let put = alice
        .request(Method::PUT, &content)
        .header("content-type", "image/png")
        .body(PNG);
    let put = alice.send(put).await;
    put.expecting(202);
    let failed = format!("{}?wait=60", put.header("location"));
    let failed = alice.get(&failed).await.expecting(200);
    assert_ne!(failed["status"], "active", "{failed}");
    let refused = alice.get(&path(&document, 2)).await;
    refused.expect_problem(409, "not_active");
    // An archived document is still stored.
    let archive = content.replace("/content", "/archive");
    alice
        .send(alice.request(Method::POST, &archive))
        .await
        .expecting(200);
    receipt(&alice, &document).await;
    app.ends_clean().await;
}

fn as_json(client: &Client, document: &Value) -> reqwest::RequestBuilder {
    client
        .request(Method::GET, &path(document, 1))
        .header("accept", "application/json, text/plain, */*")
}

/// A receipt in JSON, and the same in a line.
fn joined(answer: &Answer) -> String {
    let jws = answer.expecting(200);
    let parts = ["protected", "payload", "signature"];
    parts.map(|part| jws[part].as_str().unwrap()).join(".")
}

#[in_both_modes]
async fn every_process_signs_with_one_key_and_a_former_key_still_verifies(mode: Mode) {
    let mut app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.active("report.pdf", PDF).await;
    let mut receipts = vec![receipt(&alice, &document).await];
    let other = match mode {
        Mode::Embedded => {
            app.changes(&[]).await;
            None
        }
        Mode::Distributed => Some(Dossier::start("ingress", app.variables()).await),
    };
    let at = |app: &TestApp| other.as_ref().unwrap_or(app.ingress()).api();
    let again = alice.speaking_to(&at(&app));
    let answer = again.send(as_json(&again, &document)).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    receipts.push(joined(&answer));
    let keys = key_set(&again).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let named = issuer(&again).await;
    // The operator gives a key.
    let own = [("DOSSIER_SIGNING_KEY", KEY)];
    match &other {
        None => app.changes(&own).await,
        Some(other) => {
            other.terminate().await;
            other.restart_with(&own).await;
        }
    }
    let later = alice.speaking_to(&at(&app));
    receipts.push(receipt(&later, &document).await);
    let keys = key_set(&later).await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!(issuer(&later).await, named, "whatever the key");
    assert_eq!(keys[0]["kid"], THUMBPRINT);
    let said = verified(&keys, &receipts).await;
    let kids: Vec<_> = said.iter().map(|said| &said["kid"]).collect();
    assert!(said.iter().all(|said| said["claims"]["iss"] == named));
    let kids_of_keys = [&keys[1]["kid"], &keys[1]["kid"], &keys[0]["kid"]];
    assert_eq!(kids, kids_of_keys, "{said:?}");
    app.ends_clean().await;
}
