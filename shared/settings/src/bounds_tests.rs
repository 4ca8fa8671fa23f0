//! Tests every numeric, size and duration setting with zero, too little and far too much.

use clap::{Arg, CommandFactory, Parser};

use super::Settings;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    _settings: Settings,
}

/// The settings that accept zero, as their help documents.
const MAY_BE_NOTHING: [&str; 9] = [
    "DOSSIER_DEFAULT_QUOTA_BYTES",
    "DOSSIER_DEFAULT_QUOTA_DOCUMENTS",
    "DOSSIER_GRACE",
    "DOSSIER_INLINE_BYTES",
    "DOSSIER_KEEP_FAILED_FOR",
    "DOSSIER_KEEP_QUARANTINED_FOR",
    "DOSSIER_KEEP_VERSIONS",
    "DOSSIER_MAX_QUEUE_AGE",
    "DOSSIER_MIN_FREE_BYTES",
];

/// Returns the settings with this value name, with variable and flag.
fn named(value: &str) -> Vec<(String, String, Arg)> {
    let command = Line::command();
    let arguments = command.get_arguments().filter(|argument| {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().any(|name| name.as_str() == value)
    });
    let all = arguments.filter_map(|argument| {
        let variable = argument.get_env()?.to_str()?.to_owned();
        let flag = format!("--{}", argument.get_long()?);
        Some((variable, flag, argument.clone()))
    });
    all.collect()
}

fn is_taken(flag: &str, value: &str) -> bool {
    Line::try_parse_from(["dossier", &format!("{flag}={value}")]).is_ok()
}

#[test]
fn nothing_is_refused_unless_it_is_documented() {
    let mut may_be_nothing = Vec::new();
    for (kind, values) in [
        ("DURATION", &["0", "0s", "0d"][..]),
        ("SIZE", &["0", "0MiB"]),
        ("NUMBER", &["0"]),
    ] {
        let settings = named(kind);
        assert!(settings.len() > 2, "{kind}");
        for (variable, flag, argument) in settings {
            let taken = values.iter().filter(|value| is_taken(&flag, value)).count();
            if taken == 0 {
                continue;
            }
            assert_eq!(taken, values.len(), "{variable}");
            let help = argument.get_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            assert!(help.contains("; 0"), "{variable}: {help}");
            may_be_nothing.push(variable);
        }
    }
    may_be_nothing.sort();
    assert_eq!(may_be_nothing, MAY_BE_NOTHING);
}

#[test]
fn what_is_absurd_is_refused() {
    for (kind, values) in [
        ("DURATION", &["9999999999d", "999999y", "-1s", "1", ""][..]),
        ("SIZE", &["99999999999999999999GiB", "-1", "1.5.5", ""]),
        ("NUMBER", &["99999999999999999999", "-1", "1e3", ""]),
    ] {
        for (variable, flag, _) in named(kind) {
            for value in values {
                assert!(!is_taken(&flag, value), "{variable}={value}");
            }
        }
    }
}
