//! The security log: what it tells, to whom, and that it never tells a secret.

use std::time::Duration;

use domain::UserId;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::ledger::NOW;
use tests::poll::poll;
use tests::servers::{Dossier, Reply};

use super::webhooks::owners::Subscriber;

/// What is counted is written a moment later.
const PATIENCE: Duration = Duration::from_secs(30);

async fn lines(admin: &Client, query: &str) -> Vec<Value> {
    let page = admin
        .get(&format!("/v1/admin/audit-log?{query}"))
        .await
        .expecting(200);
    page["items"].as_array().unwrap().clone()
}

/// The lines that `query` gives, as soon as `enough` says so.
async fn soon(admin: &Client, query: &str, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    poll(PATIENCE, async || match lines(admin, query).await {
        found if enough(&found) => Ok(found),
        found => Err(format!("{query}: {found:?}")),
    })
    .await
}

fn total(lines: &[Value]) -> u64 {
    lines
        .iter()
        .map(|line| line["detail"]["count"].as_u64().unwrap())
        .sum()
}

/// The one line of a kind about a subject.
async fn told(admin: &Client, kind: &str, subject: &str) -> Value {
    let found = lines(admin, &format!("kind={kind}&subject={subject}")).await;
    assert_eq!(found.len(), 1, "{kind}: {found:?}");
    found[0].clone()
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn it_tells_who_did_what_to_whom(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let own = lines(&admin, "kind=bootstrap_key.changed").await;
    assert_eq!((own.len(), &own[0]["actor"]), (1, &json!("operator")));
    let own = own[0]["subject"].as_str().unwrap();
    let id = alice.user.as_deref().unwrap();
    let path = format!("/v1/admin/users/{id}");
    for change in [
        json!({"role": "admin"}),
        json!({"role": "user", "disabled": true}),
        json!({"disabled": false, "identities": [{"issuer": "i", "subject": "s"}]}),
        json!({"name": "alicia", "identities": []}),
    ] {
        admin.patch_json(&path, &change).await.expecting(200);
    }
    let keys = admin.get(&format!("{path}/keys")).await.expecting(200);
    let key = keys["items"][0]["id"].as_str().unwrap();
    admin
        .post_json(&format!("{path}/keys"), &json!({}))
        .await
        .expect_status(201)
        .await;
    admin
        .delete(&format!("{path}/keys/{key}"))
        .await
        .expecting(204);
    let request = admin
        .request(Method::DELETE, &path)
        .header("x-request-id", "the-end-of-alice");
    admin.send(request).await.expecting(204);

    for kind in [
        "user.created",
        "user.disabled",
        "user.enabled",
        "identity.linked",
        "identity.unlinked",
        "user.changed",
        "key.removed",
        "user.deleted",
    ] {
        let line = told(&admin, kind, id).await;
        assert_eq!((&line["actor"], &line["kind"]), (&json!(own), &json!(kind)));
        assert_eq!(line["address"], "127.0.0.1");
        assert!(
            line["at"].is_string() && line["id"].is_string() && line["request_id"].is_string(),
            "{line}"
        );
    }
    assert_eq!(
        told(&admin, "user.deleted", id).await["request_id"],
        "the-end-of-alice"
    );
    assert_eq!(
        told(&admin, "key.removed", id).await["detail"]["key_id"],
        key
    );
    assert_eq!(
        lines(&admin, &format!("kind=key.created&subject={id}"))
            .await
            .len(),
        2
    );
    let roles = lines(&admin, &format!("kind=user.role_changed&subject={id}")).await;
    let roles: Vec<_> = roles.iter().map(|line| line["detail"].clone()).collect();
    assert_eq!(
        roles,
        [
            json!({"from": "admin", "to": "user"}),
            json!({"from": "user", "to": "admin"})
        ]
    );
    // What was refused has changed nothing, and says nothing.
    admin
        .patch_json(&format!("/v1/admin/users/{own}"), &json!({"role": "user"}))
        .await
        .expecting(409);
    assert!(
        lines(&admin, &format!("subject={own}&kind=user.role_changed"))
            .await
            .is_empty()
    );
}

#[in_both_modes]
async fn it_tells_of_reads_and_deletions(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let id = alice.user.as_deref().unwrap();
    let mut documents = Vec::new();
    for name in ["a.pdf", "b.pdf", "c.pdf"] {
        let pending = alice.uploads(name, PDF).await;
        documents.push(
            alice.settled(&pending).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    for _ in 0..5 {
        admin
            .get(&format!("/v1/documents/{}?owner={id}", documents[0]))
            .await
            .expecting(200);
    }
    admin
        .get(&format!("/v1/documents?owner={id}"))
        .await
        .expecting(200);
    // What shows nothing is no read.
    admin
        .get(&format!("/v1/documents/{}?owner={id}", UserId::new(NOW)))
        .await
        .expect_problem(404, "not_found");
    let reads = soon(
        &admin,
        &format!("kind=documents.read&subject={id}"),
        |lines| total(lines) >= 6,
    )
    .await;
    assert!(reads.len() <= 2 && total(&reads) == 6, "{reads:?}");
    assert!(
        reads
            .iter()
            .any(|line| line["detail"]["document_ids"] == json!([documents[0]])),
        "{reads:?}"
    );

    for document in &documents[..2] {
        alice
            .delete(&format!("/v1/documents/{document}"))
            .await
            .expecting(204);
    }
    let deletions = lines(&admin, &format!("kind=document.deleted&actor={id}")).await;
    assert_eq!(total(&deletions), 2);
    let named = deletions
        .iter()
        .map(|line| line["detail"]["document_ids"].to_string())
        .collect::<String>();
    assert!(
        documents[..2]
            .iter()
            .all(|document| named.contains(document)),
        "{named}"
    );
    for dry_run in [true, false] {
        let delete =
            json!({"action": "delete", "select": {"ids": [documents[2]]}, "dry_run": dry_run});
        alice.runs(&delete).await;
    }
    let bulk = told(&admin, "documents.deleted", id).await;
    assert_eq!(bulk["detail"]["total"], 1);
}

#[in_both_modes]
async fn it_tells_where_events_are_sent(mode: Mode) {
    let her = Subscriber::to(&["document.deleted"], mode).await;
    let (admin, id) = (her.app.admin(), her.alice.user.as_deref().unwrap());
    for change in [
        json!({"url": her.receiver.url("/between-us")}),
        json!({"description": "mine"}),
        json!({"description": "mine"}),
        json!({"status": "disabled"}),
        json!({"status": "disabled"}),
        json!({"status": "enabled", "types": ["*"]}),
    ] {
        her.changes(&change).await;
    }
    her.rotates().await;
    her.receiver.replies(Reply::status(410));
    her.tests().await;
    let query = format!("subject={id}&kind=webhook.disabled");
    let disabled = soon(&admin, &query, |lines| lines.len() == 2).await;
    her.alice.delete(&her.path("")).await.expecting(204);

    let why: Vec<_> = disabled
        .iter()
        .map(|line| (&line["actor"], &line["detail"]["disabled_reason"]))
        .collect();
    let (hers, gone, requested) = (json!(id), json!("gone"), json!("requested"));
    assert_eq!(why, [(&json!("service"), &gone), (&hers, &requested)]);
    let created = told(&admin, "webhook.created", id).await;
    let expected = json!({
        "webhook_id": her.hook["id"], "to": her.receiver.url(""), "types": ["document.deleted"],
    });
    assert_eq!((&created["actor"], &created["detail"]), (&hers, &expected));
    for kind in ["webhook.rotated", "webhook.enabled", "webhook.deleted"] {
        let line = told(&admin, kind, id).await;
        assert_eq!(line["detail"]["webhook_id"], her.hook["id"], "{line}");
    }
    // What changes nothing says nothing.
    let changed = lines(&admin, &format!("subject={id}&kind=webhook.changed")).await;
    assert_eq!(changed.len(), 3, "{changed:?}");
    let all = json!(lines(&admin, "limit=200").await).to_string();
    assert!(
        !all.contains("between-us") && !all.contains("whsec_"),
        "{all}"
    );
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn refusals_are_counted_and_no_secret_is_told(mode: Mode) {
    let settings = [("DOSSIER_JWT_SECRET", "the-secret-of-the-issuer-0123456789")];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    for number in 0..50 {
        app.bearer(&format!("a-guessed-key-{number}"))
            .get("/v1/documents")
            .await;
    }
    app.nobody()
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
    alice
        .get("/v1/admin/audit-log")
        .await
        .expect_problem(403, "forbidden");
    let refused = soon(&admin, "kind=authentication.refused", |lines| {
        total(lines) >= 50
    })
    .await;
    assert!(refused.len() <= 2 && total(&refused) == 50, "{refused:?}");
    let id = alice.user.as_deref().unwrap();
    soon(
        &admin,
        &format!("kind=administration.refused&actor={id}"),
        |lines| total(lines) == 1,
    )
    .await;
    let started = lines(&admin, "kind=service.started").await;
    let told: Vec<_> = started
        .iter()
        .map(|line| &line["detail"]["settings"]["DOSSIER_JWT_SECRET"])
        .collect();
    assert!(
        !told.is_empty() && told.iter().all(|told| *told == "[redacted]"),
        "{started:?}"
    );
    Dossier::run(&["key", "add", "alice"], app.variables()).await;
    let by_operator = lines(
        &admin,
        &format!("kind=key.created&subject={id}&actor=operator"),
    )
    .await;
    assert_eq!(by_operator.len(), 1);

    let rows = lines(&admin, "limit=200").await;
    let log = app.ingress().log();
    let audit: Vec<_> = log
        .lines()
        .filter(|line| line.contains("\"target\":\"audit\""))
        .collect();
    assert!(
        audit
            .iter()
            .any(|line| line.contains("authentication.refused")),
        "{log}"
    );
    assert!(
        audit
            .iter()
            .any(|line| line.contains("key.created") && line.contains(id)),
        "{log}"
    );
    let rows = json!(rows).to_string();
    for secret in ["a-guessed-key", app.admin_key(), settings[0].1] {
        assert!(!rows.contains(secret) && !log.contains(secret), "{secret}");
    }
    // As keys begin.
    assert!(!rows.contains("dossier_"), "{rows}");
}

#[in_both_modes]
async fn it_is_read_by_pages_and_filters(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    for number in 0..5 {
        admin
            .post_json(
                "/v1/admin/users",
                &json!({"name": format!("user {number}")}),
            )
            .await
            .expect_status(201)
            .await;
    }
    let all = lines(&admin, "kind=user.created").await;
    assert_eq!(all.len(), 5);
    let in_pages = "/v1/admin/audit-log?kind=user.created&limit=2";
    assert_eq!(admin.all(in_pages).await, all);
    let middle = all[2]["at"].as_str().unwrap();
    assert_eq!(
        lines(&admin, &format!("kind=user.created&after={middle}")).await,
        all[..2]
    );
    assert_eq!(
        lines(&admin, &format!("kind=user.created&before={middle}")).await,
        all[3..]
    );
    for bad in [
        "kind=gone",
        "limit=0",
        "limit=201",
        "cursor=x",
        "after=today",
        "actor=%00",
        "colour=red",
    ] {
        admin
            .get(&format!("/v1/admin/audit-log?{bad}"))
            .await
            .expect_problem(422, "invalid");
    }
}
