//! A roll-out: the former release and this one work beside each other on one database, and nobody
//! notices.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Answer, Carrier, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::{poll, wait_until};
use tests::servers::{Dossier, program};

/// How long a load may take to go on.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client behind a balancer: it asks whichever process doesn't refuse the connection.
struct Doors {
    doors: [Client; 2],
    rounds: AtomicUsize,
}

impl Doors {
    /// Sends a request to the first process that takes the connection. A failure after that, and any
    /// status but those expected, fails the test.
    async fn ask(
        &self,
        first: usize,
        request: impl Fn(&Client) -> RequestBuilder,
        statuses: &[u16],
    ) -> Answer {
        let mut next = first;
        let answer = poll(PATIENCE, async || {
            let door = &self.doors[next % 2];
            next += 1;
            match door.try_send(request(door)).await {
                Ok(answer) => Ok(answer),
                Err(error) if error.is_connect() => Err("nobody is there"),
                Err(error) => panic!("a request was lost: {error:?}"),
            }
        })
        .await;
        let status = answer.status.as_u16();
        assert!(statuses.contains(&status), "{status}: {}", answer.text());
        answer
    }

    async fn get(&self, first: usize, path: &str) -> Answer {
        let request = |door: &Client| door.request(Method::GET, path);
        self.ask(first, request, &[200]).await
    }

    async fn send(&self, first: usize, method: Method, path: &str, body: &Value) -> Answer {
        let request = |door: &Client| door.request(method.clone(), path).json(body);
        self.ask(first, request, &[200, 202]).await
    }

    /// Polls until what is at `path` has this field.
    async fn awaits(&self, first: usize, path: &str, is_done: impl Fn(&Value) -> bool) -> Value {
        let path = format!("{path}?wait=5");
        poll(PATIENCE, async || {
            let found = self.get(first, &path).await.json();
            if is_done(&found) {
                Ok(found)
            } else {
                Err(found)
            }
        })
        .await
    }

    /// Uploads a document, reads it, changes it, and takes it away, one step by each process.
    async fn round(&self, lane: usize, round: usize) {
        let name = format!("{lane}-{round}.bin");
        let seed = (lane * 100_000 + round) as u64;
        let bytes = pseudo_random(seed, 200 + round % 7 * 20_000);
        let upload = |door: &Client| {
            let request = door.request(Method::POST, "/v1/documents");
            request.query(&[("name", &name)]).body(bytes.clone())
        };
        let document = self.ask(round, upload, &[202]).await.json();
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        let is_settled = |document: &Value| document["status"] != "pending";
        let document = self.awaits(round + 1, &path, is_settled).await;
        assert_eq!(document["status"], "active", "{document}");
        let content = self.get(round, &format!("{path}/content")).await;
        assert!(content.body == bytes, "{document}");
        let edit = json!({"metadata": {"round": round}});
        self.send(round + 1, Method::PATCH, &path, &edit).await;
        let edited = self.get(round, &path).await.json();
        assert_eq!(edited["metadata"]["round"], round, "{edited}");
        self.get(round + 1, "/v1/documents?limit=5").await;
        let action = ["archive", "delete"][round % 2];
        let bulk = json!({"action": action, "select": {"ids": [document["id"]]}});
        let operation = self
            .send(round, Method::POST, "/v1/operations", &bulk)
            .await;
        let operation = operation.json();
        let path = format!("/v1/operations/{}", operation["id"].as_str().unwrap());
        let is_over = |operation: &Value| operation["finished_at"].is_string();
        let operation = self.awaits(round + 1, &path, is_over).await;
        assert_eq!(operation["succeeded"], 1, "{operation}");
        self.rounds.fetch_add(1, Ordering::SeqCst);
    }

    async fn goes_on(&self, lane: usize, is_over: &AtomicBool) {
        let mut round = 0;
        while !is_over.load(Ordering::SeqCst) {
            self.round(lane, round).await;
            round += 1;
        }
    }

    /// Waits until so many more rounds are over, which began meanwhile.
    async fn more(&self, rounds: usize) {
        let until = self.rounds.load(Ordering::SeqCst) + rounds;
        let are_over = async || self.rounds.load(Ordering::SeqCst) >= until;
        wait_until(PATIENCE, "rounds are over", are_over).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the former release: run it by ./test --long"]
async fn a_roll_from_the_former_release_and_back_fails_no_call() {
    let former = std::env::var_os("DOSSIER_TEST_FORMER").map(PathBuf::from);
    let former = former.expect("`./test --long` builds the former release");
    // The former release may not know another carrier.
    let app = TestApp::builder(Mode::Distributed).hints_by(Carrier::Redis);
    let app = Box::pin(app.release(&former).start()).await;
    let second = Dossier::start_of(&former, "ingress", app.variables()).await;
    let alice = app.user("alice").await;
    let doors = Doors {
        doors: [alice.clone(), alice.speaking_to(&second.api())],
        rounds: AtomicUsize::new(0),
    };
    let is_over = AtomicBool::new(false);
    let lanes = join_all((0..4).map(|lane| doors.goes_on(lane, &is_over)));
    let rolls = async {
        doors.more(8).await;
        Dossier::run(&["migrate", "up"], app.variables()).await;
        doors.more(8).await;
        let workers = app.workers();
        let processes = [app.ingress(), workers[0], &second, workers[1]];
        for release in [program(), former, program()] {
            for process in processes {
                process.terminate().await;
                process.restart_as(&release).await;
                doors.more(8).await;
            }
        }
        is_over.store(true, Ordering::SeqCst);
    };
    tokio::join!(lanes, Box::pin(rolls));
    let rounds = doors.rounds.load(Ordering::SeqCst);
    println!("{rounds} rounds of calls during 12 restarts, and none failed");
    app.ends_clean().await;
    let audit = app.command(&["audit"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
}
