//! Sixteen writers and eight readers while every process is killed, and PostgreSQL and Redis with them:
//! each reader sees the log as the ledger has it, each event once.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp, Upload};
use tests::feed::{Stream, text, types};
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tokio::sync::watch;

const WRITERS: usize = 16;

/// How much is written meanwhile, and how often it is struck.
#[derive(Clone, Copy)]
struct Plan {
    /// Documents of each writer.
    documents: usize,
    /// How often all processes and servers are killed.
    kills: usize,
}

const SHORT: Plan = Plan {
    documents: 6,
    kills: 2,
};

const LONG: Plan = Plan {
    documents: 60,
    kills: 20,
};

const PATIENCE: Duration = Duration::from_mins(3);

/// Repeats a request until it is answered, and not with a failure of the service. The first attempt
/// may have had its effect all the same.
async fn insists(mut ask: impl AsyncFnMut() -> Result<tests::app::Answer, reqwest::Error>) {
    poll(PATIENCE, async || match ask().await {
        Ok(answer) if !answer.status.is_server_error() => Ok(()),
        Ok(answer) => Err(answer.text()),
        Err(error) => Err(error.to_string()),
    })
    .await;
}

async fn asks(client: &Client, method: Method, path: &str) {
    insists(async || client.try_send(client.request(method.clone(), path)).await).await;
}

/// Uploads documents, and changes, archives or deletes them.
async fn writes(client: &Client, writer: usize, documents: usize) {
    for index in 0..documents {
        let name = format!("{writer}-{index}.txt");
        let path = poll(PATIENCE, async || {
            let upload = Upload::new(&name, name.clone());
            match client.try_upload(upload).await {
                Ok(answer) if answer.status == 202 => Ok(text(&answer.json()["id"])),
                Ok(answer) => Err(answer.text()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        let path = format!("/v1/documents/{path}");
        let edited = json!({"metadata": {"writer": writer}});
        insists(async || {
            let request = client.request(Method::PATCH, &path);
            client.try_send(request.json(&edited)).await
        })
        .await;
        asks(client, Method::POST, &format!("{path}/archive")).await;
        if index % 2 == 0 {
            asks(client, Method::DELETE, &path).await;
        }
    }
}

/// A page of a feed, asked for until it is answered.
async fn page(client: &Client, query: &str) -> Value {
    let path = format!("/v1/events?{query}");
    poll(PATIENCE, async || {
        let answer = client.try_send(client.request(Method::GET, &path)).await;
        match answer {
            Ok(answer) if answer.status == 200 => Ok(answer.json()),
            Ok(answer) => Err(answer.text()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

/// All events of a feed.
async fn all(client: &Client) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.last().map(|event| text(&event["id"]));
        let after = after.map_or(String::new(), |id| format!("&after={id}"));
        let page = page(client, &format!("limit=1000{after}")).await;
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return events;
        }
        events.extend(items.iter().cloned());
    }
}

/// Follows a feed by polls until `over` and nothing more comes. Returns the ids of the events.
async fn polls(client: &Client, over: &AtomicBool) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let was_over = over.load(Ordering::SeqCst);
        let page = page(client, &format!("limit=7&wait=1{after}")).await;
        let items = page["items"].as_array().unwrap();
        if items.is_empty() && was_over {
            return seen;
        }
        seen.extend(items.iter().map(|event| text(&event["id"])));
        after = format!("&after={}", text(&page["next_cursor"]));
    }
}

/// Follows a feed by streams, each behind the last event of the one before, until it has seen the
/// event `last` says.
async fn streams(client: &Client, last: &watch::Sender<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut last = last.subscribe();
    loop {
        let opened = poll(PATIENCE, async || {
            let opened = Stream::try_open(client, "", seen.last().map(String::as_str)).await;
            match opened {
                Ok(stream) if stream.status() == 200 => Ok(stream),
                Ok(stream) => Err(stream.status().to_string()),
                Err(error) => Err(error.to_string()),
            }
        });
        let mut stream = opened.await;
        loop {
            let next = tokio::select! {
                next = stream.try_next() => next,
                ended = last.wait_for(|last| !last.is_empty() && seen.last() == Some(last)) => {
                    drop(ended);
                    return seen;
                }
            };
            match next {
                Ok(Some(event)) => seen.push(event.id),
                // The process has stopped, or was killed.
                Ok(None) | Err(_) => break,
            }
        }
    }
}

/// Kills every process in turn, then every server, and starts it again.
async fn kills(app: &TestApp, over: &AtomicBool, kills: usize) {
    for round in 0..kills {
        let written = "SELECT count(*) FROM events";
        let are_in = i64::try_from((round + 1) * WRITERS).unwrap();
        let is_time = async || app.number(written).await >= are_in || over.load(Ordering::SeqCst);
        wait_until(PATIENCE, "events are written", is_time).await;
        for worker in app.workers() {
            worker.kill().await;
            worker.restart().await;
        }
        if app.mode() == Mode::Distributed {
            app.ingress().kill().await;
            app.ingress().restart().await;
            let (postgres, redis) = (&app.breakable().postgres, app.redis().unwrap());
            postgres.kill().await;
            // Statements and hints fail, not only connections.
            redis.stop().await;
            postgres.start().await;
            redis.start().await;
        }
    }
}

#[in_both_modes]
async fn readers_see_every_event_once_through_kills_of_all_processes(mode: Mode) {
    Box::pin(readers_see_every_event_once(mode, SHORT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: run it by ./test --long"]
async fn readers_see_every_event_once_through_many_kills() {
    for mode in [Mode::Embedded, Mode::Distributed] {
        Box::pin(readers_see_every_event_once(mode, LONG)).await;
    }
}

async fn readers_see_every_event_once(mode: Mode, plan: Plan) {
    let builder = TestApp::builder(mode).settings(&[("DOSSIER_LEASE", "2s")]);
    let builder = match mode {
        Mode::Embedded => builder,
        Mode::Distributed => builder.breakable(),
    };
    let app = Box::pin(builder.start()).await;
    let names = ["alice", "bob"];
    let owners = [app.user(names[0]).await, app.user(names[1]).await];
    let over = AtomicBool::new(false);
    let ends = [(); 2].map(|()| watch::Sender::new(String::new()));
    let mut readers: Vec<LocalBoxFuture<'_, Vec<String>>> = Vec::new();
    for (owner, end) in owners.iter().zip(&ends) {
        for _ in 0..2 {
            readers.push(polls(owner, &over).boxed_local());
            readers.push(streams(owner, end).boxed_local());
        }
    }
    let course = async {
        let written = AtomicBool::new(false);
        let writers = async {
            let writers =
                (0..WRITERS).map(|writer| writes(&owners[writer % 2], writer, plan.documents));
            join_all(writers).await;
            written.store(true, Ordering::SeqCst);
        };
        tokio::join!(writers, kills(&app, &written, plan.kills));
        let open = "SELECT count(*) FROM versions WHERE status = 'pending'";
        let settled = async || app.number(open).await == 0;
        wait_until(PATIENCE, "all is settled", settled).await;
        over.store(true, Ordering::SeqCst);
        let mut expected = Vec::new();
        for ((owner, name), end) in owners.iter().zip(names).zip(&ends) {
            let events = all(owner).await;
            are_in_order(&events);
            assert_eq!(types(&events), in_ledger(&app, name).await);
            let ids = events.iter().map(|event| text(&event["id"]));
            let ids = ids.collect::<Vec<_>>();
            end.send_replace(ids.last().unwrap().clone());
            expected.push(ids);
        }
        expected
    };
    let (seen, expected) = tokio::join!(join_all(readers), course);
    let number = "SELECT count(*) FROM events WHERE type IS NOT NULL";
    let number = usize::try_from(app.number(number).await).unwrap();
    assert_eq!(expected.iter().map(Vec::len).sum::<usize>(), number);
    assert!(number >= WRITERS * plan.documents * 3);
    for (index, seen) in seen.into_iter().enumerate() {
        let expected = &expected[index / 4];
        assert!(seen == *expected, "reader {index} saw something else");
    }
    app.ends_whole(WRITERS * plan.documents).await;
}

/// The types of a user's events, as the ledger has them.
async fn in_ledger(app: &TestApp, name: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(e.sequence AS text) || ' ' || e.type FROM events e JOIN users u ON u.id = e.owner_id \
         WHERE u.name = '{name}' AND e.type IS NOT NULL"
    );
    let rows = app.texts(&sql).await;
    let numbered = rows.iter().map(|row| {
        let (sequence, kind) = row.split_once(' ').unwrap();
        (sequence.parse::<i64>().unwrap(), kind.to_owned())
    });
    let in_order: BTreeMap<_, _> = numbered.collect();
    in_order.into_values().collect()
}

/// A document's events are told in the order of its revisions.
fn are_in_order(events: &[Value]) {
    let mut revisions = HashMap::new();
    for event in events {
        let document = &event["data"]["document"];
        let revision = document["revision"].as_u64().unwrap();
        let before = revisions.insert(text(&document["id"]), revision);
        assert!(before.is_none_or(|before| before <= revision), "{event}");
    }
}
