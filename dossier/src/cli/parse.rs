//! Reads the command line and the environment; wrong usage is one line.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};

use super::Cli;
use crate::refusal::one_line;
use crate::started;

/// Commands whose help tells all settings.
const ROLES: [&str; 3] = ["serve", "ingress", "worker"];

/// Where the help of the other commands refers to.
const SETTINGS: &str = "Settings, as flags or variables: dossier --help";

/// Parses the command line and the environment. Errors are one line that names the setting.
pub fn parse() -> Result<Cli, ExitCode> {
    let is_blank = |variable: &OsStr| {
        let value = std::env::var_os(variable);
        value.is_some_and(|value| value.as_encoded_bytes().trim_ascii().is_empty())
    };
    read(with_help_as_flag(std::env::args_os()), is_blank).map_err(|error| {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        ) || error.exit_code() == 0
        {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        eprintln!("dossier: {}", one_line(&error));
        ExitCode::from(2)
    })
}

/// `help` and the name of a command ask for the help of that command, as its flag does.
fn with_help_as_flag(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|word| word == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// Parses `arguments`. Blank variables count as unset, since compose and unit files write them so.
fn read(
    arguments: impl IntoIterator<Item = OsString>,
    is_blank: impl Fn(&OsStr) -> bool,
) -> Result<Cli, clap::Error> {
    let mut command = without_help(Cli::command()).mut_args(|argument| {
        if argument.get_env().is_some_and(&is_blank) {
            argument.env(None::<&'static str>)
        } else {
            argument
        }
    });
    command = with_own_help(command);
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| with_known_names(error, &command))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let shown = started::shown(&command, &matches);
    Ok(Cli { shown, ..cli })
}

/// A missing subcommand is reported by name, not by the help text.
fn without_help(command: clap::Command) -> clap::Command {
    command
        .arg_required_else_help(false)
        .mut_subcommands(without_help)
}

/// A command that is no role tells its own arguments, and where the settings are told. It still takes
/// all of them.
fn with_own_help(command: clap::Command) -> clap::Command {
    let settings = command.get_arguments().filter(|one| one.is_global_set());
    let hidden: Vec<_> = settings.map(|one| one.clone().hide(true)).collect();
    command.mut_subcommands(|command| {
        if ROLES.contains(&command.get_name()) {
            return command;
        }
        // The one that its own help names.
        let is_health = command.get_name() == "health";
        let is_shown = |setting: &clap::Arg| is_health && setting.get_id() == "ops_listen";
        let hidden = hidden.iter().filter(|one| !is_shown(one)).cloned();
        with_reference(command.args(hidden))
    })
}

fn with_reference(command: clap::Command) -> clap::Command {
    command.after_help(SETTINGS).mut_subcommands(with_reference)
}

/// Adds what there is instead of an unknown subcommand. The usage begins with the commands before it.
fn with_known_names(mut error: clap::Error, root: &clap::Command) -> clap::Error {
    if error.kind() == ErrorKind::InvalidSubcommand {
        let usage = error.get(ContextKind::Usage).map(ToString::to_string);
        let mut parent = root;
        for word in usage.unwrap_or_default().split_whitespace().skip(2) {
            match parent.find_subcommand(word) {
                Some(command) => parent = command,
                None => break,
            }
        }
        let names = parent.get_subcommands().map(clap::Command::get_name);
        let names = names.map(str::to_owned).collect();
        error.insert(ContextKind::ValidSubcommand, ContextValue::Strings(names));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::is_secret;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_is_a_command_too() {
        let asked = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            let answer = read(with_help_as_flag(words), |_| true).unwrap_err();
            assert_eq!(answer.kind(), ErrorKind::DisplayHelp, "{line}");
            answer.to_string()
        };
        assert_eq!(asked("dossier help"), asked("dossier --help"));
        assert_eq!(
            asked("dossier help key new"),
            asked("dossier key new --help")
        );
    }

    #[test]
    fn scopes_may_have_blanks_behind_their_commas() {
        let words = ["dossier", "key", "new", "a", "--scope", "events, tickets"];
        read(words.map(OsString::from), |_| true).unwrap();
    }

    /// In `dsr`, too.
    #[test]
    fn every_list_is_ls_or_list_and_whatever_is_made_is_new_or_add() {
        for line in [
            "user ls",
            "user new a",
            "key new a",
            "job ls",
            "queue ls",
            "storage ls",
        ] {
            for line in [line, &line.replace("ls", "list").replace("new", "add")] {
                let arguments = std::iter::once("dossier").chain(line.split(' '));
                read(arguments.map(OsString::from), |_| true).unwrap();
            }
        }
    }

    #[test]
    fn every_setting_is_a_flag_and_a_variable_of_the_same_name() {
        for argument in Cli::command().get_arguments() {
            let Some(flag) = argument.get_long() else {
                continue;
            };
            if matches!(flag, "help" | "version") {
                continue;
            }
            let variable = format!("DOSSIER_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(
                argument.get_env().and_then(|name| name.to_str()),
                Some(variable.as_str()),
                "--{flag}"
            );
        }
    }

    #[test]
    fn every_list_is_read_in_the_same_way() {
        let command = Cli::command();
        let mut arguments = command.get_arguments();
        let own = arguments.find(|argument| argument.get_value_delimiter().is_some());
        assert!(own.is_none(), "{own:?} isn't a `List`");
    }

    fn told(arguments: &[&str]) -> String {
        let arguments = std::iter::once(&"dossier").chain(arguments);
        let error = read(arguments.map(OsString::from), |_| true).unwrap_err();
        let line = one_line(&error);
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn no_value_that_may_carry_a_secret_is_repeated() {
        let (mut secret, mut open) = (0, 0);
        for argument in Cli::command().get_arguments() {
            let Some(name) = argument.get_env().and_then(|name| name.to_str()) else {
                continue;
            };
            let flag = argument.get_long().unwrap();
            for wrong in [
                "postgress://u:MARKER@h/x",
                "postgres://u:se/MARKER@h/x",
                "postgres://u:1/MARKER@h/x",
                "redis://u:MARKER@h/0?no=MARKER",
                "redis+sentinel://u:MARKER@h,i/0?sentinel_password=MARKER",
                "redis+cluster://u:MARKER@h,i/1",
                "s3://MARKER:se/MARKER@h/x",
                "s3://u:MARKER@h/x",
                "grpc://u:MARKER@h",
                "http://u:MARKER@h/?token=MARKER",
                "MARKER",
                "MARKER\n",
            ] {
                let line = [String::from("dossier"), format!("--{flag}={wrong}")];
                let Err(error) = read(line.map(OsString::from), |_| true) else {
                    continue;
                };
                let line = one_line(&error);
                assert!(line.starts_with(&format!("{name}: ")), "{line}");
                if is_secret(name) {
                    secret += 1;
                    assert!(!line.to_lowercase().contains("marker"), "{line}");
                } else {
                    open += 1;
                }
            }
            // Errors must not repeat values that help hides.
            assert!(
                !argument.is_hide_env_values_set() || is_secret(name),
                "{name}"
            );
        }
        assert!(secret > 30 && open > 100, "{secret} {open}");
    }

    #[test]
    fn one_line_holds_all_that_matters() {
        let listen = told(&["--listen", "nowhere"]);
        assert!(listen.starts_with("DOSSIER_LISTEN: ") && listen.contains("nowhere"));
        for (arguments, parts) in [
            (&["serve", "--listn", "x"][..], &["--listn", "--listen"][..]),
            (&["job", "retry"], &["required arguments", "<IDS>"]),
            (&["job"], &["requires a subcommand", "list, cancel, retry"]),
            (&["foo"], &["'foo'", "[subcommands: serve, ingress"]),
            (&["key", "foo"], &["'foo'", "[subcommands: new"]),
            (&["--data-dir=x", "job", "retri"], &["ls, cancel, retry"]),
            (&["key", "add"], &["<USER>"]),
            (
                &["key", "new", "a", "--scope=all"],
                &["'--scope <SCOPE>'", "documents:read"],
            ),
            (&["user", "disable"], &["<USER>"]),
            (
                &["--jwt-create-users=yes"],
                &["DOSSIER_JWT_CREATE_USERS", "true, false"],
            ),
            (&["--concurrency=0"], &["DOSSIER_CONCURRENCY", "1 to 1024"]),
            (
                &["--database-url=postgres://u:se/cret@h/x"],
                &["percent-encode"],
            ),
        ] {
            let line = told(arguments);
            assert!(!line.contains("DOSSIER_SCOPE"), "it is no setting: {line}");
            for part in parts {
                assert!(line.contains(part), "{part}: {line}");
            }
        }
    }

    fn help(arguments: &[&str]) -> String {
        let arguments = std::iter::once(&"dossier").chain(arguments);
        let arguments = arguments.chain(&["--help"]);
        let told = read(arguments.map(OsString::from), |_| true).unwrap_err();
        told.to_string()
    }

    #[test]
    fn a_command_tells_its_own_arguments_and_a_role_all_settings() {
        for (arguments, own) in [
            (&["audit"][..], "--repair"),
            (&["key"], "new"),
            (&["key", "new"], "<USER>"),
            (&["storage", "move"], "--rate"),
            (&["health"], "--ops-listen"),
        ] {
            let help = help(arguments);
            assert!(help.contains(own) && help.contains(SETTINGS), "{help}");
            assert!(!help.contains("--database-url"), "{help}");
        }
        for arguments in [&["serve"][..], &["ingress"], &["worker"], &[]] {
            let help = help(arguments);
            assert!(help.contains("--database-url"), "{help}");
            assert!(!help.contains(SETTINGS), "{help}");
        }
    }

    #[test]
    fn a_setting_is_taken_before_and_after_any_command() {
        for line in [
            "--grace=1s key new a",
            "key --grace=1s new a",
            "key new a --grace=1s",
        ] {
            let arguments = std::iter::once("dossier").chain(line.split(' '));
            let cli = read(arguments.map(OsString::from), |_| true).unwrap();
            assert_eq!(cli.settings.grace.as_secs(), 1, "{line}");
        }
    }
}
