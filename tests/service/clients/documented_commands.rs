//! The commands of the README and of the manual, as their readers run them one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::app::{Dsr, Mode, Run, TestApp};
use tests::servers::program;

/// Pages whose commands run here, from the first to the last.
const HERE: [&str; 2] = ["README.md", "docs/RECEIPTS.md"];

/// Commands of these pages that don't, by how they begin.
const NOT_HERE: [(&str, &str); 5] = [
    ("cargo ", "the programs are built"),
    ("./test", "is what runs this"),
    ("export ", "names servers that aren't there"),
    (
        "dossier ",
        "would use them: tests of the distributed mode do",
    ),
    ("dsr watch", "goes on until it is stopped"),
];

/// How many lists of commands the other pages have, and what runs those.
const ELSEWHERE: [(&str, usize, &str); 5] = [
    (
        "deploy/README.md",
        3,
        "chart, builds, units: ./test --deploy",
    ),
    ("docs/IDENTIFICATION.md", 1, "needs somebody's files"),
    (
        "docs/OPERATIONS.md",
        6,
        "backups: cli/backup.rs; the key: receipts",
    ),
    (
        "docs/STORAGE.md",
        1,
        "rules for buckets: servers/direct_uploads.rs",
    ),
    ("examples/README.md", 1, "clients/examples.rs"),
];

/// Fails with what the service doesn't do, and says why.
const CURL: &str =
    "curl() { command curl --silent --show-error --fail-with-body --max-time 90 \"$@\"; }\n";

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}

/// The lists of commands of a page.
fn lists(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let lists = text.split("\n```sh\n").skip(1);
    let lists = lists.map(|rest| rest.split("\n```").next().unwrap().to_owned());
    lists.collect()
}

/// The commands of a page in their order, each with what continues it.
fn commands(page: &str) -> Vec<String> {
    let lists = lists(&root().join(page)).join("\n").replace("\\\n", " ");
    let lines = lists.lines().map(str::trim);
    let commands = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.map(str::to_owned).collect()
}

/// Whether the shell shall only remember something.
fn is_assignment(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default();
    name.bytes().all(|byte| byte.is_ascii_lowercase()) && name.len() < line.len()
}

/// Somebody at a shell, in the folder of a service.
struct Reader {
    shell: Dsr,
    api: String,
    /// What the shell remembers.
    assignments: String,
    document: String,
    operation: String,
}

impl Reader {
    fn of(app: &TestApp) -> Self {
        let shell = Dsr::of_nobody();
        let folder = shell.home();
        for made in ["dossier-data", "papers"] {
            std::fs::create_dir(folder.join(made)).unwrap();
        }
        std::fs::write(folder.join("dossier-data/admin.key"), app.admin_key()).unwrap();
        std::fs::write(folder.join("papers/draft.txt"), "a draft").unwrap();
        std::fs::write(folder.join("papers/final.txt"), "no draft").unwrap();
        std::fs::copy(root().join("README.md"), folder.join("README.md")).unwrap();
        Self {
            shell,
            api: app.ingress().api(),
            assignments: format!("{CURL}DSR_KEY={}\n", app.admin_key()),
            document: String::new(),
            operation: String::new(),
        }
    }

    /// Runs a command about the latest document and operation, and asserts its success.
    async fn runs(&mut self, command: &str) {
        let line = command
            .replace("http://127.0.0.1:8080", &self.api)
            // Nothing goes out. Nobody listens there.
            .replace("https://example.com/", "https://127.0.0.1:1/")
            .replace("operations/<id>", &format!("operations/{}", self.operation))
            .replace("<id>", &self.document);
        if is_assignment(&line) {
            self.assignments.push_str(&line);
            self.assignments.push('\n');
            return;
        }
        let mut path = program().parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let mut shell = self.shell.command(Path::new("sh"));
        shell.args(["-euc", &format!("{}{line}", self.assignments)]);
        let run = Run::of(&shell.env("PATH", path).output().await.unwrap());
        assert_eq!(run.code, 0, "{line}\n{}\n{}", run.out, run.error);
        let Ok(answer) = domain::read_json::<Value>(run.out.as_bytes()) else {
            return;
        };
        let id = answer["id"].as_str().map(str::to_owned);
        if answer["action"].is_string() {
            self.operation = id.unwrap();
        } else if answer["latest_version"].is_number() {
            self.document = id.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_readme_do_what_they_say() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")]);
    let app = app.start().await;
    let mut reader = Reader::of(&app);
    for page in HERE {
        for command in commands(page) {
            if !NOT_HERE.iter().any(|(begin, _)| command.starts_with(begin)) {
                reader.runs(&command).await;
            }
        }
    }
    let file = |name: &str| std::fs::read(reader.shell.home().join(name)).unwrap();
    assert_eq!(file("copy.md"), file("README.md"));
    assert!(file("all.zip").starts_with(b"PK") && file("papers.zip").starts_with(b"PK"));
    let admin = app.admin();
    let drafts = admin.get("/v1/documents?name=draft&status=archived").await;
    assert_eq!(drafts.json()["items"].as_array().unwrap().len(), 1);
    let (receipt, keys) = (file("receipt.jws"), file("keys.json"));
    assert_eq!(receipt.split(|&byte| byte == b'.').count(), 3);
    let keys = domain::read_json::<Value>(&keys).unwrap();
    assert_eq!(keys["keys"][0]["kty"], "OKP", "{keys}");
}

#[test]
fn every_list_of_commands_is_run_somewhere() {
    let mut found = BTreeMap::new();
    for folder in ["", "deploy", "docs", "examples"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let page = path.strip_prefix(root()).unwrap().display().to_string();
                found.insert(page, lists(&path).len());
            }
        }
    }
    found.retain(|page, lists| *lists > 0 && !HERE.contains(&page.as_str()));
    let known = ELSEWHERE.map(|(page, lists, _)| (page.to_owned(), lists));
    assert_eq!(found, BTreeMap::from(known));
}
