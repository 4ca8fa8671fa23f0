//! Numbers in metadata: each comes back as it was sent, is found by its value, and survives
//! patches, operations, undo, export and import; what can't be kept is refused.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

/// Numbers as clients may write them, and another way to write the same one.
const NUMBERS: [(&str, &str); 24] = [
    ("0", "0.00"),
    ("-0", "0"),
    ("-0.0", "-0e7"),
    ("1.0", "1"),
    ("1.50", "15e-1"),
    ("1E5", "100000"),
    ("1e+5", "1e5"),
    ("1e-7", "0.0000001"),
    ("0.1e1", "1.000"),
    ("21.518058988978538", "2.1518058988978538e1"),
    ("5e-324", "50e-325"),
    ("2.2250738585072014e-308", "22250738585072014E-324"),
    ("1.7976931348623157e308", "17976931348623157e292"),
    ("-1.7976931348623157e+308", "-0.17976931348623157e309"),
    ("1e400", "10e399"),
    ("-1e-400", "-10e-401"),
    ("1e23", "100000000000000000000000"),
    ("100000000000000000000001", "1.00000000000000000000001e23"),
    ("9007199254740993", "9007199254740993.0"),
    ("-9223372036854775809", "-9223372036854775809.00"),
    ("18446744073709551616", "1.8446744073709551616e19"),
    (
        "123456789012345678901234567890",
        "12345678901234567890123456789e1",
    ),
    (
        "0.1234567890123456789012345678901234567890",
        "1234567890123456789012345678901234567890e-40",
    ),
    (
        "3.14159265358979323846264338327950288",
        "314159265358979323846264338327950288e-35",
    ),
];

/// Numbers that are refused.
const REFUSED: [&str; 4] = [
    "1e1000",
    "-1e-1000000000",
    "1e999999999999999999999",
    "1E+131072",
];

fn read(text: &str) -> Value {
    domain::read_json(text.as_bytes()).unwrap()
}

/// All of them, at several depths.
fn all() -> String {
    let numbers: Vec<_> = NUMBERS.iter().map(|(number, _)| *number).collect();
    let numbers = numbers.join(",");
    format!("{{\"n\":[{numbers}],\"o\":{{\"d\":[[{{\"e\":[{numbers}]}}]]}}}}")
}

/// Doubles of every size, as a language's standard library writes them.
fn doubles() -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from_bits(state)
    };
    let doubles = std::iter::from_fn(|| Some(next())).filter(|double| double.is_finite());
    let doubles: Vec<_> = doubles.take(300).map(|double| json!(double)).collect();
    json!({"doubles": doubles}).to_string()
}

async fn sends(client: &Client, method: Method, path: &str, body: String) -> tests::app::Answer {
    let request = client.request(method, path);
    let request = request.header("content-type", "application/json");
    client.send(request.body(body)).await
}

async fn uploads(client: &Client, name: &str, metadata: &str) -> Value {
    let request = client
        .request(Method::POST, "/v1/documents")
        .query(&[("name", name), ("metadata", metadata)])
        .header("content-type", "application/pdf")
        .body(PDF);
    let pending = client.send(request).await.expecting(202);
    assert_eq!(pending["metadata"], read(metadata));
    client.settled(&pending).await
}

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

async fn found(client: &Client, metadata: &str) -> Vec<Value> {
    let request = client
        .request(Method::GET, "/v1/documents")
        .query(&[("metadata", metadata), ("sort", "name")]);
    let list = client.send(request).await.expecting(200);
    list["items"].as_array().unwrap().clone()
}

#[in_both_modes]
async fn every_number_comes_back_as_it_was_sent(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (index, text) in [all(), doubles()].iter().enumerate() {
        let (sent, name) = (read(text), format!("{index}.pdf"));
        let document = uploads(&alice, &name, text).await;
        assert_eq!(document["metadata"], sent);
        let listed = alice
            .get(&format!("/v1/documents?name={name}"))
            .await
            .expecting(200);
        assert_eq!(listed["items"][0]["metadata"], sent);
        // The same once more changes nothing.
        let patch = format!("{{\"metadata\":{text}}}");
        let patched = sends(&alice, Method::PATCH, &path(&document), patch)
            .await
            .expecting(200);
        assert_eq!(patched["revision"], document["revision"]);
        let plain = uploads(&alice, &name, "{\"a\":1}").await;
        let cleared = format!("{{\"metadata\":{{\"a\":null,{}}}", &text[1..]);
        let patched = sends(&alice, Method::PATCH, &path(&plain), cleared)
            .await
            .expecting(200);
        assert_eq!(patched["metadata"], sent);
        assert_eq!(
            alice.get(&path(&plain)).await.expecting(200)["metadata"],
            sent
        );
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_number_is_found_by_its_value(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (index, (number, _)) in NUMBERS.iter().enumerate() {
        uploads(
            &alice,
            &format!("{index:02}"),
            &format!("{{\"n\":{number},\"l\":[[{number}]]}}"),
        )
        .await;
    }
    for (number, other) in NUMBERS {
        for asked in [number, other] {
            let by_member = found(&alice, &format!("{{\"n\":{asked}}}")).await;
            let by_element = found(&alice, &format!("{{\"l\":[[{asked}]]}}")).await;
            assert_eq!(by_member, by_element, "{asked}");
            let numbers: Vec<_> = by_member
                .iter()
                .map(|document| &document["metadata"]["n"])
                .collect();
            assert!(
                numbers.contains(&&read(number)),
                "{asked} finds {numbers:?}"
            );
            let others = numbers
                .iter()
                .filter(|found| worth(&found.to_string()) != worth(number));
            assert_eq!(others.count(), 0, "{asked} finds {numbers:?}");
        }
    }
    assert_eq!(found(&alice, "{\"n\":0}").await.len(), 3);
    assert_eq!(found(&alice, "{\"n\":9007199254740992}").await.len(), 0);
    app.ends_clean().await;
}

#[in_both_modes]
async fn operations_exports_and_imports_keep_numbers(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (text, doubles) = (all(), doubles());
    let document = uploads(&alice, "a.pdf", &text).await;
    let changes = format!("{{\"n\":null,\"o\":null,{}", &doubles[1..]);
    let update = format!(
        "{{\"action\":\"update\",\"select\":{{\"ids\":[{}]}},\"changes\":{{\"metadata\":{changes}}}}}",
        document["id"]
    );
    let update = sends(&alice, Method::POST, "/v1/operations", update)
        .await
        .expecting(202);
    assert_eq!(alice.ended(&update).await["succeeded"], 1);
    assert_eq!(
        alice.get(&path(&document)).await.expecting(200)["metadata"],
        read(&doubles)
    );
    let undo = format!("/v1/operations/{}/undo", update["id"].as_str().unwrap());
    let undo = alice
        .post_json(&undo, &json!({}))
        .await
        .expect_status(202)
        .await;
    assert_eq!(alice.ended(&undo).await["succeeded"], 1);
    assert_eq!(
        alice.get(&path(&document)).await.expecting(200)["metadata"],
        read(&text)
    );

    let export = alice
        .runs(&json!({"action": "export", "select": {"filter": {}}}))
        .await;
    let result = format!("/v1/operations/{}/result", export["id"].as_str().unwrap());
    let archive = alice.get(&result).await.body;
    let import = bob.request(Method::POST, "/v1/operations/import");
    let import = import
        .header("content-type", "application/zip")
        .body(archive);
    let import = bob.send(import).await.expecting(202);
    assert_eq!(bob.ended(&import).await["succeeded"], 1);
    let listed = bob.get("/v1/documents").await.expecting(200);
    assert_eq!(listed["items"][0]["metadata"], read(&text));
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_no_database_keeps_is_refused_with_its_name(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = uploads(&alice, "a.pdf", "{}").await;
    let long = "7".repeat(1_001);
    let reserved = "{\"$serde_json::private::Number\":\"1\"}";
    for number in REFUSED.iter().copied().chain([long.as_str()]) {
        let metadata = format!("{{\"a\":[{{\"b\":{number}}}]}}");
        let patch = format!("{{\"metadata\":{metadata}}}");
        let answer = sends(&alice, Method::PATCH, &path(&document), patch).await;
        answer.expect_problem(422, "invalid");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            "/metadata",
            "{number}"
        );
        let operation = format!(
            "{{\"action\":\"update\",\"select\":{{\"ids\":[]}},\"changes\":{{\"metadata\":{metadata}}}}}"
        );
        let answer = sends(&alice, Method::POST, "/v1/operations", operation).await;
        answer.expect_problem(422, "invalid");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            "/changes/metadata",
            "{number}"
        );
        for query in [
            vec![("metadata", metadata.as_str())],
            vec![("metadata", metadata.as_str()), ("name", "x")],
        ] {
            let method = if query.len() == 1 {
                Method::GET
            } else {
                Method::POST
            };
            let answer = alice
                .send(
                    alice
                        .request(method, "/v1/documents")
                        .query(&query)
                        .body("x"),
                )
                .await;
            assert_eq!(answer.status, 422, "{number}: {}", answer.text());
            assert_eq!(
                answer.json()["errors"][0]["pointer"],
                "metadata",
                "{number}"
            );
        }
    }
    let patch = format!("{{\"metadata\":{{\"a\":{reserved}}}}}");
    sends(&alice, Method::PATCH, &path(&document), patch)
        .await
        .expect_problem(400, "bad_json");
    assert_eq!(
        alice.get(&path(&document)).await.expecting(200)["metadata"],
        json!({})
    );
    app.ends_clean().await;
}

/// A number's value, for numbers that are told apart by it here.
fn worth(text: &str) -> domain::Decimal {
    let number: serde_json::Number = domain::read_json(text.as_bytes()).unwrap();
    (&number).into()
}
