//! Azure with tokens of identities. The token services are Microsoft's alone: a server of the test
//! answers as their documentation says, and keeps what it is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use domain::{ByteSize, Clock as _, SystemClock};
use serde_json::{Value, json};
use storage::contract::{Unfinished, check_contract};
use storage::{DirectUpload, Signed, Storage};
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::objects::{goes_round, old_key, puts};
use tests::poll::wait_until;
use tests::servers::{Azurite, Down, Passing, Received, Receiver, Recorder, Reply};
use url::form_urlencoded;

use super::azure_signatures::{connect, presented};

const PATIENCE: Duration = Duration::from_mins(1);

/// A token of Microsoft Entra, as far as the server looks at it.
fn token(name: &str) -> String {
    let now = SystemClock.now().as_micros() / 1_000_000;
    let claims = json!({
        "aud": "https://storage.azure.com", "iss": "https://sts.windows.net/a-tenant/",
        "iat": now, "nbf": now - 60, "exp": now + 3_600, "oid": "an-object", "tid": "a-tenant",
        "jti": name,
    });
    let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let head = part(json!({"alg": "RS256", "typ": "JWT"}));
    format!("{head}.{}.c2lnbmF0dXJl", part(claims))
}

fn given(answer: &Value) -> Reply {
    let json = Some(("content-type", "application/json".to_owned()));
    Reply::With(200, json, answer.to_string())
}

/// Seconds since 1970.
fn in_an_hour() -> i64 {
    SystemClock.now().as_micros() / 1_000_000 + 3_600
}

/// An identity: its variables, what its token service answers, and how that is asked.
struct Identity {
    variables: Vec<(&'static str, String)>,
    answer: Value,
    is_asked_rightly: fn(&Received) -> bool,
}

fn form(received: &Received) -> HashMap<String, String> {
    form_urlencoded::parse(&received.body)
        .into_owned()
        .collect()
}

fn query(received: &Received) -> HashMap<String, String> {
    let (_, query) = received.path.split_once('?').unwrap();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// "Access token request with a federated credential" of the Microsoft identity platform.
fn is_of_a_workload(received: &Received) -> bool {
    let form = form(received);
    received.path == "/a-tenant/oauth2/v2.0/token"
        && received.header("content-type") == "application/x-www-form-urlencoded"
        && form["grant_type"] == "client_credentials"
        && form["client_id"] == "a-client"
        && form["scope"] == "https://storage.azure.com/.default"
        && form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        && form["client_assertion"] == "the.federated.token"
}

/// "Access token request with a shared secret" of the same.
fn is_of_a_secret(received: &Received) -> bool {
    let form = form(received);
    received.path == "/a-tenant/oauth2/v2.0/token"
        && form["grant_type"] == "client_credentials"
        && form["scope"] == "https://storage.azure.com/.default"
        && form["client_secret"] == "a+secret/with=signs"
}

/// "REST endpoint reference" of the managed identities of App Service.
fn is_of_an_app(received: &Received) -> bool {
    let query = query(received);
    received.path.starts_with("/msi/token?")
        && received.header("x-identity-header") == "a-header"
        && query["api-version"] == "2019-08-01"
        && query["resource"] == "https://storage.azure.com/"
        && query["client_id"] == "a-client"
}

/// "Get a token using HTTP" of the managed identities of virtual machines.
fn is_of_a_machine(received: &Received) -> bool {
    let query = query(received);
    received
        .path
        .starts_with("/metadata/identity/oauth2/token?")
        && received.header("metadata") == "true"
        && query["api-version"] == "2018-02-01"
        && query["resource"] == "https://storage.azure.com/"
        && !query.contains_key("client_id")
}

fn workload(service: &Receiver, folder: &std::path::Path) -> Identity {
    let file = folder.join("federated");
    std::fs::write(&file, "the.federated.token\n").unwrap();
    Identity {
        variables: vec![
            ("AZURE_TENANT_ID", "a-tenant".to_owned()),
            ("AZURE_CLIENT_ID", "a-client".to_owned()),
            ("AZURE_AUTHORITY_HOST", service.url("/")),
            ("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string()),
        ],
        answer: json!({
            "token_type": "Bearer", "expires_in": 3_599, "ext_expires_in": 3_599,
            "access_token": token("workload"),
        }),
        is_asked_rightly: is_of_a_workload,
    }
}

fn machine(service: &Receiver) -> Identity {
    Identity {
        variables: vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", service.url(""))],
        answer: json!({
            "access_token": token("machine"), "refresh_token": "", "expires_in": "3599",
            "expires_on": in_an_hour().to_string(), "not_before": "1",
            "resource": "https://storage.azure.com/", "token_type": "Bearer",
        }),
        is_asked_rightly: is_of_a_machine,
    }
}

/// All but that of a workload.
fn others(service: &Receiver) -> [Identity; 3] {
    let application = |name, value: &str| {
        vec![
            ("AZURE_TENANT_ID", "a-tenant".to_owned()),
            ("AZURE_CLIENT_ID", "a-client".to_owned()),
            ("AZURE_AUTHORITY_HOST", service.url("")),
            (name, value.to_owned()),
        ]
    };
    let of_secret = Identity {
        variables: application("AZURE_CLIENT_SECRET", "a+secret/with=signs"),
        answer: json!({
            "token_type": "Bearer", "expires_in": 3_599, "access_token": token("secret"),
        }),
        is_asked_rightly: is_of_a_secret,
    };
    let of_app = Identity {
        variables: vec![
            ("IDENTITY_ENDPOINT", service.url("/msi/token")),
            ("IDENTITY_HEADER", "a-header".to_owned()),
            ("AZURE_CLIENT_ID", "a-client".to_owned()),
        ],
        // It tells no lifetime.
        answer: json!({
            "access_token": token("app"), "expires_on": in_an_hour().to_string(),
            "resource": "https://storage.azure.com/", "token_type": "Bearer",
            "client_id": "a-client",
        }),
        is_asked_rightly: is_of_an_app,
    };
    [of_secret, of_app, machine(service)]
}

/// A place at the server that takes tokens, behind a recorder.
struct Place {
    azure: &'static Azurite,
    recorder: Recorder,
}

impl Place {
    async fn new() -> Self {
        let azure = Azurite::with_tokens().await;
        Self {
            azure,
            recorder: Recorder::before(azure.port()).await,
        }
    }

    async fn url(&self) -> String {
        let url = self.azure.fresh_storage_url().await;
        self.recorder.in_front(&url, self.azure.port())
    }

    async fn connect(&self, identity: &Identity) -> Arc<dyn Storage> {
        let account = [("AZURE_STORAGE_ACCOUNT_NAME", self.azure.account())];
        let own = identity.variables.iter();
        let own = own.map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = account.into_iter().chain(own).collect();
        connect(&self.url().await, &variables).await
    }

    /// Every request has this token.
    fn saw_only(&self, token: &str) {
        let recorded = self.recorder.takes();
        assert!(!recorded.is_empty());
        for request in recorded {
            let authorization = request.header("authorization");
            assert_eq!(authorization, format!("Bearer {token}"), "{request:?}");
        }
    }
}

#[tokio::test]
async fn a_workload_identity_keeps_the_contract() {
    let (place, service) = (Place::new().await, Receiver::start());
    let folder = tempfile::tempdir().unwrap();
    let identity = workload(&service, folder.path());
    service.replies(given(&identity.answer));
    let one = place.connect(&identity).await;
    let other = place.connect(&identity).await;
    check_contract(one, other, Unfinished::Listed).await;
    let asked = service.received();
    assert_eq!(asked.len(), 2, "once for each client");
    assert!(asked.iter().all(identity.is_asked_rightly), "{asked:?}");
}

#[tokio::test]
async fn each_identity_gets_its_token_and_sends_it() {
    let place = Place::new().await;
    let service = Receiver::start();
    for identity in others(&service) {
        let before = service.received().len();
        service.replies(given(&identity.answer));
        let storage = place.connect(&identity).await;
        storage.check().await.unwrap();
        goes_round(&*storage).await;
        place.saw_only(identity.answer["access_token"].as_str().unwrap());
        let asked = service.received().split_off(before);
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!((identity.is_asked_rightly)(&asked[0]), "{asked:?}");
    }
}

#[tokio::test]
async fn an_identity_signs_urls_with_a_key_of_the_service() {
    let (place, service) = (Place::new().await, Receiver::start());
    let identity = machine(&service);
    service.replies(given(&identity.answer));
    let storage = place.connect(&identity).await;
    let object = puts(&*storage, &old_key(), "a few words").await;
    let signed = storage.presign(&object, &presented(), PATIENCE).await;
    let signed = signed.unwrap().unwrap();
    let answer = reqwest::get(signed.clone()).await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    assert_eq!(answer.text().await.unwrap(), "a few words");
    let forged = signed.as_str().replace("attachment", "inline");
    let refused = reqwest::get(forged).await.unwrap();
    assert!(refused.status().is_client_error(), "{}", refused.status());

    let direct = storage.direct().unwrap();
    let url = storage.place().join(&old_key()).unwrap();
    let bytes = pseudo_random(1, 1_000);
    let size = ByteSize::new(bytes.len() as u64);
    let parts = direct.begin(&url, size).await.unwrap().unwrap();
    let upload = DirectUpload { url, size, parts };
    let Signed::Whole { url, headers } = direct.sign(&upload, PATIENCE).await.unwrap() else {
        panic!("one request is enough");
    };
    let headers: serde_json::Map<_, _> = headers
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let sent = direct::write(url.as_str(), &headers.into(), bytes.clone()).await;
    assert!(sent.status().is_success(), "{sent:?}");
    let stat = storage.stat(&upload.url).await.unwrap();
    assert_eq!(stat.unwrap().size, size);
    let keys = place.recorder.takes();
    let keys = keys
        .iter()
        .filter(|request| request.path.contains("userdelegationkey"));
    assert_eq!(keys.count(), 1, "a key is used for hours");
}

#[tokio::test]
async fn an_identity_without_the_role_to_sign_signs_nothing() {
    let (place, service) = (Place::new().await, Receiver::start());
    let identity = machine(&service);
    service.replies(given(&identity.answer));
    let storage = place.connect(&identity).await;
    place.recorder.passes(|request| {
        if request.path.contains("userdelegationkey") {
            Passing::Refused(403)
        } else {
            Passing::On
        }
    });
    let object = puts(&*storage, &old_key(), "a few words").await;
    let signed = storage.presign(&object, &presented(), PATIENCE).await;
    assert_eq!(signed.unwrap(), None);
    let direct = storage.direct().unwrap();
    let begun = direct.begin(&object, ByteSize::new(10)).await;
    assert_eq!(begun.unwrap(), None);
}

#[tokio::test]
async fn who_waits_for_a_key_of_urls_that_can_not_be_had_asks_once() {
    let (place, service) = (Place::new().await, Receiver::start());
    let identity = machine(&service);
    service.replies(given(&identity.answer));
    let storage = place.connect(&identity).await;
    let object = puts(&*storage, &old_key(), "a few words").await;
    drop(place.recorder.takes());
    place.recorder.passes(|request| {
        if request.path.contains("userdelegationkey") {
            Passing::Refused(400)
        } else {
            Passing::On
        }
    });
    let presented = presented();
    let all = (0..50).map(|_| storage.presign(&object, &presented, PATIENCE));
    for signed in futures::future::join_all(all).await {
        assert!(chain(&signed.unwrap_err()).contains("400"));
    }
    assert_eq!(place.recorder.takes().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let (place, service) = (Place::new().await, Receiver::start());
    let identity = machine(&service);
    let answer = |token: &str| {
        let mut answer = identity.answer.clone();
        answer["access_token"] = json!(token);
        given(&answer)
    };
    let first = token("first");
    service.replies_once([answer(&first)]);
    service.replies(answer(&token("second")));
    let storage = place.connect(&identity).await;
    storage.check().await.unwrap();
    place.saw_only(&first);
    let revoked = format!("Bearer {first}");
    place.recorder.passes(move |request| {
        if request.header("authorization") == revoked {
            Passing::Refused(401)
        } else {
            Passing::On
        }
    });
    goes_round(&*storage).await;
    assert_eq!(service.received().len(), 2);

    drop(place.recorder.takes());
    place.recorder.passes(|_| Passing::Refused(401));
    let refused = storage.check().await.unwrap_err();
    assert!(chain(&refused).contains("401"), "{}", chain(&refused));
    assert!(place.recorder.takes().len() <= 2, "it isn't asked for ever");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let (place, service) = (Place::new().await, Receiver::start());
    let mut identity = machine(&service);
    identity.answer["expires_in"] = json!("100");
    service.replies(given(&identity.answer));
    let storage = place.connect(&identity).await;
    wait_until(PATIENCE, "it has been renewed", async || {
        storage.check().await.unwrap();
        service.received().len() == 2
    })
    .await;
}

/// The error with all that is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let behind = error.source().map(chain);
    behind.map_or_else(|| error.to_string(), |behind| format!("{error}: {behind}"))
}

#[tokio::test]
async fn a_token_service_that_gives_none_is_named() {
    let place = Place::new().await;
    let down = Down::new();
    let metadata = down.url("");
    let variables = vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.clone())];
    let told = format!("the token service at {metadata}/metadata/identity/oauth2/token");
    let storage = place
        .connect(&Identity {
            variables,
            answer: Value::Null,
            is_asked_rightly: is_of_a_machine,
        })
        .await;
    let away = chain(&storage.check().await.unwrap_err());
    assert!(away.contains(&format!("{told} gave no token")), "{away}");
    let service = down.comes_up();
    let words = json!({"error": "invalid_request", "error_description": "Identity not found"});
    service.replies(Reply::With(400, None, words.to_string()));
    let expected = format!("{told} answered 400 Bad Request: invalid_request: Identity not found");
    wait_until(PATIENCE, "it is asked again", async || {
        let refused = chain(&storage.check().await.unwrap_err());
        refused.contains(&expected)
    })
    .await;
    assert_eq!(place.recorder.takes().len(), 0, "nothing is sent without");
    service.replies(given(&machine(&service).answer));
    wait_until(PATIENCE, "a token is given", async || {
        storage.check().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn while_no_tokens_are_given_uploads_wait_and_nothing_is_lost() {
    let (place, service) = (Place::new().await, Receiver::start());
    let mut identity = machine(&service);
    identity.answer["expires_in"] = json!("1");
    service.replies(given(&identity.answer));
    let url = place.url().await;
    let mut settings = vec![
        ("DOSSIER_STORAGE_URL", url.as_str()),
        ("AZURE_STORAGE_ACCOUNT_NAME", place.azure.account()),
    ];
    let own = identity.variables.iter();
    settings.extend(own.map(|(name, value)| (*name, value.as_str())));
    let app = TestApp::builder(Mode::Embedded)
        .settings(&settings)
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes: Bytes = pseudo_random(3, 1_000_000);
    let before = alice.active("before.bin", bytes.clone()).await;

    service.replies(Reply::status(503));
    let mut accepted = Vec::new();
    wait_until(PATIENCE, "the last token is over", async || {
        let request = alice.request(reqwest::Method::POST, "/v1/documents?name=large.bin");
        let answer = alice.send(request.body(bytes.clone())).await;
        if answer.status == 202 {
            accepted.push((answer.json(), bytes.clone()));
            return false;
        }
        answer.expect_problem(503, "unavailable");
        true
    })
    .await;
    // Few bytes need no storage to be accepted.
    let small = Bytes::from_static(b"a few words");
    let request = alice.request(reqwest::Method::POST, "/v1/documents?name=small.txt");
    let answer = alice.send(request.body(small.clone())).await;
    accepted.push((answer.expecting(202), small));
    let path = format!("/v1/documents/{}/content", before["id"].as_str().unwrap());
    let refused = alice.get(&path).await;
    refused.expect_problem(503, "unavailable");

    identity.answer["expires_in"] = json!("3600");
    service.replies(given(&identity.answer));
    // A failure to get one is shared for a moment.
    wait_until(PATIENCE, "there are tokens again", async || {
        alice.get(&path).await.status == 200
    })
    .await;
    for (document, bytes) in accepted {
        let document = alice.settled(&document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == bytes, "other bytes");
    }
    assert!(alice.downloads(&before).await == bytes, "other bytes");
    app.ends_clean().await;
}
