//! The manual, and completions for shells, of the words of the command line.

use clap::CommandFactory as _;
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
    let render = |command: clap::Command, page: &mut Vec<u8>| {
        clap_mangen::Man::new(command)
            .render(page)
            .map_err(Failure::Output)
    };
    render(program.clone(), &mut page)?;
    for command in program.get_subcommands() {
        render(command.clone(), &mut page)?;
    }
    screen.bytes(&page)
}
