//! What people read of scopes is what the routes require: the table of docs/OPERATIONS.md, and the lines
//! where a scope is chosen, in `dsr` and in the console.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use domain::Scope;
use serde_json::Value;
use tests::app::{Mode, TestApp};
use tests::servers::program_named;

use super::documentation::manual;
use super::tables::root;

/// The heading of the table's rows.
const HEADING: &str = "| scope | routes | reads | changes | is told |";

/// The row of what needs no scope.
const WITHOUT: &str = "whichever";

/// Routes by method and the beginning of their path: `GET /v1/documents`.
type Routes = BTreeSet<(String, String)>;

/// The cells of the rows of the table, without the backticks of the first.
fn rows(manual: &str) -> Vec<Vec<&str>> {
    let (_, table) = manual.split_once(HEADING).expect("there is the table");
    let rows = table.trim_start().lines().skip(1);
    let rows = rows.map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect()).collect()
}

/// The routes of a scope, as the OpenAPI document requires them, by the first two segments.
fn required(document: &Value) -> BTreeMap<String, Routes> {
    let mut routes: BTreeMap<_, Routes> = BTreeMap::new();
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        let segments: Vec<_> = pattern.splitn(4, '/').take(3).collect();
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"].is_array() {
                let scope = operation["x-required-scope"].as_str().unwrap_or(WITHOUT);
                let route = (method.to_uppercase(), segments.join("/"));
                routes.entry(scope.to_owned()).or_default().insert(route);
            }
        }
    }
    routes
}

/// The routes that a cell names: some methods of a path, or all of them.
fn named(cell: &str, all: &Routes) -> Routes {
    let mut routes = Routes::new();
    for entry in cell.split('`').skip(1).step_by(2) {
        let words: Vec<_> = entry.split(' ').collect();
        let (path, methods) = words.split_last().unwrap();
        let of_path = all.iter().filter(|(_, beginning)| beginning == path);
        let named = of_path.filter(|(method, _)| {
            methods.is_empty() || methods.iter().any(|named| named == method)
        });
        let before = routes.len();
        routes.extend(named.cloned());
        assert!(routes.len() >= before + methods.len().max(1), "{entry}");
    }
    routes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_scopes_is_that_of_the_routes() {
    let app = TestApp::start(Mode::Embedded).await;
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let required = required(&document);
    let all: Routes = required.values().flatten().cloned().collect();
    let manual = manual();
    let rows = rows(&manual);
    let scopes: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let expected = Scope::ALL.iter().map(|scope| scope.as_str());
    assert_eq!(scopes, expected.chain([WITHOUT]).collect::<Vec<_>>());
    for (row, scope) in rows.iter().zip(scopes) {
        assert_eq!(row.len(), 5, "{row:?}");
        assert_eq!(named(row[1], &all), required[scope], "{scope}");
    }
}

#[test]
fn whoever_chooses_a_scope_reads_what_it_is_good_for() {
    let mut dsr = Command::new(program_named("dsr"));
    let help = dsr.args(["key", "new", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let console = std::fs::read_to_string(root().join("console/page_account.js")).unwrap();
    for scope in Scope::ALL {
        let summary = scope.summary();
        let line = format!("{scope}: {summary}");
        assert!(help.contains(&line), "{line}: {help}");
        let line = format!("['{scope}', '{summary}']");
        assert!(console.contains(&line), "{line}");
    }
}
