//! Starting: what a newcomer sees, and what a wrong setting says.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::poll::poll;
use tests::servers::program;

fn dossier(folder: &TempDir) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::null());
    command
}

fn line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_wrong_setting_is_named_in_one_line() {
    let folder = TempDir::new().unwrap();
    for (name, value) in [
        ("DOSSIER_LISTEN", "nowhere"),
        ("DOSSIER_DATABASE_URL", "mysql://x"),
        ("DOSSIER_DATABASE_URL", "postgres://a@one:5432,two:5432/x"),
        ("DOSSIER_DATABASE_TIMEOUT", "0s"),
        ("DOSSIER_QUEUE_URL", "amqp://x"),
        ("DOSSIER_STORAGE_URL", "ftp://x"),
        ("DOSSIER_STAGING_URL", "azure://Container/prefix"),
        ("DOSSIER_STAGING_URL", "azure://container/prefix"),
        ("DOSSIER_MORE_STORAGE_URLS", "gs://bucket/a gs://b/a"),
        ("DOSSIER_BOOTSTRAP_KEY", "short"),
        ("DOSSIER_MAX_DOCUMENT_BYTES", "much"),
        ("DOSSIER_ALLOWED_TYPES", "im*/png"),
        ("DOSSIER_TYPE_MISMATCH", "ignore"),
        ("DOSSIER_DATABASE_URL", "sqlite::memory:"),
        ("DOSSIER_PURGE_ARCHIVED_AFTER", "0"),
        ("DOSSIER_KEEP_AUDIT_LOG", "0s"),
        ("DOSSIER_LEASE", "9999999999d"),
        ("DOSSIER_LEASE", "1s"),
        ("DOSSIER_MAX_QUEUE_AGE", "soon"),
        ("DOSSIER_QUEUES", "ingest,other"),
        ("DOSSIER_CONCURRENCY", "0"),
        ("DOSSIER_JWT_SECRET", "short"),
        ("DOSSIER_RATE_LIMIT", "often"),
        ("DOSSIER_AUTH_RATE_LIMIT", "0/min"),
        ("DOSSIER_TRUSTED_PROXIES", "proxy.example.com"),
        ("DOSSIER_KEEP_AUDIT_LOG", "long"),
        ("DOSSIER_LOG", "worker=loud"),
        ("DOSSIER_LOG_FORMAT", "xml"),
        ("DOSSIER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector"),
    ] {
        let output = dossier(&folder).env(name, value).output().unwrap();
        assert!(line(&output).contains(name), "{name}: {}", line(&output));
    }
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let folder = TempDir::new().unwrap();
    let serve = |name: &str, value: &str| {
        let command = &mut dossier(&folder);
        let command = command.arg("serve").env("DOSSIER_JWT_AUDIENCE", "x");
        let command = command
            .env("DOSSIER_LISTEN", "127.0.0.1:0")
            .env(name, value);
        let output = command
            .env("DOSSIER_OPS_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let refused = serve("DOSSIER_JWT_JWKS", "/dev/zero");
    assert!(refused.contains("/dev/zero"), "{refused}");
    assert!(refused.contains("not a regular file"), "{refused}");
    let data = folder.path().join("piped");
    std::fs::create_dir(&data).unwrap();
    let made = Command::new("mkfifo").arg(data.join("admin.key")).status();
    assert!(made.unwrap().success());
    let refused = serve("DOSSIER_DATA_DIR", data.to_str().unwrap());
    assert!(refused.contains("admin.key"), "{refused}");
    assert!(refused.contains("not a regular file"), "{refused}");
}

#[test]
fn a_key_set_needs_an_audience() {
    let folder = TempDir::new().unwrap();
    let mut command = dossier(&folder);
    let command = command.env("DOSSIER_JWT_JWKS", "https://id.example.com/keys");
    let refused = line(&command.output().unwrap());
    assert!(refused.contains("DOSSIER_JWT_AUDIENCE"), "{refused}");
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let folder = TempDir::new().unwrap();
    let help = dossier(&folder).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let variables: Vec<_> = help
        .split("[env: ")
        .skip(1)
        .filter_map(|rest| rest.split(['=', ']']).next())
        .collect();
    assert!(variables.len() > 30, "{variables:?}");
    let standard = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"];
    for blank in ["", " ", "\t \n"] {
        let empty = variables.iter().chain(&standard).map(|name| (*name, blank));
        for arguments in [&["migrate", "status"][..], &["user", "list"]] {
            let output = dossier(&folder)
                .args(arguments)
                .envs(empty.clone())
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{blank:?}: {told}");
            let up = dossier(&folder).args(["migrate", "up"]).output().unwrap();
            assert!(up.status.success());
        }
    }
    let made: Vec<_> = folder.path().read_dir().unwrap().collect();
    assert_eq!(made.len(), 1, "{made:?}: all of it is in the data folder");
    // The one that was put down empty on purpose is a mistake.
    let flag = dossier(&folder)
        .args(["--listen", "", "migrate", "status"])
        .output()
        .unwrap();
    assert!(line(&flag).contains("DOSSIER_LISTEN"));
}

#[test]
fn every_list_is_written_in_the_same_ways() {
    let folder = TempDir::new().unwrap();
    let up = dossier(&folder).args(["migrate", "up"]).output().unwrap();
    assert!(up.status.success());
    for (name, one, other) in [
        ("DOSSIER_ALLOWED_TYPES", "image/png", "text/*"),
        ("DOSSIER_BLOCKED_TYPES", "image/png", "text/*"),
        ("DOSSIER_TRUSTED_PROXIES", "10.0.0.0/8", "192.0.2.1"),
        ("DOSSIER_CORS_ORIGINS", "https://a.example.com", "*"),
        ("DOSSIER_QUEUES", "ingest", "bulk"),
        ("DOSSIER_JWT_ALGORITHMS", "HS256", "EdDSA"),
    ] {
        let status = |value: &str| {
            let mut command = dossier(&folder);
            command.args(["migrate", "status"]).env(name, value);
            command.output().unwrap()
        };
        for value in [
            one.to_owned(),
            format!("{one},{other}"),
            format!(" {one} ,\t{other} "),
            format!("{one},"),
            format!(",{one},,{other}, "),
        ] {
            let output = status(&value);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{name}={value:?}: {told}");
        }
        for value in [",", " , ", &format!("{one},no such thing")] {
            let told = line(&status(value));
            assert!(told.contains(name), "{name}={value:?}: {told}");
        }
    }
}

#[test]
fn ingress_and_worker_refuse_what_one_process_alone_can_use() {
    let folder = TempDir::new().unwrap();
    for role in ["ingress", "worker"] {
        let output = dossier(&folder).arg(role).output().unwrap();
        assert!(line(&output).contains("DOSSIER_DATABASE_URL"));
        let postgres = "postgres://dossier@127.0.0.1:1/dossier";
        let output = dossier(&folder)
            .arg(role)
            .env("DOSSIER_DATABASE_URL", postgres)
            .output()
            .unwrap();
        assert!(line(&output).contains("DOSSIER_QUEUE_URL"));
    }
    assert!(
        !folder.path().join("dossier-data").exists(),
        "a refused start leaves nothing"
    );
}

#[test]
fn hints_by_the_database_need_postgresql() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["serve"][..], &["migrate", "up"]] {
        let mut command = dossier(&folder);
        command
            .args(arguments)
            .env("DOSSIER_QUEUE_URL", "postgres:");
        let output = command.output().unwrap();
        let line = line(&output);
        for named in [
            "DOSSIER_QUEUE_URL: postgres:",
            "DOSSIER_DATABASE_URL",
            "SQLite",
        ] {
            assert!(line.contains(named), "{line}");
        }
    }
    assert!(
        !folder.path().join("dossier-data").exists(),
        "a refused start leaves nothing"
    );
}

#[test]
fn the_first_start_makes_a_key_that_only_its_owner_reads() {
    let folder = TempDir::new().unwrap();
    let output = dossier(&folder).args(["migrate", "up"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = folder.path().join("dossier-data/admin.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("admin.key"));

    let again = dossier(&folder).args(["migrate", "up"]).output().unwrap();
    assert!(again.status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    let users = dossier(&folder).args(["user", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&users.stdout).contains("admin"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_says_little_and_how_to_begin() {
    let app = TestApp::start(Mode::Embedded).await;
    let log = poll(Duration::from_mins(1), async || {
        let log = app.ingress().log();
        if log.contains("  curl ") {
            Ok(log)
        } else {
            Err(log)
        }
    })
    .await;
    let (records, told): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.starts_with('{'));
    assert!(records[0].contains("migrated the schema"), "{log}");
    assert!(records.len() < 10, "{log}");
    let api = app.ingress().api();
    let lines = [
        format!("Dossier listens on {api}"),
        format!("  console:            {api}/console"),
        format!("  API documentation:  {api}/docs"),
        format!("  health and metrics: {}", app.ingress().ops()),
    ];
    assert_eq!(told[..4], lines);
    assert!(
        told[4].contains("Try an upload:") && told[5].contains("  curl "),
        "{log}"
    );
}

#[test]
fn the_compose_file_knows_no_secret() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker-compose.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let settings = text.lines().map(str::trim);
    let keys: Vec<_> = settings
        .filter(|line| line.starts_with("DOSSIER_BOOTSTRAP_KEY"))
        .collect();
    assert_eq!(keys, ["DOSSIER_BOOTSTRAP_KEY:"]);
    // `:-` gives a default, `:?` demands a value.
    for known in ["admin-key", "PASSWORD:-", "SECRET_KEY:-", "latest"] {
        assert!(!text.contains(known), "{known}");
    }
}

#[test]
fn migrations_go_up_and_down_and_say_so() {
    let folder = TempDir::new().unwrap();
    let status = |folder: &TempDir| {
        let output = dossier(folder)
            .args(["migrate", "status"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = status(&folder);
    assert!(before.contains("m0001_create_ledger"), "{before}");
    assert!(
        before.lines().all(|line| line.starts_with("missing")),
        "{before}"
    );
    assert!(
        dossier(&folder)
            .args(["migrate", "up"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(
        status(&folder)
            .lines()
            .all(|line| line.starts_with("applied")),
        "{}",
        status(&folder)
    );
    while status(&folder).contains("applied") {
        assert!(
            dossier(&folder)
                .args(["migrate", "down"])
                .output()
                .unwrap()
                .status
                .success()
        );
    }
    assert!(
        dossier(&folder)
            .args(["migrate", "up"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(!status(&folder).contains("missing"));
}
