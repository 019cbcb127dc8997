//! Parses, runs, and says with its exit code how that went.

use std::{io, process::ExitCode};

use clap::{Parser, error::ErrorKind};
use poll_vs_sse::{config::Cli, server::Server};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What could not even start: a bad flag, store or address.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let config = match Cli::try_parse() {
        Ok(cli) => cli.into_config(),
        Err(error) => return explain(&error),
    };
    if let Some(parent) = config.end_with_parent
        && !end_with(parent)
    {
        return fail("the process that started this one is gone", UNUSABLE);
    }
    let server = match Server::build(config, io::stdout()) {
        Ok(server) => server,
        Err(error) => return fail(&format!("{error:#}"), UNUSABLE),
    };
    match actix_web::rt::System::new().block_on(run(server)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

async fn run(server: Server) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = signals()?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let (mut interrupt, mut terminate) = signals()?;
    let at_once = async move {
        let second = async {
            terminate.recv().await;
            terminate.recv().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            () = second => {}
        }
    };
    server.run_until(stop, at_once).await
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ))
}

/// Has the kernel stop this process when `parent` ends. False where it has ended already.
#[cfg(target_os = "linux")]
fn end_with(parent: u32) -> bool {
    use nix::{
        sys::{prctl::set_pdeathsig, signal},
        unistd::getppid,
    };

    let told = set_pdeathsig(signal::Signal::SIGTERM).is_ok();
    told && u32::try_from(getppid().as_raw()) == Ok(parent)
}

#[cfg(not(target_os = "linux"))]
fn end_with(_parent: u32) -> bool {
    true
}

/// Help and version as they are; anything else as one line.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // A closed pipe is no reason to complain.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let what = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim);
    let line = what.collect::<Vec<_>>().join(" ");
    fail(line.strip_prefix("error: ").unwrap_or(&line), UNUSABLE)
}

fn fail(why: &str, code: u8) -> ExitCode {
    eprintln!("poll-vs-sse: {why}");
    ExitCode::from(code)
}
