//! How many uploads of one user may be under way at once.

use domain::{ByteSize, UserId};

use super::app::App;
use crate::uploads::Bounds;

const BOUNDS: Bounds = Bounds {
    quota: u64::MAX,
    quota_limit: u64::MAX,
    staging: u64::MAX,
};

#[tokio::test]
async fn who_has_512_uploads_under_way_begins_no_other() {
    let app = App::start().await;
    let (alice, bob) = (app.alice().await, app.bob().await);
    let owner: UserId = alice.id.parse().unwrap();
    let in_flight = app.intake.in_flight();
    let begin = || in_flight.begin(owner, ByteSize::ZERO, BOUNDS);
    let mut held = Vec::new();
    for _ in 0..512 {
        held.push(begin().await.unwrap());
    }
    let refused = alice.uploads("one.txt", "too many").await;
    assert_eq!(refused.problem(), (429, "too_many_uploads".to_owned()));
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u32>()
            .unwrap()
            > 0
    );
    assert_eq!(
        bob.uploads("other.txt", "of somebody else").await.status,
        202
    );
    held.pop();
    assert_eq!(alice.uploads("one.txt", "fits again").await.status, 202);
    // One that has ended, however it did, counts no more.
    assert_eq!(alice.uploads("", "without a name").await.status, 422);
    drop(begin().await.unwrap());
    assert_eq!(alice.uploads("two.txt", "fits as well").await.status, 202);
}
