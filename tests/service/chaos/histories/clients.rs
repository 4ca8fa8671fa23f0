//! Clients who do this and that to the documents of a board, and write down what they were told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Sha256;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{self, Client};
use tests::content::pseudo_random;
use tests::dice::Dice;
use tests::history::{Answer, Call, Recorder, Seen};
use tokio::time::{sleep, timeout};

use super::board::{Board, Known};

/// No answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(40);
/// The rest after a call that was not answered.
const REST: Duration = Duration::from_millis(50);

/// What the clients of one campaign have in common.
#[derive(Debug)]
pub struct Clients {
    pub client: Client,
    pub board: Board,
    pub recorder: Recorder,
    numbers: AtomicU64,
    seed: u64,
}

impl Clients {
    /// Clients in the name of `client`.
    pub fn new(client: Client, seed: u64) -> Self {
        Self {
            client,
            board: Board::default(),
            recorder: Recorder::default(),
            numbers: AtomicU64::new(1),
            seed,
        }
    }

    /// One client: calls until so many were answered.
    pub async fn run(&self, mut dice: Dice, calls: u64) {
        let mut answered = 0;
        while answered < calls {
            let (place, known) = self.board.draw(&mut dice);
            let was_answered = match known {
                Some(known) if dice.below(40) > 0 => self.change(&known, &mut dice).await,
                _ => self.upload(place, &mut dice).await,
            };
            if was_answered {
                answered += 1;
            } else {
                // Whoever was refused or cut off rests, or the history would be of refusals alone.
                sleep(REST).await;
            }
        }
    }

    /// Looks at a document once more, when all is quiet.
    pub async fn look(&self, id: &str) {
        let mut path = format!("/v1/documents/{id}?wait=20");
        let mut latest = 1;
        for asked in 0.. {
            assert!(asked < 10, "{id} is pending for ever");
            let begun = self.recorder.moment();
            let answer = self.client.get(&path).await;
            let told = told(&Call::Read, &answer).expect("all is whole");
            self.recorder
                .write(id, Call::Read, begun, Some(told.clone()));
            let Answer::Document(seen) = told else {
                return;
            };
            latest = seen.latest.max(latest);
            if seen.status != "pending" {
                break;
            }
        }
        for number in 1..=latest {
            path = format!("/v1/documents/{id}/versions/{number}/content");
            let request = self.client.request(Method::GET, &path);
            assert!(self.tell(id, Call::ReadVersion(number), request).await);
        }
        path = format!("/v1/documents/{id}/content");
        let request = self.client.request(Method::GET, &path);
        assert!(self.tell(id, Call::ReadContent, request).await);
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    /// Bytes that are sent once.
    fn content(&self, dice: &mut Dice) -> (bytes::Bytes, String) {
        let length = usize::try_from(dice.between(1, 40_000)).unwrap_or(1);
        let mut bytes = format!("{} {}\n", self.seed, self.number()).into_bytes();
        bytes.extend(pseudo_random(dice.any(), length));
        let digest = Sha256::of(&bytes).to_string();
        (bytes.into(), digest)
    }

    async fn upload(&self, place: u64, dice: &mut Dice) -> bool {
        let (bytes, content) = self.content(dice);
        let name = format!("upload {}", self.number());
        let request = self
            .client
            .request(Method::POST, "/v1/documents")
            .query(&[("name", &name)])
            .header("content-type", "application/octet-stream")
            .body(bytes);
        let begun = self.recorder.moment();
        let Ok(Ok(answer)) = timeout(PATIENCE, self.client.try_send(request)).await else {
            return false;
        };
        let call = Call::Upload { name, content };
        let Some(answer_told) = told(&call, &answer) else {
            return false;
        };
        let document = answer.expecting(202);
        let id = document["id"].as_str().unwrap();
        self.recorder
            .write(id, call, begun, Some(answer_told.clone()));
        self.board.put(place, id);
        true
    }

    async fn change(&self, known: &Known, dice: &mut Dice) -> bool {
        let path = format!("/v1/documents/{}", known.id);
        let if_match = (dice.below(2) == 0).then_some(known.revision);
        let ask = |method, rest: &str| self.client.request(method, &format!("{path}{rest}"));
        let (call, request) = match dice.below(100) {
            0..30 => (Call::Read, ask(Method::GET, "")),
            30..48 => (Call::ReadContent, ask(Method::GET, "/content")),
            48..56 => {
                let number = u32::try_from(dice.between(1, known.latest.into())).unwrap_or(1);
                let rest = format!("/versions/{number}/content");
                (Call::ReadVersion(number), ask(Method::GET, &rest))
            }
            56..74 => {
                let tag = self.number();
                let name = format!("name {tag}");
                let edit = json!({"name": name, "metadata": {"tag": tag}});
                let request = ask(Method::PATCH, "").json(&edit);
                let call = Call::Patch {
                    name,
                    tag,
                    if_match,
                };
                (call, request)
            }
            74..88 => {
                let (bytes, content) = self.content(dice);
                let request = ask(Method::PUT, "/content")
                    .header("content-type", "application/octet-stream")
                    .body(bytes);
                (Call::AddVersion { content, if_match }, request)
            }
            88..92 => (Call::Archive { if_match }, ask(Method::POST, "/archive")),
            92..98 => (Call::Restore { if_match }, ask(Method::POST, "/restore")),
            _ => (Call::Delete { if_match }, ask(Method::DELETE, "")),
        };
        let request = match call.if_match() {
            Some(revision) => request.header("if-match", format!("\"r{revision}\"")),
            None => request,
        };
        self.tell(&known.id, call, request).await
    }

    /// Sends a call, writes down what it was told, and says whether it was answered.
    async fn tell(&self, id: &str, call: Call, request: RequestBuilder) -> bool {
        let begun = self.recorder.moment();
        let answer = match timeout(PATIENCE, self.client.try_send(request)).await {
            // Nobody listened: it surely didn't happen.
            Ok(Err(error)) if error.is_connect() => return false,
            Ok(Err(_)) | Err(_) => None,
            Ok(Ok(answer)) => told(&call, &answer),
        };
        if let Some(Answer::Document(seen)) = &answer {
            self.board.saw(id, seen);
        }
        let was_answered = answer.is_some();
        if was_answered || !call.is_a_read() {
            self.recorder.write(id, call, begun, answer);
        }
        was_answered
    }
}

/// What an answer says; `None` if it leaves open what happened.
fn told(call: &Call, answer: &app::Answer) -> Option<Answer> {
    match answer.status.as_u16() {
        204 => Some(Answer::Deleted),
        200..300 if matches!(call, Call::ReadContent | Call::ReadVersion(_)) => {
            Some(Answer::Content(Sha256::of(&answer.body).to_string()))
        }
        200..300 => Some(Answer::Document(seen(&answer.json()))),
        400..500 => {
            let code = answer.json()["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            Some(Answer::Refused(code))
        }
        _ => {
            answer.expect_problem(503, "unavailable");
            None
        }
    }
}

fn seen(document: &Value) -> Seen {
    let number = |member: &str| document[member].as_u64();
    let text = |member: &str| document[member].as_str().unwrap_or_default().to_owned();
    let version = |member: &str| number(member).and_then(|number| u32::try_from(number).ok());
    Seen {
        status: text("status"),
        revision: number("revision").unwrap(),
        name: text("name"),
        tag: document["metadata"]["tag"].as_u64().unwrap_or(0),
        version: version("version"),
        latest: version("latest_version").unwrap(),
        sha256: text("sha256"),
    }
}
