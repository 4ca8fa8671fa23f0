//! What the statements of intake, claim, outcome and renewal cost while many documents wait: with
//! and without statistics, of one owner and of many.

use std::time::{Duration, Instant};

use domain::{ByteSize, Limits, UserId, VersionId};
use ledger::{
    Arrival, ClaimRequest, ClaimedJob, Database, OwnerShare, Settlement, accept, claim_within,
    load_pending, renew_leases, settle,
};
use queue::{JobKind, Queue};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use tests::content::pseudo_random;
use tests::databases::TestDatabase;
use tests::ledger::{LEASE, NOW, arrival, limits, stored, user};
use tests::servers::Postgres;
use uuid::Uuid;

/// Documents that are taken in, claimed and activated together.
pub(super) const GROUP: usize = 16;

/// Their length.
const SIZE: usize = 16 << 10;

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How many documents wait
    #[arg(long, value_delimiter = ',', default_value = "0,10000,1000000")]
    waiting: Vec<u32>,
    /// How many users they belong to
    #[arg(long, value_delimiter = ',', default_value = "1,1000")]
    owners: Vec<u32>,
    /// How many groups of 16 are measured
    #[arg(long, default_value_t = 100)]
    groups: usize,
}

/// Measures each number of waiting documents with each number of owners on both databases.
pub async fn run(options: &Options) {
    let (waiting, owners, groups) = (&options.waiting, &options.owners, options.groups);
    println!(
        "Microseconds a document, of {groups} groups of {GROUP}; PostgreSQL: buffers a document in brackets"
    );
    println!("| database | waiting | owners | intake | claim | load | outcome | renewal |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for &count in waiting {
        for &of in owners.iter().filter(|of| count >= **of || **of == 1) {
            let sqlite = TestDatabase::sqlite().await;
            wait(&sqlite.db, count, of).await;
            tell(
                "SQLite",
                (count, of),
                &measure(&sqlite.db, "writer", groups).await,
            );
            let server = Postgres::durable().await;
            let db = TestDatabase::on(&server).await;
            execute(&db, "CREATE EXTENSION pg_stat_statements", vec![]).await;
            for table in ["documents", "versions", "jobs", "events", "users", "blobs"] {
                let sql = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
                execute(&db, &sql, vec![]).await;
            }
            wait(&db, count, of).await;
            tell(
                "PostgreSQL, no statistics",
                (count, of),
                &measure(&db, "first writer", groups).await,
            );
            execute(&db, "VACUUM ANALYZE", vec![]).await;
            let figures = measure(&db, "second writer", groups).await;
            tell("PostgreSQL, analyzed", (count, of), &figures);
            for line in figures.statements {
                println!("    {line}");
            }
        }
    }
}

/// What the groups of one database cost.
struct Figures {
    times: [Duration; 5],
    /// Buffers that PostgreSQL touched.
    buffers: Option<[i64; 5]>,
    documents: usize,
    statements: Vec<String>,
}

fn tell(database: &str, (waiting, owners): (u32, u32), figures: &Figures) {
    let cell = |step: usize| {
        let each = figures.times[step].as_secs_f64() * 1e6 / figures.documents as f64;
        let buffers = figures.buffers.map(|buffers| {
            let each = buffers[step] as f64 / figures.documents as f64;
            format!(" ({each:.1})")
        });
        format!("{each:.0}{}", buffers.unwrap_or_default())
    };
    let cells: Vec<_> = (0..5).map(cell).collect();
    println!(
        "| {database} | {waiting} | {owners} | {} |",
        cells.join(" | ")
    );
}

/// Documents that wait for a worker, with their versions and jobs, as an intake writes them.
async fn wait(db: &Database, count: u32, owners: u32) {
    if count == 0 {
        return;
    }
    let mut ids = Vec::new();
    for number in 0..owners {
        ids.push(user(db, &format!("waiting-{number}")).await);
    }
    let is_postgres = db.writer().get_database_backend() == DbBackend::Postgres;
    let (numbers, id, digest) = if is_postgres {
        (
            "generate_series(1, $2::bigint) AS number",
            "gen_random_uuid()",
            "md5(number::text || owner) || md5(owner || number::text)",
        )
    } else {
        (
            "(WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers \
             WHERE number < $2) SELECT number FROM numbers) AS numbers",
            "randomblob(16)",
            "lower(hex(randomblob(32)))",
        )
    };
    let text = if is_postgres { "$1::text" } else { "hex($1)" };
    for owner in ids {
        let values = || {
            vec![
                owner.0.into(),
                i64::from(count / owners).into(),
                NOW.as_micros().into(),
            ]
        };
        let made = format!(
            "INSERT INTO documents (id, owner_id, name, name_folded, is_public, metadata, status, type_mismatch, \
             size_bytes, sha256, latest_version, revision, created_at, updated_at) \
             SELECT {id}, $1, 'scan ' || number || '.pdf', 'scan ' || number || '.pdf', false, '{{}}', 'pending', false, \
             {SIZE}, {digest}, 1, 1, $3 - number, $3 - number FROM (SELECT {text} AS owner) AS named CROSS JOIN {numbers}"
        );
        execute(db, &made, values()).await;
        let of_owner = "FROM documents WHERE owner_id = $1 AND status = 'pending'";
        let versions = format!(
            "INSERT INTO versions (id, document_id, owner_id, number, status, name, type_mismatch, size_bytes, sha256, \
             staged_url, created_at) SELECT {id}, id, owner_id, 1, 'pending', name, false, size_bytes, sha256, \
             'file:///staging/' || sha256, created_at {of_owner}"
        );
        execute(db, &versions, vec![owner.0.into()]).await;
        let jobs = format!(
            "INSERT INTO jobs (id, queue, kind, subject_id, owner_id, state, max_attempts, run_at, created_at) \
             SELECT {id}, 'ingest', 'process_version', id, owner_id, 'ready', 8, created_at, created_at \
             FROM versions WHERE owner_id = $1"
        );
        execute(db, &jobs, vec![owner.0.into()]).await;
        let charge = format!(
            "UPDATE users SET reserved_bytes = $2 * {SIZE}, used_documents = $2 WHERE id = $1 AND $3 > 0"
        );
        execute(db, &charge, values()).await;
    }
}

async fn execute(db: &Database, sql: &str, values: Vec<Value>) {
    let writer = db.writer();
    let statement = Statement::from_sql_and_values(writer.get_database_backend(), sql, values);
    writer
        .execute_raw(statement)
        .await
        .expect("the ledger takes it");
}

fn plenty() -> Limits {
    Limits {
        default_quota_bytes: ByteSize::gibibytes(100_000),
        default_quota_documents: u32::MAX,
        ..limits()
    }
}

/// A group of uploads that came with their bytes.
fn arrivals(owner: UserId, group: usize) -> Vec<Arrival> {
    let one = |index: usize| {
        let number = group * GROUP + index;
        let body = pseudo_random(number as u64, SIZE);
        Arrival {
            name: format!("report {number}.pdf").parse().expect("a name"),
            size: ByteSize::new(SIZE as u64),
            sha256: domain::Sha256::of(&body),
            body: Some(body),
            ..arrival(owner, "", NOW)
        }
    };
    (0..GROUP).map(one).collect()
}

async fn measure(db: &Database, writer: &str, groups: usize) -> Figures {
    let alice = user(db, writer).await;
    let mut figures = Figures {
        times: [Duration::ZERO; 5],
        buffers: None,
        documents: groups * GROUP,
        statements: Vec::new(),
    };
    // Prepared statements and empty caches are not what is measured.
    for group in 0..4 {
        group_of(db, alice, group, &mut Meter::new(db)).await;
    }
    forget_statements(db).await;
    let mut meter = Meter::new(db);
    for group in 4..4 + groups {
        group_of(db, alice, group, &mut meter).await;
    }
    figures.times = meter.times;
    figures.buffers = meter.is_postgres.then_some(meter.buffers);
    figures.statements = statements(db, figures.documents).await;
    figures
}

/// Times of the steps of a group, and the buffers that they touched.
pub(super) struct Meter<'a> {
    db: &'a Database,
    is_postgres: bool,
    times: [Duration; 5],
    buffers: [i64; 5],
}

impl<'a> Meter<'a> {
    fn new(db: &'a Database) -> Self {
        Self {
            db,
            is_postgres: db.writer().get_database_backend() == DbBackend::Postgres,
            times: [Duration::ZERO; 5],
            buffers: [0; 5],
        }
    }

    /// Counts times alone.
    pub(super) fn without_buffers(db: &'a Database) -> Self {
        Self {
            is_postgres: false,
            ..Self::new(db)
        }
    }

    async fn step<T>(&mut self, step: usize, work: impl Future<Output = T>) -> T {
        let before = self.touched().await;
        let begin = Instant::now();
        let done = work.await;
        self.times[step] += begin.elapsed();
        self.buffers[step] += self.touched().await - before;
        done
    }

    /// The buffers that all statements touched so far, but for this question.
    async fn touched(&self) -> i64 {
        if !self.is_postgres {
            return 0;
        }
        let sql = "SELECT COALESCE(sum(shared_blks_hit + shared_blks_read), 0)::bigint \
             FROM pg_stat_statements(false)";
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        // Before the extension is made there is nothing to count.
        match self.db.reader().query_one_raw(statement).await {
            Ok(Some(row)) => row.try_get_by_index(0).expect("the column is a number"),
            _ => 0,
        }
    }
}

/// A group of uploads is taken in, a group of what waits is claimed and activated.
pub(super) async fn group_of(db: &Database, owner: UserId, group: usize, meter: &mut Meter<'_>) {
    let (arrivals, limits) = (arrivals(owner, group), plenty());
    let answers = meter.step(0, accept(db, &limits, &arrivals)).await;
    let answers = answers.expect("an intake");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let request = ClaimRequest {
        queue: Queue::Ingest,
        worker: "bench",
        limit: GROUP,
        lease: LEASE,
        after: UserId(Uuid::nil()),
        now: NOW,
    };
    let share = OwnerShare::unlimited();
    let claimed = meter
        .step(1, claim_within(db, &request, &JobKind::ALL, &share))
        .await
        .expect("a claim");
    assert_eq!(claimed.len(), GROUP);
    let versions = claimed.iter().filter_map(|job| job.subject.map(VersionId));
    let versions: Vec<_> = versions.collect();
    let pending = meter.step(2, load_pending(db, &versions, &limits)).await;
    let pending = pending.expect("what was claimed is read");
    let jobs: Vec<_> = claimed.iter().map(|job| job.job).collect();
    let lost = meter
        .step(4, renew_leases(db, &jobs, NOW.plus(LEASE * 2)))
        .await;
    assert_eq!(lost.expect("leases are renewed"), []);
    let settlement = |job: &ClaimedJob| {
        let work = pending
            .iter()
            .find(|work| job.subject == Some(work.version.0))?;
        let digest = work.upload.as_ref()?.sha256;
        Some(Settlement {
            job: job.job,
            work: Some(work.clone()),
            attempt: 1,
            worker: "bench".to_owned(),
            started_at: NOW,
            steps: vec![],
            outcome: stored(&format!("file:///store/{digest}")),
        })
    };
    let settlements: Vec<_> = claimed.iter().filter_map(settlement).collect();
    assert_eq!(settlements.len(), GROUP);
    let settled = meter.step(3, settle(db, &settlements, NOW)).await;
    settled.expect("an outcome");
}

async fn forget_statements(db: &Database) {
    if db.writer().get_database_backend() == DbBackend::Postgres {
        execute(db, "SELECT pg_stat_statements_reset()", vec![]).await;
    }
}

/// The statements of so many documents that cost PostgreSQL the most.
async fn statements(db: &Database, documents: usize) -> Vec<String> {
    if db.writer().get_database_backend() != DbBackend::Postgres {
        return Vec::new();
    }
    let sql = format!(
        "SELECT format('%s calls | %s ms run | %s ms planned | %s buffers a document | %s', calls, \
         round(total_exec_time::numeric, 1), round(total_plan_time::numeric, 1), \
         round((shared_blks_hit + shared_blks_read)::numeric / {documents}, 1), \
         left(regexp_replace(query, '\\s+', ' ', 'g'), 110)) FROM pg_stat_statements \
         WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time + total_plan_time DESC LIMIT 24"
    );
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = db.reader().query_all_raw(statement).await;
    rows.expect("the server counts its statements")
        .iter()
        .map(|row| row.try_get_by_index(0).expect("the column is text"))
        .collect()
}
