#![doc = include_str!("../../docs/ARCHITECTURE.md")]

mod bootstrap;
mod causes;
mod cli;
mod commands;
mod data_folder;
mod descriptors;
mod greeting;
mod logging;
mod one_line;
mod refusal;
mod resources;
mod shutdown;
mod span_export;
mod started;

use std::process::ExitCode;

use self::span_export::Exporter;

fn main() -> ExitCode {
    data_folder::keep_files_private();
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let failure = cli.failure();
    let descriptors = descriptors::raise();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into(), failure),
    };
    let exporter = match Exporter::start(&cli, runtime.handle()) {
        Ok(exporter) => exporter,
        Err(error) => return fail(&error, failure),
    };
    if let Err(error) = logging::start(&cli.settings, exporter.as_ref()) {
        return fail(&error, failure);
    }
    if let Err(error) = descriptors {
        tracing::warn!(
            error = format!("{error:#}"),
            "accepting fewer connections than configured"
        );
    }
    let ended = runtime.block_on(commands::run(cli));
    if let Some(exporter) = exporter {
        exporter.end();
    }
    match ended {
        Ok(exit) => exit,
        Err(error) => fail(&error, failure),
    }
}

/// Prints one line: the error and its causes.
fn fail(error: &anyhow::Error, exit: ExitCode) -> ExitCode {
    eprintln!("dossier: {}", causes::causes(error));
    exit
}
