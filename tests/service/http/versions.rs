//! Versions: new ones while readers keep the old one, old ones made current again, failed ones that harm nothing.

use futures::future::join_all;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::archives::archive_of;
use tests::content::{PDF, PNG, pseudo_random};
use tests::in_both_modes;

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

async fn active(client: &Client, name: &str, bytes: &'static [u8]) -> Value {
    let pending = client.uploads(name, bytes).await;
    client.settled(&pending).await
}

async fn puts(client: &Client, document: &Value, bytes: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::PUT, &format!("{}/content", path(document)));
    client
        .send(
            request
                .header("content-type", "application/octet-stream")
                .body(bytes),
        )
        .await
}

/// The version at the `Location` of an answer, once it is settled.
async fn version_of(client: &Client, answer: &Answer) -> Value {
    let location = answer.header("location");
    loop {
        let version = client
            .get(&format!("{location}?wait=20"))
            .await
            .expecting(200);
        if version["status"] != "pending" {
            return version;
        }
    }
}

#[in_both_modes]
async fn readers_keep_the_old_version_until_the_new_one_is_through(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf", PDF).await;
    let answer = puts(&alice, &document, PNG).await;
    let accepted = answer.expecting(202);
    assert_eq!(
        answer.header("location"),
        format!("{}/versions/2", path(&document))
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(accepted["status"], "active");
    assert_eq!(
        (&accepted["version"], &accepted["latest_version"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(accepted["name"], "report.pdf");

    let version = version_of(&alice, &answer).await;
    assert_eq!(
        (&version["number"], &version["status"]),
        (&json!(2), &json!("active"))
    );
    assert_eq!(
        (&version["mime_type"], &version["type_mismatch"]),
        (&json!("image/png"), &json!(true))
    );
    let document = alice.get(&path(&document)).await.expecting(200);
    assert_eq!(
        (&document["version"], &document["mime_type"]),
        (&json!(2), &json!("image/png"))
    );
    assert_eq!(alice.downloads(&document).await, PNG);

    let list = alice
        .get(&format!("{}/versions", path(&document)))
        .await
        .expecting(200);
    let numbers: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["number"].clone())
        .collect();
    assert_eq!(
        (numbers, &list["next_cursor"]),
        (vec![json!(2), json!(1)], &Value::Null)
    );
    assert_eq!(list["items"][0], version);
    let old = alice
        .get(&format!("{}/versions/1/content", path(&document)))
        .await;
    assert_eq!((old.status.as_u16(), &old.body[..]), (200, PDF));
    assert_eq!(old.header("content-type"), "application/pdf");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_form_holds_nothing_but_the_file(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "picture.png", PNG).await;
    let content = format!("{}/content", path(&document));
    let file = || {
        Part::bytes(PDF)
            .file_name("other.pdf")
            .mime_str("application/pdf")
            .unwrap()
    };
    let form = Form::new().part("file", file());
    let answer = alice
        .send(alice.request(Method::PUT, &content).multipart(form))
        .await;
    assert_eq!(answer.expecting(202)["name"], "picture.png");
    assert_eq!(
        version_of(&alice, &answer).await["declared_type"],
        "application/pdf"
    );
    let form = Form::new().part("file", file()).text("name", "other.pdf");
    let answer = alice
        .send(alice.request(Method::PUT, &content).multipart(form))
        .await;
    answer.expect_problem(422, "invalid");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/name");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_version_is_read_like_a_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "picture.png", PNG).await;
    version_of(&alice, &puts(&alice, &document, PDF).await).await;
    let content = format!("{}/versions/1/content", path(&document));
    let whole = alice.get(&content).await;
    assert_eq!(
        whole.header("etag"),
        format!("\"{}\"", document["sha256"].as_str().unwrap())
    );
    for (name, value) in [
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        (
            "content-disposition",
            "attachment; filename=\"picture.png\"",
        ),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    let with = |name: &'static str, value: String| {
        alice.send(alice.request(Method::GET, &content).header(name, value))
    };
    let part = with("range", "bytes=1-3".to_owned()).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &PNG[1..4]));
    assert_eq!(with("range", "bytes=9999-".to_owned()).await.status, 416);
    assert_eq!(
        with("if-none-match", whole.header("etag").to_owned())
            .await
            .status,
        304
    );
    let head = alice
        .send(
            alice
                .request(Method::HEAD, &content)
                .header("range", "bytes=0-0"),
        )
        .await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length")),
        (200, PNG.len().to_string().as_str())
    );
    let shown = alice.get(&format!("{content}?inline=true")).await;
    assert!(shown.header("content-disposition").starts_with("inline"));
    for number in ["0", "3", "01", "x", "4294967296"] {
        alice
            .get(&format!("{}/versions/{number}", path(&document)))
            .await
            .expect_problem(404, "not_found");
        alice
            .get(&format!("{}/versions/{number}/content", path(&document)))
            .await
            .expect_problem(404, "not_found");
    }
    let owner = alice.user.as_deref().unwrap();
    for of_version in ["/versions", "/versions/1", "/versions/1/content"] {
        let read = format!("{}{of_version}?owner={owner}", path(&document));
        assert_eq!(app.admin().get(&read).await.status, 200);
        app.user(of_version.trim_matches('/').replace('/', "-").as_str())
            .await
            .get(&read)
            .await
            .expect_problem(404, "not_found");
    }
}

#[in_both_modes]
async fn a_failed_version_harms_nothing(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf", PDF).await;
    let failed = version_of(&alice, &puts(&alice, &document, PNG).await).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("error"), &json!("type_not_allowed"))
    );
    alice
        .get(&format!("{}/versions/2/content", path(&document)))
        .await
        .expect_problem(409, "not_active");
    let still = alice.get(&path(&document)).await.expecting(200);
    assert_eq!(
        (
            &still["status"],
            &still["version"],
            &still["latest_version"]
        ),
        (&json!("active"), &json!(1), &json!(2))
    );
    assert_eq!(alice.downloads(&still).await, PDF);

    let retry = alice.request(Method::POST, &format!("{}/retry", path(&document)));
    alice.send(retry).await.expecting(202);
    let again = alice
        .get(&format!("{}/versions/2?wait=20", path(&document)))
        .await
        .expecting(200);
    assert_eq!(again["status"], "error");
    assert_eq!(
        alice
            .delete(&format!("{}/versions/2", path(&document)))
            .await
            .status,
        204
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_old_version_is_made_current_again_without_a_copy(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf", PDF).await;
    version_of(&alice, &puts(&alice, &document, PNG).await).await;
    let versions = format!("{}/versions", path(&document));
    let restore = alice.request(Method::POST, &format!("{versions}/1/restore"));
    let answer = alice.send(restore).await;
    let restored = answer.expecting(201);
    assert_eq!(answer.header("location"), format!("{versions}/3"));
    assert_eq!(
        (&restored["version"], &restored["sha256"]),
        (&json!(3), &document["sha256"])
    );
    assert_eq!(alice.downloads(&restored).await, PDF);

    alice
        .delete(&format!("{versions}/3"))
        .await
        .expect_problem(409, "current_version");
    assert_eq!(alice.delete(&format!("{versions}/1")).await.status, 204);
    alice
        .delete(&format!("{versions}/1"))
        .await
        .expect_problem(404, "not_found");
    let restore = alice.request(Method::POST, &format!("{versions}/1/restore"));
    alice.send(restore).await.expect_problem(404, "not_found");
    assert_eq!(alice.downloads(&restored).await, PDF);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_takes_no_version_says_so_before_it_reads(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let document = active(&alice, "report.pdf", PDF).await;
    puts(&bob, &document, PNG)
        .await
        .expect_problem(404, "not_found");
    let stale = alice
        .request(Method::PUT, &format!("{}/content", path(&document)))
        .header("if-match", "\"r0\"");
    alice
        .send(stale.body(PNG))
        .await
        .expect_problem(412, "revision_mismatch");
    alice
        .send(alice.request(Method::POST, &format!("{}/archive", path(&document))))
        .await
        .expecting(200);
    puts(&alice, &document, PNG)
        .await
        .expect_problem(409, "not_active");
    alice
        .get(&format!("{}/versions/1/content", path(&document)))
        .await
        .expect_problem(409, "not_active");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_document_has_so_many_versions_at_most(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_VERSIONS", "3")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf", PDF).await;
    // They weigh nothing, and are counted all the same, also when many come at once.
    let answers = join_all((0..6).map(|_| puts(&alice, &document, ""))).await;
    let taken = answers.iter().filter(|answer| answer.status == 202);
    for answer in taken.clone() {
        version_of(&alice, answer).await;
    }
    assert_eq!(taken.count(), 2);
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        refused.expect_problem(403, "quota_exceeded");
    }
    let restored = alice
        .post_json(
            &format!("{}/versions/1/restore", path(&document)),
            &json!({}),
        )
        .await;
    restored.answer().expect_problem(403, "quota_exceeded");
    let import = alice
        .request(
            Method::POST,
            "/v1/operations/import?on_conflict=new_version",
        )
        .header("content-type", "application/zip")
        .body(archive_of(&[("report.pdf", "another text")]));
    let import = alice.ended(&alice.send(import).await.expecting(202)).await;
    assert_eq!(
        (&import["status"], &import["failed"]),
        (&json!("completed"), &json!(1))
    );
    assert_eq!(alice.items_of(&import).await[0]["code"], "quota_exceeded");
    // Who lets go of one has room for another.
    alice
        .delete(&format!("{}/versions/2", path(&document)))
        .await
        .expecting(204);
    assert_eq!(puts(&alice, &document, "").await.status, 202);
    app.ends_clean().await;
}

#[in_both_modes]
async fn numbers_have_no_gaps_however_many_come_at_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf", PDF).await;
    let answers =
        join_all((0..8).map(|seed| puts(&alice, &document, pseudo_random(seed, 1000)))).await;
    let mut numbers = Vec::new();
    for answer in &answers {
        answer.expecting(202);
        let version = version_of(&alice, answer).await;
        assert_eq!(version["status"], "active", "{version}");
        numbers.push(version["number"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..10).collect::<Vec<_>>());
    let document = alice.get(&path(&document)).await.expecting(200);
    assert_eq!(
        (&document["version"], &document["latest_version"]),
        (&json!(9), &json!(9))
    );

    let in_pages = format!("{}/versions?limit=4", path(&document));
    let listed = alice.all(&in_pages).await;
    let numbers = listed.iter().map(|version| version["number"].as_u64());
    assert!(numbers.eq((1..10).rev().map(Some)), "{listed:?}");
    app.ends_clean().await;
}
