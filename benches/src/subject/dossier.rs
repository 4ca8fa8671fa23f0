//! Dossier in one of its ways to run, beside the servers that it needs.

use std::net::SocketAddr;
use std::time::Duration;

use domain::UserId;
use ledger::Database;
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tests::app::{Carrier, Client};
use tests::seed_documents::seed_documents;
use tests::servers::{self, Postgres, Redis, S3, Variables};

const ADMIN_KEY: &str = "the-admin-key-of-the-benches-0123456789";

/// Where Dossier keeps bytes beside PostgreSQL and Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    Files,
    S3,
}

/// The processes of a service, and a user of it.
pub struct Dossier {
    pub name: String,
    /// Groups of processes, each by its root.
    pub groups: Vec<(&'static str, u32)>,
    /// The user's key.
    pub token: String,
    user: UserId,
    db: Database,
    /// What takes requests is the first.
    processes: Vec<servers::Dossier>,
    postgres: Option<Postgres>,
    _redis: Option<Redis>,
    _s3: Option<S3>,
    _folder: TempDir,
}

impl Dossier {
    /// Dossier as a newcomer starts it: one process, SQLite, files.
    pub async fn embedded() -> Self {
        let (folder, variables) = prepared();
        let serve = servers::Dossier::start("serve", &variables).await;
        let database = folder.path().join("data/dossier.sqlite");
        let url = format!("sqlite://{}", database.display());
        let (user, token) = user(&serve).await;
        Self {
            name: "Dossier, embedded".to_owned(),
            groups: vec![("serve", serve.pid())],
            token,
            user,
            db: connected(&url).await,
            processes: vec![serve],
            postgres: None,
            _redis: None,
            _s3: None,
            _folder: folder,
        }
    }

    /// An ingress and so many workers on PostgreSQL that syncs, Redis unless PostgreSQL carries the
    /// hints, and files or S3.
    pub async fn distributed(keeps: Keeps, workers: usize, carrier: Carrier) -> Self {
        let (folder, mut variables) = prepared();
        let redis = async {
            match carrier {
                Carrier::Redis => Some(Redis::private().await),
                Carrier::Postgres => None,
            }
        };
        let (postgres, redis) = tokio::join!(Postgres::durable(), redis);
        let url = postgres.create_database().await;
        let db = connected(&url).await;
        let extended = db
            .writer()
            .execute_unprepared("CREATE EXTENSION pg_stat_statements");
        extended.await.expect("PostgreSQL was started with it");
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        set("DOSSIER_DATABASE_URL", url);
        let queue = redis.as_ref().map(Redis::fresh_url);
        set(
            "DOSSIER_QUEUE_URL",
            queue.unwrap_or_else(|| "postgres:".to_owned()),
        );
        let mut groups = vec![("PostgreSQL", postgres.pid())];
        groups.extend(redis.as_ref().map(|redis| ("Redis", redis.pid())));
        let mut s3 = None;
        if keeps == Keeps::S3 {
            let server = S3::private().await;
            set("DOSSIER_STORAGE_URL", server.fresh_storage_url().await);
            for (name, value) in server.environment() {
                set(name, value);
            }
            groups.push(("S3", server.pid()));
            s3 = Some(server);
        }
        servers::Dossier::run(&["migrate", "up"], &variables).await;
        let mut processes = Vec::new();
        for role in std::iter::once("ingress").chain(std::iter::repeat_n("worker", workers)) {
            let process = servers::Dossier::start(role, &variables).await;
            groups.push((role, process.pid()));
            processes.push(process);
        }
        let (user, token) = user(&processes[0]).await;
        let keeps = if keeps == Keeps::S3 { "S3" } else { "files" };
        let several = if workers == 1 { "" } else { "s" };
        let servers = match carrier {
            Carrier::Redis => "PostgreSQL + Redis",
            Carrier::Postgres => "PostgreSQL alone",
        };
        Self {
            name: format!("Dossier, {servers} + {keeps}, {workers} worker{several}"),
            groups,
            token,
            user,
            db,
            processes,
            postgres: Some(postgres),
            _redis: redis,
            _s3: s3,
            _folder: folder,
        }
    }

    /// The address of the API.
    pub fn address(&self) -> SocketAddr {
        let url = self.processes[0].api();
        let address = url.trim_start_matches("http://").parse();
        address.expect("a process of the harness listens at an address")
    }

    /// Waits until nothing is pending.
    pub async fn is_settled(&self) {
        while self
            .has_row("SELECT 1 FROM versions WHERE settled_at IS NULL LIMIT 1")
            .await
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether a document did not become active.
    pub async fn failed(&self) -> bool {
        self.has_row("SELECT 1 FROM documents WHERE status <> 'active' LIMIT 1")
            .await
    }

    /// Gives the user so many documents without content.
    pub async fn seed(&self, documents: u32) {
        seed_documents(&self.db, self.user, 0, documents).await;
    }

    /// Calls, rows, milliseconds and buffers of each statement, if the database is PostgreSQL.
    pub async fn statements(&self, count: usize) -> Vec<String> {
        if self.postgres.is_none() {
            return Vec::new();
        }
        let sql = "SELECT format('%s | %s | %s | %s | %s | %s', calls, rows, round(total_exec_time::numeric, 1), \
             round(total_plan_time::numeric, 1), shared_blks_hit + shared_blks_read, left(regexp_replace(query, '\\s+', ' ', 'g'), 150)) \
             FROM pg_stat_statements ORDER BY total_exec_time + total_plan_time DESC LIMIT 25";
        let rows = self.texts(sql).await;
        self.texts("SELECT 'x' FROM pg_stat_statements_reset()")
            .await;
        let mut lines = vec![format!(
            "of {count} documents: calls | rows | ms run | ms planned | buffers | statement"
        )];
        lines.extend(rows);
        lines
    }

    async fn has_row(&self, sql: &str) -> bool {
        let reader = self.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), sql);
        let row = reader.query_one_raw(statement).await;
        row.expect("the database answers").is_some()
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let reader = self.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), sql);
        let rows = reader.query_all_raw(statement).await;
        rows.expect("the database answers")
            .into_iter()
            .map(|row| row.try_get_by_index(0).expect("the column is text"))
            .collect()
    }
}

fn prepared() -> (TempDir, Variables) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let data = folder.path().join("data").display().to_string();
    let variables = [
        ("DOSSIER_DATA_DIR", data.as_str()),
        ("DOSSIER_BOOTSTRAP_KEY", ADMIN_KEY),
        ("DOSSIER_LOG", "warn"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (folder, variables.into())
}

async fn connected(url: &str) -> Database {
    let url = url.parse().expect("it is a database's URL");
    Database::connect(&url, 2)
        .await
        .expect("the database answers")
}

/// A user, and a key of theirs.
async fn user(process: &servers::Dossier) -> (UserId, String) {
    let admin = Client::with_token(&process.api(), ADMIN_KEY);
    let alice = serde_json::json!({"name": "alice"});
    let user = admin.post_json("/v1/admin/users", &alice).await;
    let user = user.expect_status(201).await;
    let id = user["id"].as_str().expect("a user has an id");
    let path = format!("/v1/admin/users/{id}/keys");
    let key = admin.post_json(&path, &serde_json::json!({})).await;
    let key = key.expect_status(201).await;
    let key = key["key"].as_str().expect("a new key is shown");
    (id.parse().expect("an id"), key.to_owned())
}
