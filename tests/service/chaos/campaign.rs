//! A campaign: rounds of one fault against one service, each reckoned. Called by a short test for
//! each fault, and by the table for all of them.

use tests::dice::Dice;

use super::faults::Fault;
use super::load::{Plan, under_load};
use super::reckoning::{Toll, reckon};

/// What a campaign is run with.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    pub rounds: u64,
    pub seed: u64,
    pub plan: Plan,
}

/// What each test runs.
const SHORT: Campaign = Campaign {
    rounds: 1,
    seed: 1,
    plan: Plan {
        least: 60,
        most: 400,
        at_once: 8,
    },
};

/// Runs a campaign, and gives the toll of all rounds.
pub async fn run(fault: Fault, campaign: Campaign) -> Toll {
    let app = Box::pin(fault.app()).await;
    let client = app.user("alice").await;
    let mut dice = Dice::new(campaign.seed);
    let mut toll = Toll::default();
    for round in 0..campaign.rounds {
        let (mut load, mut striking) = (dice.child(), dice.child());
        let strike = Box::pin(fault.strike(&app, &mut striking));
        let name = format!("round{round}");
        let loaded = under_load(&client, &name, campaign.plan, &mut load, strike);
        let sent = Box::pin(loaded).await;
        toll = toll + reckon(&app, &client, &sent).await;
    }
    app.ends_whole(toll.unfinished()).await;
    let twice = "SELECT count(*) FROM (SELECT document_id FROM events WHERE kind = 'activated' \
         GROUP BY document_id HAVING count(*) > 1) twice";
    assert_eq!(app.number(twice).await, 0, "versions became active twice");
    toll
}

async fn strikes_in_vain(fault: Fault) {
    let toll = Box::pin(run(fault, SHORT)).await;
    println!("{}: {toll:?}", fault.name());
    if matches!(fault, Fault::StagingFull | Fault::DatabaseFull) {
        assert!(toll.refused > 0, "there was no room: {toll:?}");
    }
    assert!(toll.accepted > 0, "{toll:?}");
    assert_eq!(toll.active, toll.accepted, "{toll:?}");
    assert_eq!((toll.lost, toll.duplicated), (0, 0), "{toll:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing() {
    strikes_in_vain(Fault::WorkersKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ingress_keeps_what_it_accepted() {
    strikes_in_vain(Fault::IngressKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_embedded_service_keeps_what_it_accepted() {
    strikes_in_vain(Fault::AllKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_slept_past_its_lease_changes_nothing() {
    strikes_in_vain(Fault::WorkerStopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_service_that_slept_past_its_lease_goes_on() {
    strikes_in_vain(Fault::AllStopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_loses_nothing() {
    strikes_in_vain(Fault::RedisFlushed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_loses_nothing() {
    strikes_in_vain(Fault::RedisRestarted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_redis_holds_up_nothing() {
    strikes_in_vain(Fault::RedisStalled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_to_redis_lose_nothing() {
    strikes_in_vain(Fault::RedisCut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_loses_nothing() {
    strikes_in_vain(Fault::DatabaseKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_database_loses_nothing() {
    strikes_in_vain(Fault::DatabaseStalled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_the_middle_of_a_commit_lose_nothing() {
    strikes_in_vain(Fault::DatabaseCut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_refuses_a_third_loses_nothing() {
    strikes_in_vain(Fault::StorageRefuses).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_resets_a_third_loses_nothing() {
    strikes_in_vain(Fault::StorageResets).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_is_away_for_a_while_loses_nothing() {
    strikes_in_vain(Fault::StorageAway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_staging_loses_nothing() {
    strikes_in_vain(Fault::StagingFull).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_loses_nothing() {
    strikes_in_vain(Fault::StoreFull).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_loses_nothing() {
    strikes_in_vain(Fault::DatabaseFull).await;
}
