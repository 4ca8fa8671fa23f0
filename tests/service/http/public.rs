//! Public documents: what everybody may read, and how soon they may not.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

const NAME: &str = "/public/the-report";

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

async fn published(client: &Client) -> Value {
    let pending = client.uploads("report.pdf", PDF).await;
    let document = client.settled(&pending).await;
    let changes =
        json!({"unique_name": "the-report", "is_public": true, "metadata": {"secret": "of alice"}});
    client
        .patch_json(&path(&document), &changes)
        .await
        .expecting(200)
}

#[in_both_modes]
async fn everybody_reads_what_is_public_and_no_more(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let document = published(&alice).await;
    let answer = nobody.get(NAME).await;
    assert_eq!(
        answer.expecting(200),
        json!({
            "unique_name": "the-report",
            "name": "report.pdf",
            "mime_type": "application/pdf",
            "size_bytes": PDF.len(),
            "sha256": document["sha256"],
            "updated_at": document["updated_at"],
        })
    );
    assert_eq!(answer.header("cache-control"), "public, no-cache");
    let again = nobody
        .request(Method::GET, NAME)
        .header("if-none-match", answer.header("etag"));
    assert_eq!(nobody.send(again).await.status, 304);
    let head = nobody.send(nobody.request(Method::HEAD, NAME)).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), answer.header("etag"));

    let content = nobody.get(&format!("{NAME}/content")).await;
    assert_eq!((content.status.as_u16(), &content.body[..]), (200, PDF));
    assert_eq!(content.header("cache-control"), "public, no-cache");
    assert_eq!(
        content.header("content-disposition"),
        "attachment; filename=\"report.pdf\""
    );
    assert_eq!(
        content.header("content-security-policy"),
        "sandbox; default-src 'none'"
    );
    let part = nobody
        .request(Method::GET, &format!("{NAME}/content"))
        .header("range", "bytes=0-4");
    let part = nobody.send(part).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"%PDF-"[..]));
    let head = nobody
        .send(nobody.request(Method::HEAD, &format!("{NAME}/content")))
        .await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length")),
        (200, PDF.len().to_string().as_str())
    );
    // A token that is wrong is not even looked at.
    assert_eq!(app.bearer("wrong").get(NAME).await.status, 200);
    for unknown in ["/public/unknown", "/public/X", "/public/unknown/content"] {
        nobody.get(unknown).await.expect_problem(404, "not_found");
    }
}

#[in_both_modes]
async fn it_is_gone_at_once_after_whatever_ends_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let document = published(&alice).await;
    let tag = nobody.get(NAME).await.header("etag").to_owned();
    let content = format!("{NAME}/content");
    let content_tag = nobody.get(&content).await.header("etag").to_owned();
    let gone = async || {
        for (path, tag) in [(NAME, &tag), (content.as_str(), &content_tag)] {
            let plain = nobody.request(Method::GET, path);
            let conditional = nobody
                .request(Method::GET, path)
                .header("if-none-match", tag);
            let ranged = nobody
                .request(Method::GET, path)
                .header("range", "bytes=0-0")
                .header("if-range", tag);
            for request in [plain, conditional, ranged] {
                nobody.send(request).await.expect_problem(404, "not_found");
            }
            assert_eq!(
                nobody.send(nobody.request(Method::HEAD, path)).await.status,
                404
            );
        }
    };
    alice
        .patch_json(&path(&document), &json!({"is_public": false}))
        .await
        .expecting(200);
    gone().await;
    alice
        .patch_json(&path(&document), &json!({"is_public": true}))
        .await
        .expecting(200);
    assert_eq!(nobody.get(NAME).await.status, 200);
    alice
        .send(alice.request(Method::POST, &format!("{}/archive", path(&document))))
        .await
        .expecting(200);
    gone().await;
    alice
        .send(alice.request(Method::POST, &format!("{}/restore", path(&document))))
        .await
        .expecting(200);
    assert_eq!(nobody.get(NAME).await.status, 200);
    alice
        .patch_json(&path(&document), &json!({"unique_name": "another"}))
        .await
        .expecting(200);
    gone().await;
    assert_eq!(nobody.get("/public/another").await.status, 200);
    alice
        .patch_json(&path(&document), &json!({"unique_name": "the-report"}))
        .await
        .expecting(200);
    assert_eq!(alice.delete(&path(&document)).await.status, 204);
    gone().await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_is_pending_is_not_public_yet(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let request = alice.request(
        Method::POST,
        "/v1/documents?name=a.png&unique_name=the-report&is_public=true",
    );
    let pending = alice
        .send(request.header("content-type", "image/png").body(PNG))
        .await
        .expecting(202);
    assert_eq!(alice.settled(&pending).await["status"], "error");
    app.nobody()
        .get(NAME)
        .await
        .expect_problem(404, "not_found");
}
