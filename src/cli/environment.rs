//! Flags given as environment variables: a blank one is none, one that no flag has is reported, and a complaint about a
//! value says which variable it came from.

use std::{any::TypeId, ffi::OsString, path::PathBuf};

use clap::{
    Arg, Command, Error,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// `command` without the variables that are set but blank, as a compose file passes them on.
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

/// The variables with this program's prefix that no flag of any command has, such as misspelled ones.
pub fn unknown_variables(command: &Command) -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_unknown(name, command)).collect();
    names.sort();
    names
}

fn is_unknown(name: &str, command: &Command) -> bool {
    // Kubernetes sets variables such as POLL_VS_SSE_PORT_8080_TCP for a service that is called poll-vs-sse.
    let is_ours = |rest: &str| !rest.starts_with("PORT") && !rest.starts_with("SERVICE_");
    name.strip_prefix("POLL_VS_SSE_").is_some_and(is_ours) && !is_of_flag(name, command)
}

fn is_of_flag(name: &str, command: &Command) -> bool {
    command
        .get_arguments()
        .filter_map(Arg::get_env)
        .any(|it| it == name)
        || command.get_subcommands().any(|it| is_of_flag(name, it))
}

/// The variable that the wrong value came from; none if it was given as a flag.
pub fn source_of(error: &Error, command: &Command, words: &[OsString]) -> Option<String> {
    let command = command_in_use(command, words);
    // clap does not say which value it is.
    if error.kind() == ErrorKind::InvalidUtf8 {
        return find_not_utf8(command, words);
    }
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let variable = command
        .get_arguments()
        .find(|arg| arg.to_string() == *shown)
        .and_then(Arg::get_env)?
        .to_string_lossy()
        .into_owned();
    let flag = shown.split_whitespace().next().unwrap_or_default();
    let is_set = std::env::var_os(&variable).is_some();
    (is_set && !is_given(flag, words)).then_some(variable)
}

/// The command that the command line names; without one, it is the whole program.
fn command_in_use<'a>(command: &'a Command, words: &[OsString]) -> &'a Command {
    let named = words.get(1).and_then(|word| command.find_subcommand(word));
    named.unwrap_or(command)
}

/// `complaint`, with the variable of each flag that it names, unless the flag itself was given.
pub fn with_variables(complaint: &str, command: &Command, words: &[OsString]) -> String {
    let command = command_in_use(command, words);
    let mut text = complaint.to_owned();
    let is_flag = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut named: Vec<&str> = complaint
        .split(|c| !is_flag(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect();
    named.dedup();
    for flag in named {
        if let Some(variable) = set_variable(flag, command, words) {
            text += &format!(" ({flag} is from the environment variable {variable})");
        }
    }
    text
}

/// The variable that sets the flag `--NAME`; `None` if it is not set, or the flag itself was given.
fn set_variable(flag: &str, command: &Command, words: &[OsString]) -> Option<String> {
    let variable = command
        .get_arguments()
        .find(|arg| arg.get_long() == flag.strip_prefix("--"))
        .and_then(Arg::get_env)?
        .to_string_lossy()
        .into_owned();
    let is_set = std::env::var_os(&variable).is_some();
    (is_set && !is_given(flag, words)).then_some(variable)
}

fn is_given(flag: &str, words: &[OsString]) -> bool {
    words.iter().any(|word| {
        let word = word.to_string_lossy();
        word.split_once('=').map_or(&*word, |(name, _)| name) == flag
    })
}

/// The first variable with a value that is not UTF-8, of those that are used and not paths; `None` if a word is not
/// UTF-8.
fn find_not_utf8(command: &Command, words: &[OsString]) -> Option<String> {
    if words.iter().any(|word| word.to_str().is_none()) {
        return None;
    }
    command
        .get_arguments()
        .filter(|arg| arg.get_value_parser().type_id() != TypeId::of::<PathBuf>())
        .filter(|arg| {
            let flag = arg.get_long().map(|name| format!("--{name}"));
            flag.is_none_or(|flag| !is_given(&flag, words))
        })
        .filter_map(Arg::get_env)
        .find(|name| std::env::var_os(name).is_some_and(|value| value.to_str().is_none()))
        .map(|name| name.to_string_lossy().into_owned())
}
