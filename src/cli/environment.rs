//! Flags given as environment variables: a blank one is none, and a complaint about a value says which
//! variable it came from.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, Error, builder::Resettable, error::ContextKind, error::ContextValue};

/// `command` without the variables that are set and blank, as a compose file passes them on.
pub fn ignore_blank(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_blank = arg
            .get_env()
            .and_then(std::env::var_os)
            .is_some_and(|value| value.to_string_lossy().trim().is_empty());
        match is_blank {
            true => arg.env(Resettable::Reset),
            false => arg,
        }
    });
    command.mut_subcommands(ignore_blank)
}

/// The variable that the value at fault came from; none if it was given as a flag.
pub fn source_of(error: &Error, command: &Command, words: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let variable = find_arg(command, shown)?;
    let flag = shown.split_whitespace().next().unwrap_or_default();
    let is_flag_given = words.iter().any(|word| {
        let word = word.to_string_lossy();
        let name = word.split_once('=').map_or(&*word, |(name, _)| name);
        name == flag
    });
    let is_set = std::env::var_os(&variable).is_some();
    (is_set && !is_flag_given).then_some(variable)
}

/// The variable of the argument that clap shows as `shown`, such as `--bind <ADDR:PORT>`.
fn find_arg(command: &Command, shown: &str) -> Option<String> {
    let own = command
        .get_arguments()
        .find(|arg| arg.to_string() == shown)
        .and_then(Arg::get_env)
        .map(OsStr::to_string_lossy)
        .map(String::from);
    own.or_else(|| {
        let mut nested = command.get_subcommands();
        nested.find_map(|nested| find_arg(nested, shown))
    })
}
