//! A row that can't be read harms nobody but its own document: its own answer says so, and lists,
//! operations, exports and audits pass it by and tell.

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::in_both_modes;

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn pages(client: &Client, query: &str) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/documents?{query}{cursor}")).await;
        let page = page.expecting(200);
        seen.extend(names(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

in_both_modes! {
    async fn others_are_served_whatever_one_row_holds(mode: Mode) {
        let app = TestApp::start(mode).await;
        let alice = app.user("alice").await;
        let mut documents = Vec::new();
        for name in ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"] {
            let pending = alice.uploads(name, format!("this is {name}")).await;
            documents.push(alice.settled(&pending).await);
        }
        let wholesome = "SELECT sha256 FROM versions WHERE versions.document_id = documents.id";
        for broken in ["b.txt", "c.txt"] {
            let sql = format!("UPDATE documents SET sha256 = 'broken' WHERE name = '{broken}'");
            assert_eq!(app.tampers(&sql).await, 1);
        }

        let path = |document: &Value| format!("/v1/documents/{}", document["id"].as_str().unwrap());
        let own = alice.get(&path(&documents[1])).await;
        own.expect_problem(500, "internal");
        alice.patch_json(&path(&documents[1]), &json!({"name": "x"})).await.expect_problem(500, "internal");
        alice.get(&path(&documents[0])).await.expecting(200);

        for limit in [1, 2, 50] {
            for filter in ["", "&name=.txt", "&metadata={}"] {
                let query = format!("sort=name&limit={limit}{filter}");
                assert_eq!(pages(&alice, &query).await, ["a.txt", "d.txt", "e.txt"], "{query}");
            }
        }
        let owner = format!("owner={}&sort=name", alice.user.as_deref().unwrap());
        assert_eq!(pages(&app.admin(), &owner).await, ["a.txt", "d.txt", "e.txt"]);

        for action in ["archive", "export"] {
            let status = if action == "archive" { json!({}) } else { json!({"status": "active,archived"}) };
            let ended = alice.runs(&json!({"action": action, "select": {"filter": status}})).await;
            assert_eq!(ended["status"], "completed", "{ended}");
            let items = alice.items_of(&ended).await;
            let failed: Vec<_> = items.iter().filter(|item| item["code"] == "internal").map(|item| &item["name"]).collect();
            assert_eq!(failed, ["b.txt", "c.txt"], "{action}: {items:?}");
        }
        let sql = format!("UPDATE documents SET sha256 = ({wholesome}) WHERE sha256 = 'broken'");
        assert_eq!(app.tampers(&sql).await, 2);
        alice.get(&path(&documents[1])).await.expecting(200);
        app.ends_clean().await;
    }
}
