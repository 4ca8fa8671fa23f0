//! What is measured: a peer, or Dossier in one of its ways to run.

use std::net::SocketAddr;
use std::time::Duration;

use ledger::Database;
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tests::app::Client;
use tests::servers::{Dossier, Postgres, Redis, S3, Variables};

use super::peers::Peer;

const ADMIN_KEY: &str = "the-admin-key-of-the-benches-0123456789";

/// Where Dossier keeps bytes beside PostgreSQL and Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    Files,
    S3,
}

/// A running program that takes documents and gives them back.
pub struct Subject {
    pub name: String,
    pub address: SocketAddr,
    /// Groups of processes, each by its root, whose cost is told.
    pub processes: Vec<(&'static str, u32)>,
    service: Option<Service>,
    _peer: Option<Peer>,
}

/// Dossier's own, and what keeps it running.
struct Service {
    token: String,
    db: Database,
    postgres: Option<Postgres>,
    _processes: Vec<Dossier>,
    _redis: Option<Redis>,
    _s3: Option<S3>,
    _folder: TempDir,
}

impl Subject {
    /// A program that keeps what it is sent under the name in the path.
    pub fn of(peer: Peer) -> Self {
        Self {
            name: peer.name.to_owned(),
            address: peer.address,
            processes: vec![("server", peer.pid)],
            service: None,
            _peer: Some(peer),
        }
    }

    /// Dossier as a newcomer starts it: one process, SQLite, files.
    pub async fn embedded() -> Self {
        let (folder, variables) = prepared();
        let serve = Dossier::start("serve", &variables).await;
        let database = folder.path().join("data/dossier.sqlite");
        let url = format!("sqlite://{}", database.display());
        let (address, processes) = (address_of(&serve), vec![("serve", serve.pid())]);
        let service = Service {
            token: token(&serve).await,
            db: connected(&url).await,
            postgres: None,
            _processes: vec![serve],
            _redis: None,
            _s3: None,
            _folder: folder,
        };
        Self::with("Dossier, embedded".to_owned(), address, processes, service)
    }

    /// An ingress and so many workers on PostgreSQL that syncs, Redis, and files or S3.
    pub async fn distributed(keeps: Keeps, workers: usize) -> Self {
        let (folder, mut variables) = prepared();
        let (postgres, redis) = tokio::join!(Postgres::durable(), Redis::private());
        let url = postgres.create_database().await;
        connected(&url)
            .await
            .writer()
            .execute_unprepared("CREATE EXTENSION pg_stat_statements")
            .await
            .expect("PostgreSQL was started with it");
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        set("DOSSIER_DATABASE_URL", url.clone());
        set("DOSSIER_QUEUE_URL", redis.fresh_url());
        let mut processes = vec![("PostgreSQL", postgres.pid()), ("Redis", redis.pid())];
        let s3 = match keeps {
            Keeps::Files => None,
            Keeps::S3 => {
                let s3 = S3::private().await;
                set("DOSSIER_STORAGE_URL", s3.fresh_storage_url().await);
                for (name, value) in s3.environment() {
                    set(name, value);
                }
                processes.push(("S3", s3.pid()));
                Some(s3)
            }
        };
        Dossier::run(&["migrate", "up"], &variables).await;
        let ingress = Dossier::start("ingress", &variables).await;
        processes.push(("ingress", ingress.pid()));
        let (address, token) = (address_of(&ingress), token(&ingress).await);
        let mut started = vec![ingress];
        for _ in 0..workers {
            let worker = Dossier::start("worker", &variables).await;
            processes.push(("worker", worker.pid()));
            started.push(worker);
        }
        let service = Service {
            token,
            db: connected(&url).await,
            postgres: Some(postgres),
            _processes: started,
            _redis: Some(redis),
            _s3: s3,
            _folder: folder,
        };
        let keeps = if keeps == Keeps::S3 { "S3" } else { "files" };
        let several = if workers == 1 { "" } else { "s" };
        let name = format!("Dossier, PostgreSQL + Redis + {keeps}, {workers} worker{several}");
        Self::with(name, address, processes, service)
    }

    fn with(
        name: String,
        address: SocketAddr,
        processes: Vec<(&'static str, u32)>,
        service: Service,
    ) -> Self {
        Self {
            name,
            address,
            processes,
            service: Some(service),
            _peer: None,
        }
    }

    /// The process ids of the groups.
    pub fn roots(&self) -> Vec<u32> {
        self.processes.iter().map(|(_, pid)| *pid).collect()
    }

    /// The head of the request that uploads a document.
    pub fn upload(&self, index: usize) -> String {
        match &self.service {
            None => format!("PUT /documents/{index}.bin HTTP/1.1\r\nhost: benches\r\n"),
            Some(service) => format!(
                "POST /v1/documents?name={index}.bin HTTP/1.1\r\nhost: benches\r\n\
                 content-type: application/octet-stream\r\nauthorization: Bearer {}\r\n",
                service.token
            ),
        }
    }

    /// Where an upload is found, by what was answered.
    pub fn path(&self, index: usize, answer: &[u8]) -> String {
        if self.service.is_none() {
            return format!("/documents/{index}.bin");
        }
        let document: serde_json::Value =
            domain::read_json(answer).expect("an accepted document is JSON");
        let id = document["id"].as_str().expect("a document has an id");
        format!("/v1/documents/{id}/content")
    }

    /// The head of the request that gives back what is at a path.
    pub fn download(&self, path: &str) -> String {
        let token = self.service.as_ref().map(|service| service.token.as_str());
        let token = token.map_or(String::new(), |token| {
            format!("authorization: Bearer {token}\r\n")
        });
        format!("GET {path} HTTP/1.1\r\nhost: benches\r\n{token}")
    }

    /// Waits until nothing is pending; with a peer nothing ever is.
    pub async fn is_settled(&self) {
        let Some(service) = &self.service else {
            return;
        };
        while service
            .has_row("SELECT 1 FROM versions WHERE settled_at IS NULL LIMIT 1")
            .await
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many documents did not become active.
    pub async fn failed(&self) -> bool {
        match &self.service {
            None => false,
            Some(service) => {
                service
                    .has_row("SELECT 1 FROM documents WHERE status <> 'active' LIMIT 1")
                    .await
            }
        }
    }

    /// PostgreSQL's own account of what its statements cost: calls, rows, milliseconds and buffers
    /// for each of `count` documents, the dearest first; starts again with each call.
    pub async fn statements(&self, count: usize) -> Vec<String> {
        let Some((service, _)) = self
            .service
            .as_ref()
            .and_then(|service| Some((service, service.postgres.as_ref()?)))
        else {
            return Vec::new();
        };
        let sql = "SELECT format('%s | %s | %s | %s | %s | %s', calls, rows, round(total_exec_time::numeric, 1), \
             round(total_plan_time::numeric, 1), shared_blks_hit + shared_blks_read, left(regexp_replace(query, '\\s+', ' ', 'g'), 150)) \
             FROM pg_stat_statements ORDER BY total_exec_time + total_plan_time DESC LIMIT 25";
        let rows = service.texts(sql).await;
        service
            .texts("SELECT 'x' FROM pg_stat_statements_reset()")
            .await;
        let mut lines = vec![format!(
            "of {count} documents: calls | rows | ms run | ms planned | buffers | statement"
        )];
        lines.extend(rows);
        lines
    }
}

impl Service {
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

fn address_of(process: &Dossier) -> SocketAddr {
    let url = process.api();
    let address = url.trim_start_matches("http://").parse();
    address.expect("a test's process listens at an address")
}

async fn connected(url: &str) -> Database {
    let url = url.parse().expect("it is a database's URL");
    Database::connect(&url, 2)
        .await
        .expect("the database answers")
}

/// A user's key.
async fn token(process: &Dossier) -> String {
    let admin = Client::with_token(&process.api(), ADMIN_KEY);
    let alice = serde_json::json!({"name": "alice"});
    let user = admin.post_json("/v1/admin/users", &alice).await;
    let user = user.expect_status(201).await;
    let id = user["id"].as_str().expect("a user has an id");
    let path = format!("/v1/admin/users/{id}/keys");
    let key = admin.post_json(&path, &serde_json::json!({})).await;
    let key = key.expect_status(201).await;
    let key = key["key"].as_str().expect("a new key is shown");
    key.to_owned()
}
