//! The upload page of a ticket: a form, and a script that sends large files in pieces.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::scripts::runs;
use tests::servers::node;
use tests::tickets::ticket;

#[in_both_modes]
async fn a_page_needs_no_script(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({})).await;
    let page = nobody.get(&url).await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.text().contains("<form"), "{}", page.text());
    // Nothing is inline: a file of its own sends what is large.
    let script = "<script type=\"module\" src=\"/ticket.js\"></script>";
    assert_eq!(page.text().matches("<script").count(), 1);
    assert!(page.text().contains(script), "{}", page.text());
    let script = nobody.get("/ticket.js").await;
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert_eq!(script.header("x-content-type-options"), "nosniff");
    let form = Form::new().part("file", Part::bytes(PDF).file_name("scan.pdf"));
    let request = nobody.request(Method::POST, &url).multipart(form);
    let request = request.header("accept", "text/html,application/xhtml+xml");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let built = request.build().unwrap();
    let answer = client.build().unwrap().execute(built).await.unwrap();
    assert_eq!(answer.status().as_u16(), 303);
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    let page = nobody.get(&back).await;
    assert!(page.text().contains("received"), "{}", page.text());
    let listed = alice.get("/v1/documents").await.expecting(200);
    assert_eq!(listed["items"][0]["name"], "scan.pdf");
    app.ends_clean().await;
}

#[in_both_modes]
async fn its_script_sends_a_large_file_and_goes_on_after_a_cut(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // Three pieces.
    let bytes = pseudo_random(60, 20 << 20);
    let file = |name: &str| app.folder().join(name);
    std::fs::write(file("noise.bin"), &bytes).unwrap();
    std::fs::write(file("ticket_page.cjs"), include_str!("ticket_page.cjs")).unwrap();
    let (_, url) = ticket(&alice, &json!({})).await;
    let words = ["ticket_page.cjs", &app.ingress().api(), &url, "noise.bin"];
    let printed = runs(&node(), app.folder(), &words).await;
    let received = printed.trim().strip_prefix(&format!("{url}?received="));
    let id = received.unwrap_or_else(|| panic!("{printed}"));
    let document = alice.settled(&json!({"id": id})).await;
    assert_eq!(document["name"], "noise.bin");
    assert_eq!(document["declared_type"], "application/x-noise");
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}
