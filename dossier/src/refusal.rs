//! Formats command-line errors as one line without secrets.

use std::error::Error as _;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::Cli;

/// Suffixes of variables whose values may contain a secret and are never repeated.
const SECRET: [&str; 6] = ["_URL", "_URLS", "_KEY", "_SECRET", "_ENDPOINT", "_JWKS"];

/// Returns the line: the error, the setting, and the accepted values.
pub fn one_line(error: &clap::Error) -> String {
    let Some(variable) = variable(error) else {
        return message(error);
    };
    if is_secret(&variable) {
        return format!("{variable}: {}", without_value(error));
    }
    format!("{variable}: {}", message(error))
}

/// Returns whether a value of this variable may contain a secret.
pub fn is_secret(variable: &str) -> bool {
    SECRET.iter().any(|end| variable.ends_with(end))
}

/// Returns the variable of the wrong flag, if it is a setting: the value may come from the environment.
fn variable(error: &clap::Error) -> Option<String> {
    if error.kind() == ErrorKind::UnknownArgument {
        return None;
    }
    let argument = text(error, ContextKind::InvalidArg)?;
    let flag = argument.strip_prefix("--")?.split([' ', '=']).next()?;
    let name = format!("DOSSIER_{}", flag.replace('-', "_").to_uppercase());
    let command = Cli::command();
    let mut variables = command.get_arguments().filter_map(clap::Arg::get_env);
    variables.any(|one| one == name.as_str()).then_some(name)
}

/// Returns what the setting must be. A parser's error may repeat the value.
fn without_value(error: &clap::Error) -> String {
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let reason = error.source().map(ToString::to_string);
    reason
        .filter(|reason| value.is_empty() || !reason.contains(value))
        .unwrap_or_else(|| "the value is missing or not valid".to_owned())
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// Joins the library's message into one line, with missing arguments.
fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let wants_usage = error.kind() == ErrorKind::MissingRequiredArgument;
    let is_told = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("For more information")
            && (wants_usage || !line.starts_with("Usage:"))
    };
    let lines: Vec<_> = text.lines().map(str::trim).filter(is_told).collect();
    let line = lines.join(" ").replace(" Usage:", "; usage:");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    match error.get(ContextKind::ValidSubcommand) {
        // Of a missing one, the library tells them itself.
        Some(known) if error.kind() == ErrorKind::InvalidSubcommand => {
            format!("{line} [subcommands: {known}]")
        }
        _ => line.to_owned(),
    }
}
