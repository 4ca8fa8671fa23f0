//! The bootstrap key in the ledger.

use domain::{Role, Sha256};
use ledger::{ApiKey, BootstrapKeyError, Database, add_key, ensure_bootstrap_key, find_key_holder};
use tests::ledger::{NOW, user};
use tests::on_each_database;

#[on_each_database]
async fn the_bootstrap_key_stays_with_who_has_it(db: &Database) {
    let key = |text: &str| Sha256::of(text.as_bytes());
    // Somebody else was called so before.
    user(db, "admin").await;
    ensure_bootstrap_key(db, key("first"), NOW).await.unwrap();
    let first = find_key_holder(db, key("first")).await.unwrap().unwrap();
    assert_eq!(first.caller.role, Role::Admin);
    ensure_bootstrap_key(db, key("second"), NOW).await.unwrap();
    assert_eq!(find_key_holder(db, key("first")).await.unwrap(), None);
    assert_eq!(
        find_key_holder(db, key("second")).await.unwrap(),
        Some(first)
    );
    // A key that somebody else holds would leave nobody an admin.
    let other = user(db, "other").await;
    add_key(db, ApiKey::new(other, NOW), key("issued"))
        .await
        .unwrap();
    let refused = ensure_bootstrap_key(db, key("issued"), NOW).await;
    assert!(matches!(refused, Err(BootstrapKeyError::Issued)));
    assert_eq!(
        find_key_holder(db, key("second")).await.unwrap(),
        Some(first)
    );
    let holder = find_key_holder(db, key("issued")).await.unwrap();
    assert_eq!(holder.unwrap().caller.role, Role::User);
}
