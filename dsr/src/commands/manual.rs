//! The manual, and completions for shells, of the words of the command line.

use std::io;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::Screen;

/// Prints a script for a shell.
pub fn completions(shell: Shell, screen: &Screen) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dsr", &mut script);
    screen.bytes(&script)
}

/// Prints the manual: the program, and then each command.
pub fn manual(screen: &Screen) -> Result<(), Failure> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    render(&program, &mut page).map_err(Failure::Output)?;
    screen.bytes(&page)
}

/// A command, and then those that it has.
fn render(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(page)?;
    command
        .get_subcommands()
        .try_for_each(|command| render(command, page))
}
