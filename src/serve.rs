//! `serve`: the server from its flags to its end by a signal.

use std::{io, process::ExitCode};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::Config,
    exit::{self, fail},
    server::Server,
};

/// Serves until SIGINT or SIGTERM.
pub fn serve(config: Config) -> ExitCode {
    if let Some(parent) = config.end_with_parent
        && !end_with(parent)
    {
        return fail("the process that started this one is gone", exit::UNUSABLE);
    }
    let server = match Server::build(config, io::stdout()) {
        Ok(server) => server,
        Err(error) => return fail(&format!("{error:#}"), exit::UNUSABLE),
    };
    match actix_web::rt::System::new().block_on(run(server)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}"), exit::FAILED),
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
