//! The settings as given by the operator: flags, environment variables and defaults.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{
    BootstrapKey, CleanupSettings, CorsOrigin, DiskSettings, ImportSettings, JwtSettings, List,
    LogFormat, MismatchPolicy, Network, OidcSettings, OperationSettings, RateSettings,
    ReceiptSettings, RedirectSettings, RowSettings, TracingSettings, UploadSettings,
    WebhookSettings, values,
};
use domain::{ByteSize, TypePattern};
use ledger::DatabaseUrl;
use queue::{Queue, QueueUrl};
use storage::{StorageUrl, StorageUrls};

use crate::headings;

#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows these texts as they stand"
)]
/// The settings of all roles, as given by the operator.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The folder that holds everything in embedded mode
    #[arg(
        long,
        help_heading = headings::PLACES,
        env = "DOSSIER_DATA_DIR",
        global = true,
        default_value = "./dossier-data",
        value_name = "FOLDER"
    )]
    pub data_dir: PathBuf,

    /// postgres://… or sqlite://… [default: an SQLite file in the data folder]
    #[arg(
        long,
        help_heading = headings::PLACES,
        env = "DOSSIER_DATABASE_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<DatabaseUrl>,

    /// The most database connections of this process
    #[arg(long, help_heading = headings::PLACES, env = "DOSSIER_DATABASE_CONNECTIONS",
        global = true, default_value_t = 16, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,

    /// The time limit of a database statement in a request; jobs have three times as long
    #[arg(long, help_heading = headings::PLACES, env = "DOSSIER_DATABASE_TIMEOUT",
        global = true, default_value = "20s", value_name = "DURATION",
        value_parser = values::parse_timeout)]
    pub database_timeout: Duration,

    /// inprocess:, postgres: (the database server), redis://user:password@host:port/db,
    /// redis+sentinel://host:port,host:port/master/db or redis+cluster://host:port,host:port; within
    /// TLS rediss instead of redis; add ?prefix=word on a shared server, ?ca=/path for a private
    /// certificate authority
    #[arg(
        long,
        help_heading = headings::PLACES,
        env = "DOSSIER_QUEUE_URL",
        global = true,
        default_value = "inprocess:",
        value_name = "URL",
        hide_env_values = true
    )]
    pub queue_url: QueueUrl,

    /// Where uploads are staged: file://…, s3://bucket/prefix, azure://container/prefix or
    /// gs://bucket/prefix [default: a folder in the data folder, or the storage URL if that isn't
    /// a folder]
    #[arg(long, help_heading = headings::PLACES, env = "DOSSIER_STAGING_URL",
        global = true, value_name = "URL")]
    pub staging_url: Option<StorageUrl>,

    /// Where documents are stored: file://…, s3://bucket/prefix, azure://container/prefix or
    /// gs://bucket/prefix [default: a folder in the data folder]
    #[arg(long, help_heading = headings::PLACES, env = "DOSSIER_STORAGE_URL",
        global = true, value_name = "URL")]
    pub storage_url: Option<StorageUrl>,

    /// Further places whose documents are served, separated by spaces; new ones go to the storage
    /// URL
    #[arg(
        long,
        help_heading = headings::PLACES,
        env = "DOSSIER_MORE_STORAGE_URLS",
        global = true,
        value_name = "URLS"
    )]
    pub more_storage_urls: Option<StorageUrls>,

    /// The address of the API
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_LISTEN",
        global = true,
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// The address that serves health checks and metrics [default: 127.0.0.1:9090, for a worker
    /// 127.0.0.1:9091]
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_OPS_LISTEN",
        global = true,
        value_name = "ADDRESS"
    )]
    pub ops_listen: Option<SocketAddr>,

    /// The first admin's API key, 32–256 printable characters [default: generated at the first
    /// start and written to admin.key in the data folder]
    #[arg(
        long,
        help_heading = headings::IDENTITY,
        env = "DOSSIER_BOOTSTRAP_KEY",
        global = true,
        value_name = "KEY",
        hide_env_values = true
    )]
    pub bootstrap_key: Option<BootstrapKey>,

    /// Which JSON Web Tokens are accepted.
    #[command(flatten, next_help_heading = headings::IDENTITY)]
    pub jwt: JwtSettings,

    /// The provider that people sign in with.
    #[command(flatten, next_help_heading = headings::IDENTITY)]
    pub oidc: OidcSettings,

    /// Proxies whose X-Forwarded-For is trusted, a comma list of addresses and networks [default:
    /// none]
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_TRUSTED_PROXIES",
        global = true,
        value_name = "NETWORKS"
    )]
    pub trusted_proxies: Vec<List<Network>>,

    /// Rate limits.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub rates: RateSettings,

    /// Redirected downloads.
    #[command(flatten, next_help_heading = headings::NETWORK)]
    pub redirects: RedirectSettings,

    /// The largest document, in bytes or with a unit such as 5GiB
    #[arg(
        long,
        help_heading = headings::LIMITS,
        env = "DOSSIER_MAX_DOCUMENT_BYTES",
        global = true,
        default_value = "5GiB",
        value_name = "SIZE",
        value_parser = values::parse_some_bytes
    )]
    pub max_document_bytes: ByteSize,

    /// The quota in bytes of users without their own; 0 accepts nothing
    #[arg(
        long,
        help_heading = headings::LIMITS,
        env = "DOSSIER_DEFAULT_QUOTA_BYTES",
        global = true,
        default_value = "10GiB",
        value_name = "SIZE"
    )]
    pub default_quota_bytes: ByteSize,

    /// The quota in documents of users without their own; 0 accepts none
    #[arg(
        long,
        help_heading = headings::LIMITS,
        env = "DOSSIER_DEFAULT_QUOTA_DOCUMENTS",
        global = true,
        default_value_t = 1_000_000,
        value_name = "NUMBER"
    )]
    pub default_quota_documents: u32,

    /// Media types to accept, matched against the detected type: a comma list such as
    /// application/pdf,image/*
    #[arg(
        long,
        help_heading = headings::TYPES,
        env = "DOSSIER_ALLOWED_TYPES",
        global = true,
        default_value = "*/*",
        value_name = "TYPES"
    )]
    pub allowed_types: Vec<List<TypePattern>>,

    /// Media types to refuse, even if allowed [default: none]
    #[arg(
        long,
        help_heading = headings::TYPES,
        env = "DOSSIER_BLOCKED_TYPES",
        global = true,
        value_name = "TYPES"
    )]
    pub blocked_types: Vec<List<TypePattern>>,

    /// What to do when a name contradicts the content: record or reject
    #[arg(
        long,
        help_heading = headings::TYPES,
        env = "DOSSIER_TYPE_MISMATCH",
        global = true,
        default_value = "record",
        value_name = "WORD"
    )]
    pub type_mismatch: MismatchPolicy,

    /// Limits of imports.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub import: ImportSettings,

    /// Limits of a user's bulk operations.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub operations: OperationSettings,

    /// Limits of resumable uploads.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub uploads: UploadSettings,

    /// Where webhooks may lead.
    #[command(flatten, next_help_heading = headings::WEBHOOKS)]
    pub webhooks: WebhookSettings,

    /// What signs receipts.
    #[command(flatten, next_help_heading = headings::IDENTITY)]
    pub receipts: ReceiptSettings,

    /// Limits of disk space.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub disk: DiskSettings,

    /// Limits of rows.
    #[command(flatten, next_help_heading = headings::LIMITS)]
    pub rows: RowSettings,

    /// Origins of browser clients (CORS), a comma list of scheme://host:port, or * for any
    /// [default: none]
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_CORS_ORIGINS",
        global = true,
        value_name = "ORIGINS"
    )]
    pub cors_origins: Vec<List<CorsOrigin>>,

    /// How long what nobody needs any more is kept.
    #[command(flatten, next_help_heading = headings::RETENTION)]
    pub cleanup: CleanupSettings,

    /// How long a job stays assigned to a worker that doesn't renew its lease
    #[arg(long, help_heading = headings::JOBS, env = "DOSSIER_LEASE",
        global = true, default_value = "20s", value_name = "DURATION",
        value_parser = values::parse_lease)]
    pub lease: Duration,

    /// The most client connections; fewer if the process may open fewer files
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_MAX_CONNECTIONS",
        global = true,
        default_value = "8192",
        value_name = "NUMBER",
        value_parser = values::parse_count
    )]
    pub max_connections: NonZeroUsize,

    /// The most unauthenticated requests in flight of one address [default: a quarter of the
    /// connections]
    #[arg(
        long,
        help_heading = headings::NETWORK,
        env = "DOSSIER_MAX_REQUESTS_PER_ADDRESS",
        global = true,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_requests_per_address: Option<u32>,

    /// How long running requests and jobs may continue after a stop signal; 0s aborts them
    #[arg(long, help_heading = headings::JOBS, env = "DOSSIER_GRACE",
        global = true, default_value = "25s", value_name = "DURATION",
        value_parser = values::parse_grace)]
    pub grace: Duration,

    /// Refuse uploads while the oldest waiting one has waited for longer than this; 0s never
    /// refuses
    #[arg(long, help_heading = headings::JOBS, env = "DOSSIER_MAX_QUEUE_AGE",
        global = true, default_value = "5m", value_name = "DURATION",
        value_parser = values::parse_time)]
    pub max_queue_age: Duration,

    /// The queues that a worker serves, a comma list
    #[arg(
        long,
        help_heading = headings::JOBS,
        env = "DOSSIER_QUEUES",
        global = true,
        default_value = "ingest,bulk,maintenance,deliver",
        value_name = "QUEUES"
    )]
    pub queues: Vec<List<Queue>>,

    /// The most concurrent jobs of a queue in a worker; of bulk and maintenance at most 32, of deliver
    /// four times as many, at most 256
    #[arg(
        long,
        help_heading = headings::JOBS,
        env = "DOSSIER_CONCURRENCY",
        global = true,
        default_value = "64",
        value_name = "NUMBER",
        value_parser = values::parse_concurrency
    )]
    pub concurrency: NonZeroUsize,

    /// The log filter: a level or tracing directives
    #[arg(
        long,
        help_heading = headings::LOGS,
        env = "DOSSIER_LOG",
        global = true,
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,

    /// human or json [default: human on a terminal, else json]
    #[arg(long, help_heading = headings::LOGS, env = "DOSSIER_LOG_FORMAT",
        global = true, value_name = "WORD")]
    pub log_format: Option<LogFormat>,

    /// Span export.
    #[command(flatten, next_help_heading = headings::LOGS)]
    pub tracing: TracingSettings,
}
