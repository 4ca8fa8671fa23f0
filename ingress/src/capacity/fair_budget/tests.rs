//! What accounts get of a budget when all of them want more than there is.

use std::net::IpAddr;

use domain::UserId;
use futures::FutureExt;
use uuid::Uuid;

use super::*;

const ALICE: Account = user(1);
const BOB: Account = user(2);

const fn user(number: u128) -> Account {
    Account::User(UserId(Uuid::from_u128(number)))
}

fn budget() -> FairBudget {
    FairBudget::new(Shares {
        total: 1_000,
        address: 250,
        user: 500,
        least: 1,
    })
}

fn address(number: u8) -> Account {
    Account::Address(IpAddr::from([192, 0, 2, number]))
}

fn network(site: u16, number: u16) -> Account {
    Account::Address(IpAddr::from([0x2001, 0xdb8, site, number, 0, 0, 0, 0]))
}

/// All that the account gets, one by one.
fn all(budget: &FairBudget, account: Account) -> Vec<Taken> {
    std::iter::from_fn(|| budget.try_take(account, 1).ok()).collect()
}

#[test]
fn greedy_users_leave_room_for_another() {
    let budget = budget();
    let greedy: Vec<_> = (1..8).map(|number| all(&budget, user(number))).collect();
    assert_eq!(greedy[0].len(), 500, "half of it for one alone");
    assert!(budget.taken() < 1_000);
    let newcomer = budget.try_take(user(99), 1);
    assert!(newcomer.is_ok());
    assert_eq!(budget.try_take(ALICE, 1).unwrap_err(), Spent::Share);
    drop((greedy, newcomer));
    assert_eq!(budget.taken(), 0);
    assert!(
        budget.0.lock().accounts.is_empty(),
        "accounts are forgotten"
    );
}

#[test]
fn strangers_leave_half_of_it_to_users_however_many_they_are() {
    let budget = budget();
    let strangers: Vec<_> = (0..=255)
        .map(|number| all(&budget, address(number)))
        .collect();
    let networks: Vec<_> = (0..600)
        .map(|number| all(&budget, network(number, 0)))
        .collect();
    assert_eq!(budget.taken(), 500);
    assert_eq!(
        budget.try_take(network(700, 0), 1).unwrap_err(),
        Spent::Total
    );
    assert!(budget.try_take(ALICE, 200).is_ok());
    let claimant = Account::Claimant(IpAddr::from([192, 0, 2, 1]));
    let mut known = budget.try_take(claimant, 1).unwrap();
    known.move_to(ALICE).unwrap();
    drop((strangers, networks, known));
    let state = budget.0.lock();
    assert!(state.accounts.is_empty() && state.sites.is_empty() && state.classes == [0; 3]);
}

#[test]
fn the_networks_of_one_site_are_no_strangers_to_each_other() {
    let budget = budget();
    let site: Vec<_> = (0..1_000)
        .map(|number| all(&budget, network(1, number)))
        .collect();
    let held = site.iter().map(Vec::len).sum::<usize>();
    assert!(held <= 334, "{held}");
    assert!(all(&budget, network(2, 0)).len() > 50);
}

#[test]
fn more_than_a_share_counts_as_the_whole_share() {
    let budget = budget();
    let whole = budget.try_take(ALICE, 10_000).unwrap();
    assert_eq!(budget.taken(), 500);
    drop(whole);
    assert_eq!(budget.taken(), 0);
}

#[test]
fn what_is_known_to_be_a_users_is_no_more_of_the_address() {
    let budget = budget();
    let mut first = budget.try_take(address(1), 250).unwrap();
    assert_eq!(budget.try_take(address(1), 1).unwrap_err(), Spent::Share);
    first.move_to(ALICE).unwrap();
    let mut second = budget.try_take(address(1), 1).unwrap();
    let rest = budget.try_take(ALICE, 200).unwrap();
    let bob = budget.try_take(BOB, 200).unwrap();
    assert_eq!(second.move_to(ALICE).unwrap_err(), Spent::Share);
    assert_eq!(budget.taken(), 651);
    drop((first, second, rest, bob));
    assert!(budget.0.lock().accounts.is_empty());
}

#[test]
fn what_is_not_needed_after_all_is_given_back() {
    let budget = budget();
    let mut taken = budget.try_take(ALICE, 6).unwrap();
    taken.shrink_to(2);
    assert_eq!(budget.taken(), 2);
    taken.shrink_to(5);
    assert_eq!(budget.taken(), 2);
    assert_eq!(budget.holders(), 1);
    drop(taken);
    assert_eq!(budget.holders(), 0);
}

#[test]
fn the_last_that_is_free_is_for_who_has_none() {
    let budget = FairBudget::new(Shares {
        total: 12,
        address: 6,
        user: 6,
        least: 3,
    });
    let held: Vec<_> = (1..=3)
        .map(|number| budget.try_take(user(number), 3).unwrap())
        .collect();
    assert_eq!(budget.try_take(user(1), 3).unwrap_err(), Spent::Share);
    let last = budget.try_take(user(4), 3).unwrap();
    assert_eq!(budget.try_take(user(5), 1).unwrap_err(), Spent::Total);
    drop((held, last));
}

#[test]
fn a_budget_of_one_serves_one() {
    let budget = FairBudget::new(Shares {
        total: 1,
        address: 1,
        user: 1,
        least: 1,
    });
    let one = budget.try_take(address(1), 1).unwrap();
    assert_eq!(budget.try_take(ALICE, 1).unwrap_err(), Spent::Total);
    drop(one);
    assert!(budget.try_take(ALICE, 1).is_ok());
}

#[tokio::test]
async fn who_waits_holds_up_nobody_of_another_account() {
    let budget = budget();
    let alice = budget.try_take(ALICE, 500).unwrap();
    let mut waiting = Box::pin(budget.take(ALICE, 2));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(budget.take(BOB, 4).now_or_never().is_some());
    drop(alice);
    assert!(waiting.as_mut().now_or_never().is_some());
    drop(waiting);
    assert!(budget.0.lock().accounts.is_empty());
}
