//! Pages of long lists: the duration of each kind of query on each database, and its plan.

use std::time::{Duration, Instant};

use domain::{ByteSize, Metadata, Status, UserId};
use ledger::{Database, DocumentFilter, ListRequest, Position, Sort, explain_page, list_page};
use serde_json::json;
use tests::databases::TestDatabase;
use tests::ledger::{NOW, user};
use tests::seed_documents::seed_documents;

/// The runs of each query, and the unmeasured runs before.
const ASKED: usize = 21;
const WARM: usize = 3;

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The numbers of documents, in ascending order
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1000,10000,100000,1000000"
    )]
    lengths: Vec<u32>,
    /// Prints the query plans for the longest list
    #[arg(long)]
    plans: bool,
}

/// Runs every query on lists of these lengths.
pub async fn run(options: &Options) {
    let lengths = &options.lengths;
    for (word, database) in [
        ("SQLite", TestDatabase::sqlite().await),
        ("PostgreSQL", TestDatabase::postgres().await),
    ] {
        let db = &database.db;
        let owner = user(db, "reader").await;
        let mut there = 0;
        for &length in lengths {
            seed_documents(db, owner, there, length).await;
            there = length;
            println!("\n{word}, {length} documents: ms at p50 / p95, rows");
            for (question, request) in questions(owner, length) {
                let (p50, p95, rows) = measure(db, &request).await;
                println!("  {question:<44} {p50:>9.2} / {p95:>9.2} {rows:>4}");
                if options.plans && Some(&length) == lengths.last() {
                    for line in explain_page(db, &request).await.expect("a plan") {
                        println!("      {line}");
                    }
                }
            }
        }
    }
}

async fn measure(db: &Database, request: &ListRequest) -> (f64, f64, usize) {
    let (mut times, mut rows) = (Vec::new(), 0);
    for asked in 0..WARM + ASKED {
        let begin = Instant::now();
        rows = list_page(db, request).await.expect("a page").len();
        if asked >= WARM {
            times.push(begin.elapsed());
        }
        // Slow queries run less often.
        if begin.elapsed() > Duration::from_secs(1) && asked > WARM {
            break;
        }
    }
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    (at(50), at(95), rows)
}

fn questions(owner: UserId, length: u32) -> Vec<(String, ListRequest)> {
    let asked = |filter: DocumentFilter, sort: &str, after: Option<Position>| ListRequest {
        owner,
        filter,
        sort: sort.parse().expect("an order"),
        after,
        limit: 51,
    };
    let all = DocumentFilter::default;
    let mut questions = Vec::new();
    for key in ["created_at", "updated_at", "name", "size_bytes"] {
        for sort in [key.to_owned(), format!("-{key}")] {
            let after = middle(&sort, length);
            questions.push((format!("sort={sort}"), asked(all(), &sort, None)));
            questions.push((
                format!("sort={sort}, from the middle"),
                asked(all(), &sort, after),
            ));
        }
    }
    for (question, filter) in filters(length) {
        questions.push((question, asked(filter, "-created_at", None)));
    }
    questions
}

/// A position in the middle of the list.
fn middle(sort: &str, length: u32) -> Option<Position> {
    let sort: Sort = sort.parse().expect("an order");
    let half = i64::from(length / 2);
    let value = match sort.key.as_str() {
        "created_at" => (NOW.as_micros() + half * 1_000_000).to_string(),
        "updated_at" => (NOW.as_micros() + 500_000 * 1_000_000).to_string(),
        "name" => "report 5".to_owned(),
        _ => "5000000".to_owned(),
    };
    Position::read(
        &format!("00000000-0000-7000-8000-000000000000 {value}"),
        sort,
    )
}

fn filters(length: u32) -> Vec<(String, DocumentFilter)> {
    let all = DocumentFilter::default;
    let metadata = |value| Some(Metadata::try_from(value).expect("metadata"));
    let types = |pattern: &str| DocumentFilter {
        media_types: Some(pattern.parse().expect("a pattern")),
        ..all()
    };
    let named = |part: &str| DocumentFilter {
        name_part: Some(part.to_owned()),
        ..all()
    };
    let containing = |value| DocumentFilter {
        metadata: metadata(value),
        ..all()
    };
    let second = |count: u32| NOW.plus(Duration::from_secs(count.into()));
    [
        (
            "status=archived",
            DocumentFilter {
                statuses: vec![Status::Archived],
                ..all()
            },
        ),
        (
            "is_public=true",
            DocumentFilter {
                is_public: Some(true),
                ..all()
            },
        ),
        ("mime_type=application/pdf (most)", types("application/pdf")),
        ("mime_type=image/png (1 of 1000)", types("image/png")),
        ("mime_type=image/* (1 of 1000)", types("image/*")),
        ("mime_type=video/* (none)", types("video/*")),
        ("name=report (all)", named("report")),
        ("name=report 17 of (one)", named("report 17 of")),
        ("name=nothing (none)", named("nothing")),
        (
            "created_after & created_before (100)",
            DocumentFilter {
                created_after: Some(second(length / 2)),
                created_before: Some(second(length / 2 + 100)),
                ..all()
            },
        ),
        (
            "min_size & max_size (narrow)",
            DocumentFilter {
                min_size: Some(ByteSize::new(5_000_000)),
                max_size: Some(ByteSize::new(5_000_100)),
                ..all()
            },
        ),
        (
            "metadata={\"year\":2005} (1 of 26)",
            containing(json!({"year": 2005})),
        ),
        (
            "metadata={\"number\":17} (one)",
            containing(json!({"number": 17})),
        ),
        (
            "metadata={\"number\":-1} (none)",
            containing(json!({"number": -1})),
        ),
    ]
    .map(|(question, filter)| (question.to_owned(), filter))
    .into()
}
