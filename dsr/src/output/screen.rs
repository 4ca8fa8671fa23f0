//! Standard output and standard error. Programs get JSON; people get text.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use console::{Term, style};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Table, one_line, safe_json, safe_text};
use crate::failure::Failure;

/// What the user sees.
#[derive(Debug)]
pub struct Screen {
    json: bool,
    quiet: bool,
}

impl Screen {
    /// What is shown: JSON, and notes unless it is to be quiet.
    pub const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether the output is for programs.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress is shown.
    pub fn shows_progress(&self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Prints a result: as an object for programs, as lines for people.
    pub fn result(&self, value: &impl Serialize, text: &str) -> Result<(), Failure> {
        if self.json {
            let line = serde_json::to_string(value).map_err(io::Error::from);
            let line = safe_json(&line.map_err(Failure::Output)?);
            return writeln!(io::stdout().lock(), "{line}").map_err(Failure::Output);
        }
        self.line(text)
    }

    /// Prints a line.
    #[expect(clippy::unused_self, reason = "results are printed by the screen")]
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        writeln!(io::stdout().lock(), "{}", safe_text(text)).map_err(Failure::Output)
    }

    /// Prints bytes.
    #[expect(clippy::unused_self, reason = "results are printed by the screen")]
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        io::stdout()
            .lock()
            .write_all(bytes)
            .map_err(Failure::Output)
    }

    /// Ends the output. What couldn't be written fails, so that nobody takes a part for the whole.
    #[expect(clippy::unused_self, reason = "results are printed by the screen")]
    pub fn end(&self) -> Result<(), Failure> {
        io::stdout().lock().flush().map_err(Failure::Output)
    }

    /// Prints a table: fitted to a terminal, else whole and separated by tabs.
    pub fn table(&self, table: &Table) -> Result<(), Failure> {
        let terminal = Term::stdout();
        let width = terminal.is_term().then(|| usize::from(terminal.size().1));
        let text = safe_text(&table.text(width));
        self.bytes(text.as_bytes())
    }

    /// Tells people something that is no result.
    pub fn note(&self, text: &str) {
        if !self.json && !self.quiet {
            say(text);
        }
    }

    /// Tells what somebody has to do now, also if the output is for programs.
    #[expect(clippy::unused_self, reason = "people are told by the screen")]
    pub fn invite(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Whether somebody is there to answer a question.
    #[expect(clippy::unused_self, reason = "people are asked by the screen")]
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question at the terminal, and returns whether the answer is yes.
    #[expect(clippy::unused_self, reason = "people are asked by the screen")]
    pub fn confirms(&self, question: &str) -> Result<bool, Failure> {
        let terminal = Term::stderr();
        let answer = terminal
            .write_str(&format!("{} [y/N] ", safe_text(&one_line(question))))
            .and_then(|()| terminal.read_line());
        let answer = answer.map_err(|error| match error.kind() {
            // What reads from the terminal tells Ctrl-C so.
            io::ErrorKind::Interrupted => Failure::Interrupted { goes_on: false },
            _ => Failure::Output(error),
        })?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Tells that one of several files failed.
    pub fn problem(&self, path: &Path, failure: &Failure) {
        let path = path.display().to_string();
        if self.json {
            let mut error = described(failure);
            error["path"] = path.into();
            say(&safe_json(&json!({ "error": error }).to_string()));
            return;
        }
        let message = failure.message();
        let text = if message.starts_with(&path) {
            message
        } else {
            format!("{path}: {message}")
        };
        let failed = style("failed:").for_stderr().red();
        say(&format!("{failed} {}", one_line(&text)));
    }

    /// Tells what failed, and what to do.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let error = described(failure);
            say(&safe_json(&json!({ "error": error }).to_string()));
            return;
        }
        let name = style("dsr:").for_stderr().red().bold();
        say(&format!("{name} {}", one_line(&failure.message())));
        if let Some(advice) = failure.advice() {
            say(&format!("     {}", style(advice).for_stderr().dim()));
        }
    }
}

/// A failure for programs.
fn described(failure: &Failure) -> Value {
    let problem = match failure {
        Failure::Service(error) => error.problem(),
        _ => None,
    };
    json!({
        "code": problem.map(|problem| &problem.code),
        "detail": failure.message(),
        "request_id": problem.map(|problem| &problem.request_id),
        "exit_code": failure.exit_code(),
    })
}

/// Says something beside the results. Whoever has closed standard error doesn't want to know it.
fn say(text: &str) {
    drop(writeln!(io::stderr().lock(), "{}", safe_text(text)));
}
