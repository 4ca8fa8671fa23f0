//! The cost of word indexes for writers: the intake of documents with and without them.

use std::time::{Duration, Instant};

use domain::{ByteSize, Limits, Metadata, UserId};
use ledger::{Arrival, Database, accept, delete_document};
use ledger::{Precondition, Target};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::databases::TestDatabase;
use tests::ledger::{NOW, arrival, limits, user};

/// Documents in a transaction, as many as a group commit takes.
const GROUP: u32 = 500;

/// What is inserted.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The number of documents to insert
    #[arg(long, default_value_t = 100_000)]
    pub count: u32,
}

/// Inserts that many documents into each database, and removes some of them one by one.
pub async fn run(count: u32) {
    for (word, with, without) in [
        (
            "SQLite",
            TestDatabase::sqlite().await,
            TestDatabase::sqlite().await,
        ),
        (
            "PostgreSQL",
            TestDatabase::postgres().await,
            TestDatabase::postgres().await,
        ),
    ] {
        if word == "SQLite" {
            migrations::down(without.db.writer())
                .await
                .expect("the newest migration is that of the words");
        } else {
            for index in ["documents_by_name_part", "documents_by_metadata"] {
                let sql = format!("DROP INDEX IF EXISTS {index}");
                without
                    .db
                    .writer()
                    .execute_unprepared(&sql)
                    .await
                    .expect("an index goes");
            }
        }
        let (plain, indexed) = (
            Taking::begin(&without.db).await,
            Taking::begin(&with.db).await,
        );
        let mut times = [Duration::ZERO; 2];
        // Alternating, so that other load on the machine affects both.
        for group in 0..count / GROUP {
            times[0] += plain.group(group * GROUP).await;
            times[1] += indexed.group(group * GROUP).await;
        }
        tell(word, "taken in", count, times);
        let times = [plain.removed().await, indexed.removed().await];
        tell(word, "removed", GROUP, times);
    }
}

fn tell(word: &str, done: &str, count: u32, times: [Duration; 2]) {
    let [plain, indexed] = times.map(|time| time.as_secs_f64() * 1e6 / f64::from(count));
    println!(
        "{word}: {count} {done}, {plain:.0} µs each without indexes of words, {indexed:.0} with them: {:.2} times",
        indexed / plain
    );
}

fn plenty() -> Limits {
    Limits {
        default_quota_bytes: ByteSize::gibibytes(1),
        default_quota_documents: 1_000_000_000,
        ..limits()
    }
}

struct Taking<'a> {
    db: &'a Database,
    owner: UserId,
}

impl<'a> Taking<'a> {
    async fn begin(db: &'a Database) -> Self {
        Self {
            db,
            owner: user(db, "writer").await,
        }
    }

    fn arrivals(&self, from: u32) -> Vec<Arrival> {
        let one = |n: u32| Arrival {
            name: format!("report {n} of {}.pdf", u64::from(n) * 7919 % 99_991)
                .parse()
                .expect("a name"),
            metadata: Metadata::try_from(json!({"number": n, "year": 2000 + n % 26}))
                .expect("metadata"),
            ..arrival(self.owner, "x", NOW)
        };
        (from..from + GROUP).map(one).collect()
    }

    async fn group(&self, from: u32) -> Duration {
        let arrivals = self.arrivals(from);
        let begin = Instant::now();
        let answers = accept(self.db, &plenty(), &arrivals)
            .await
            .expect("an intake");
        let taken = begin.elapsed();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        taken
    }

    async fn removed(&self) -> Duration {
        let arrivals = self.arrivals(0);
        accept(self.db, &plenty(), &arrivals)
            .await
            .expect("an intake");
        let begin = Instant::now();
        for arrival in arrivals {
            let target = Target {
                document: arrival.document,
                owner: self.owner,
                precondition: Precondition::None,
            };
            delete_document(self.db, &target, NOW, |_| vec![])
                .await
                .expect("a removal");
        }
        begin.elapsed()
    }
}
