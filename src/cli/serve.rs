//! `serve`: the server from its flags to its end by a signal.

use std::{
    io::{self, IsTerminal as _},
    pin::Pin,
    process::{self, ExitCode},
    thread,
    time::Duration,
};

use actix_web::rt::System;
use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use poll_vs_sse_server::{
    config::Config,
    ledger::access_log::Format,
    lifecycle::{process_limits::ProcessLimits, server::Server},
};

use super::exit::{self, fail};

/// Serves until SIGINT or SIGTERM. `explain` adds to an error which environment variables its values came from.
pub fn serve(config: Config, explain: impl FnOnce(&str) -> String) -> ExitCode {
    if let Some(parent) = config.end_with_parent
        && !exit_with_parent(parent)
    {
        return fail(
            "the process that started this one is gone",
            exit::USAGE_ERROR,
        );
    }
    // Before the runtime, which would panic.
    if let Err(why) = ProcessLimits::read().check(config.workers) {
        return fail(&explain(&why), exit::USAGE_ERROR);
    }
    match System::new().block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unusable(error)) => fail(&explain(&format!("{error:#}")), exit::USAGE_ERROR),
        Err(Failure::Broken(error)) => fail(&format!("{error:#}"), exit::FAILED),
    }
}

enum Failure {
    /// It could not even start.
    Unusable(anyhow::Error),
    Broken(anyhow::Error),
}

/// How long the end may take, within the promised two seconds.
const STOP_TIMEOUT: Duration = Duration::from_millis(1900);
/// How long the server may take to report that its end took longer.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(50);

/// Ends the process `after` this time, whatever still hangs by then: a file system, a reader of the log,
/// a handler.
fn end_process(after: Duration) {
    // A process that cannot make a thread ends without one.
    let _ = thread::Builder::new()
        .name("stop-timeout".to_owned())
        .spawn(move || {
            thread::sleep(after);
            // Standard error may hang, too.
            let _ = thread::Builder::new().spawn(|| fail("the end took too long", exit::FAILED));
            thread::sleep(LAST_WORDS_TIMEOUT);
            process::exit(exit::FAILED.into());
        });
}

async fn run(mut config: Config) -> Result<(), Failure> {
    if config.log_format == Format::Text && io::stdout().is_terminal() {
        config.log_format = Format::Terminal;
    }
    // Before the server listens, so that it handles a signal that comes as soon as it does.
    let (mut stop, force) = signals().map_err(|error| Failure::Broken(error.into()))?;
    // Unhandled, it would end a process that still waits for its store. The server reloads its files once it runs.
    let reload = signal(SignalKind::hangup()).map_err(|error| Failure::Broken(error.into()))?;
    let (built, building) = oneshot::channel();
    let drain = config.drain;
    // On a separate thread: opening the store may take long, and a signal must end the wait for it.
    thread::spawn(move || {
        // Nobody receives it if a signal came first.
        let _ = built.send(Server::build(config, super::lab::PAGE, io::stdout()));
    });
    let server = tokio::select! {
        server = building => server,
        () = &mut stop => return Ok(()),
    };
    let server = server.map_err(|error| Failure::Broken(error.into()))?;
    let server = server.map_err(Failure::Unusable)?;
    let stop = async move {
        stop.await;
        end_process(drain + STOP_TIMEOUT);
    };
    let force = async move {
        force.await;
        end_process(STOP_TIMEOUT);
    };
    let run = server.run_until(stop, force, reload).await;
    run.map_err(Failure::Broken)
}

type ShutdownSignal = Pin<Box<dyn Future<Output = ()>>>;

/// The signals to stop, and to stop at once.
fn signals() -> io::Result<(ShutdownSignal, ShutdownSignal)> {
    // A handled SIGXFSZ makes a write beyond the limit on file sizes fail, as on a full disk. Unhandled
    // it ends the process.
    drop(signal(SignalKind::from_raw(Signal::SIGXFSZ as i32))?);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let force = async move {
        let second = async {
            terminate.recv().await;
            terminate.recv().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            () = second => {}
        }
    };
    Ok((Box::pin(stop), Box::pin(force)))
}

/// Asks the kernel to stop this process when `parent` ends. Returns false if it has already ended.
#[cfg(target_os = "linux")]
fn exit_with_parent(parent: u32) -> bool {
    use nix::{sys::prctl::set_pdeathsig, unistd::getppid};

    let told = set_pdeathsig(Signal::SIGTERM).is_ok();
    told && u32::try_from(getppid().as_raw()) == Ok(parent)
}

#[cfg(not(target_os = "linux"))]
fn exit_with_parent(_parent: u32) -> bool {
    true
}
