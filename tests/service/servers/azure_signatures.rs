//! Azure with shared access signatures: of the account, and of a container. They sign nothing further.

use std::sync::Arc;
use std::time::Duration;

use domain::ByteSize;
use serde_json::json;
use storage::contract::{Unfinished, check_contract};
use storage::{Environment, Presented, Storage, StorageUrl};
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::objects::{goes_round, old_key, puts};
use tests::servers::Azurite;

pub(super) async fn connect(url: &str, variables: &[(&str, &str)]) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().expect("a storage URL");
    let environment = Environment::only(variables.iter().copied());
    let connected = url.connect_in(&environment).await;
    connected.expect("a client, which sends nothing yet")
}

pub(super) fn presented() -> Presented {
    Presented {
        media_type: "text/plain".to_owned(),
        disposition: "attachment; filename=\"a b.txt\"".to_owned(),
    }
}

#[tokio::test]
async fn a_signature_of_the_account_keeps_the_contract() {
    let azure = Azurite::shared().await;
    let signature = azure.signature_of_account();
    let variables = [
        ("AZURE_STORAGE_ACCOUNT_NAME", azure.account()),
        ("AZURE_STORAGE_SAS_TOKEN", &signature),
    ];
    let one = connect(&azure.fresh_storage_url().await, &variables).await;
    let other = connect(&azure.fresh_storage_url().await, &variables).await;
    check_contract(one, other, Unfinished::Listed).await;
}

#[tokio::test]
async fn a_signature_of_the_container_is_enough_and_signs_nothing() {
    let azure = Azurite::shared().await;
    let url = azure.fresh_storage_url().await;
    // As it is copied from the portal.
    let signature = format!("?{}", azure.signature_of(&url));
    let variables = [
        ("AZURE_STORAGE_ACCOUNT_NAME", azure.account()),
        ("AZURE_STORAGE_SAS_TOKEN", &signature),
    ];
    let storage = connect(&url, &variables).await;
    storage.check().await.unwrap();
    goes_round(&*storage).await;
    let object = puts(&*storage, &old_key(), "a few words").await;
    let minute = Duration::from_mins(1);
    let signed = storage.presign(&object, &presented(), minute).await;
    assert_eq!(signed.unwrap(), None);
    let direct = storage.direct().unwrap();
    let begun = direct.begin(&object, ByteSize::new(10)).await;
    assert_eq!(begun.unwrap(), None);
    // It opens no other container.
    let elsewhere = connect(&azure.fresh_storage_url().await, &variables).await;
    elsewhere.check().await.unwrap_err();
}

#[tokio::test]
async fn a_service_with_a_signature_alone_sends_the_bytes_itself() {
    let azure = Azurite::shared().await;
    let url = azure.fresh_storage_url().await;
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_STORAGE_URL", &url),
            ("DOSSIER_REDIRECT_DOWNLOADS", "always"),
            ("AZURE_STORAGE_ACCOUNT_NAME", azure.account()),
            ("AZURE_STORAGE_SAS_TOKEN", &azure.signature_of(&url)),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, 20_000_000);
    let document = alice.active("large.bin", bytes.clone()).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let answer = alice.get(&format!("{path}/content?redirect=true")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == bytes, "other bytes");
    let wanted = json!({"name": "a.bin", "size_bytes": 1});
    let refused = direct::begin(&alice, &wanted).await;
    refused.expect_problem(501, "not_supported");
    alice.delete(&path).await.expecting(204);
    app.ends_clean().await;
}
