//! `dsr`, the command line of Dossier for its clients.

mod cli;
mod commands;
mod config;
mod failure;
mod files;
mod folders;
mod journal;
mod json;
mod output;
mod progress;
mod session;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser as _;

use self::cli::Cli;
use self::failure::Failure;
use self::output::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse_from(with_help_as_flag(std::env::args_os().collect()));
    let screen = Screen::new(cli.json, cli.quiet);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(until_interrupted(cli, &screen));
            // A thread that reads standard input isn't waited for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::Output(error)),
    };
    let ended = ended.and_then(|()| screen.end());
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            screen.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// `help` and the name of a command ask for the help of that command, as its flag does.
fn with_help_as_flag(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|word| word == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// Runs the command until it has ended or Ctrl-C is pressed.
async fn until_interrupted(cli: Cli, screen: &Screen) -> Result<(), Failure> {
    // Standard input can't be read again.
    let goes_on = match &cli.command {
        cli::Command::Put(put) => !put.paths.iter().any(|path| path.as_os_str() == "-"),
        _ => false,
    };
    tokio::select! {
        ended = commands::run(cli, screen) => ended,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted { goes_on }),
    }
}
