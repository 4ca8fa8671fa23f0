//! What operators take from deploy/ asks for meters that there are, and knows every alarm.

use std::collections::BTreeSet;

use super::documentation::{manual, words};
use super::tables::root;

fn deployed(file: &str) -> String {
    std::fs::read_to_string(root().join("deploy").join(file)).unwrap()
}

/// The meters that a text names.
fn meters(text: &str) -> BTreeSet<&str> {
    words(text, "dossier_").into_iter().map(meter).collect()
}

/// The meter of a series: those of a histogram have further words at their end.
fn meter(series: &str) -> &str {
    let ends = ["_bucket", "_count", "_sum"];
    let meter = ends.iter().find_map(|end| series.strip_suffix(end));
    meter.unwrap_or(series)
}

#[test]
fn rules_and_dashboards_ask_for_meters_that_are_there() {
    let manual = manual();
    let known = words(&manual, "dossier_");
    for file in [
        "prometheus/rules.yml",
        "prometheus/rules_test.yml",
        "grafana/dossier.json",
        "helm/dossier/templates/_helpers.tpl",
    ] {
        let text = deployed(file);
        let unknown: Vec<_> = meters(&text).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

#[test]
fn each_alarm_has_an_alert() {
    let manual = manual();
    let rules = deployed("prometheus/rules.yml");
    let alarms = manual
        .split("\n## ")
        .find(|part| part.starts_with("Alarms\n"));
    let missing: Vec<_> = meters(alarms.unwrap())
        .difference(&meters(&rules))
        .copied()
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn each_alert_is_tested_to_fire() {
    let (rules, tests) = (
        deployed("prometheus/rules.yml"),
        deployed("prometheus/rules_test.yml"),
    );
    let alerts = rules.split("- alert: ").skip(1);
    let alerts: Vec<_> = alerts.filter_map(|rest| rest.lines().next()).collect();
    let fires = |alert: &str| tests.contains(&format!("{{alertname=\"{alert}\"}}', value: 1}}"));
    let untested: Vec<_> = alerts.iter().filter(|alert| !fires(alert)).collect();
    assert!(alerts.len() > 15 && untested.is_empty(), "{untested:?}");
}
