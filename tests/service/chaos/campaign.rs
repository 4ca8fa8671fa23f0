//! A campaign: rounds of one fault against one service, its outcomes counted. Called by a short test for
//! each fault, and by the table for all of them.

use tests::app::Backend;
use tests::dice::Dice;

use super::faults::Fault;
use super::load::{Plan, under_load};
use super::outcomes::{OutcomeCounts, count_outcomes};

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

/// Runs a campaign, and gives the counts of all rounds.
pub async fn run(fault: Fault, campaign: Campaign) -> OutcomeCounts {
    let app = Box::pin(fault.app()).await;
    let client = app.user("alice").await;
    let mut dice = Dice::new(campaign.seed);
    let mut counts = OutcomeCounts::default();
    for round in 0..campaign.rounds {
        let (mut load, mut striking) = (dice.child(), dice.child());
        let strike = Box::pin(fault.strike(&app, &mut striking));
        let name = format!("round{round}");
        let loaded = under_load(&client, &name, campaign.plan, &mut load, strike);
        let sent = Box::pin(loaded).await;
        counts = counts + count_outcomes(&app, &client, &sent).await;
    }
    app.ends_whole(counts.unfinished()).await;
    let twice = "SELECT count(*) FROM (SELECT document_id FROM events WHERE kind = 'activated' \
         GROUP BY document_id HAVING count(*) > 1) twice";
    assert_eq!(app.number(twice).await, 0, "versions became active twice");
    counts
}

async fn loses_nothing(fault: Fault) {
    let counts = Box::pin(run(fault, SHORT)).await;
    println!("{}: {counts:?}", fault.name());
    if matches!(fault, Fault::StagingFull | Fault::DatabaseFull) {
        assert!(counts.refused > 0, "there was no room: {counts:?}");
    }
    assert!(counts.accepted > 0, "{counts:?}");
    assert_eq!(counts.active, counts.accepted, "{counts:?}");
    assert_eq!((counts.lost, counts.duplicated), (0, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing() {
    loses_nothing(Fault::WorkersKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ingress_keeps_what_it_accepted() {
    loses_nothing(Fault::IngressKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_embedded_service_keeps_what_it_accepted() {
    loses_nothing(Fault::AllKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_slept_past_its_lease_changes_nothing() {
    loses_nothing(Fault::WorkerStopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_service_that_slept_past_its_lease_goes_on() {
    loses_nothing(Fault::AllStopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_loses_nothing() {
    loses_nothing(Fault::RedisFlushed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_loses_nothing() {
    loses_nothing(Fault::RedisRestarted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_redis_holds_up_nothing() {
    loses_nothing(Fault::RedisStalled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_to_redis_lose_nothing() {
    loses_nothing(Fault::RedisCut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_loses_nothing() {
    loses_nothing(Fault::DatabaseKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_database_loses_nothing() {
    loses_nothing(Fault::DatabaseStalled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_the_middle_of_a_commit_lose_nothing() {
    loses_nothing(Fault::DatabaseCut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_refuses_a_third_loses_nothing() {
    loses_nothing(Fault::StorageRefuses(Backend::S3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_that_refuses_a_third_loses_nothing() {
    loses_nothing(Fault::StorageRefuses(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gcs_that_refuses_a_third_loses_nothing() {
    loses_nothing(Fault::StorageRefuses(Backend::Gcs)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_resets_a_third_loses_nothing() {
    loses_nothing(Fault::StorageResets(Backend::S3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_that_resets_a_third_loses_nothing() {
    loses_nothing(Fault::StorageResets(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gcs_that_resets_a_third_loses_nothing() {
    loses_nothing(Fault::StorageResets(Backend::Gcs)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_is_away_for_a_while_loses_nothing() {
    loses_nothing(Fault::StorageAway(Backend::S3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_that_is_away_for_a_while_loses_nothing() {
    loses_nothing(Fault::StorageAway(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gcs_that_is_away_for_a_while_loses_nothing() {
    loses_nothing(Fault::StorageAway(Backend::Gcs)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_staging_loses_nothing() {
    loses_nothing(Fault::StagingFull).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_loses_nothing() {
    loses_nothing(Fault::StoreFull).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_loses_nothing() {
    loses_nothing(Fault::DatabaseFull).await;
}
