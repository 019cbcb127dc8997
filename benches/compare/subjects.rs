//! The servers under test as targets of the measuring engine, each on the servers' processor.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use poll_vs_sse_instrument::{OwnServer, Profile, Target};

use super::harness::baseline_server::Task;
use super::nginx;
use super::report::compare::{FLOOR, NCHAN, OURS};
use super::servers::{self, RunningServer};

/// The message published to both other servers: as many bytes as this project's server makes of the text.
const MESSAGE: &str = r#"{"id":1000,"cursor":"k3x9qa-1000","room":"{room}","author":"compare","text":"{text}","sent_at":"2026-01-01T00:00:00.000000Z"}"#;

/// The servers to measure.
pub struct ComparedServers {
    ours: Target,
    floor: (RunningServer, Target),
    nchan: Option<(RunningServer, Target)>,
}

impl ComparedServers {
    pub fn start(
        binary: PathBuf,
        nchan_module: Option<&Path>,
        core: Option<usize>,
    ) -> Result<Self> {
        let ours = Target::Own(OwnServer {
            binary: Some(binary),
            workers: Some(1),
            ..OwnServer::default()
        });
        let floor = servers::floor(FLOOR, &Task::Write, core)?;
        let floor_target = floor.target(floor_profile()?)?;
        let nchan = match nginx::nchan_module(nchan_module) {
            Some(module) => {
                let nchan = nchan(&module, core).context("start nginx with nchan")?;
                let target = nchan.target(nchan_profile()?)?;
                Some((nchan, target))
            }
            None => None,
        };
        Ok(Self {
            ours,
            floor: (floor, floor_target),
            nchan,
        })
    }

    /// `None` if the server is not installed.
    pub fn target(&self, name: &str) -> Result<Option<&Target>> {
        match name {
            OURS => Ok(Some(&self.ours)),
            FLOOR => Ok(Some(&self.floor.1)),
            NCHAN => Ok(self.nchan.as_ref().map(|(_, target)| target)),
            other => bail!("there is no server {other}"),
        }
    }
}

/// The bare loop sends the published bytes unchanged, so the published message is a whole frame.
fn floor_profile() -> Result<Profile> {
    let frame = format!(
        "id: k3x9qa-1000\\ndata: {}\\n\\n",
        MESSAGE.replace('"', "\\\"")
    );
    Profile::parse(&format!(
        "name = \"{FLOOR}\"\n\
         [publish]\npath = \"/\"\nbody = \"{frame}\"\n\
         [stream]\npath = \"/\"\n"
    ))
}

/// The built-in profile, but publishing `MESSAGE`.
fn nchan_profile() -> Result<Profile> {
    let mut profile = Profile::load(NCHAN)?;
    profile.publish.body = MESSAGE.to_owned();
    Ok(profile)
}

/// nginx with nchan, configured as the built-in profile expects.
fn nchan(module: &Path, core: Option<usize>) -> Result<RunningServer> {
    nginx::start(
        NCHAN,
        &nginx::NginxConfig {
            modules: &format!("load_module {};", module.display()),
            http: "nchan_shared_memory_size 256M;",
            locations: r"
                nchan_message_buffer_length 100000;
                nchan_message_timeout 2m;
                location ~ ^/publish/(\w+)$   { nchan_publisher; nchan_channel_id $1; }
                location ~ ^/poll/(\w+)$      { nchan_subscriber interval-poll; nchan_channel_id $1; }
                location ~ ^/long-poll/(\w+)$ { nchan_subscriber longpoll;      nchan_channel_id $1; }
                location ~ ^/stream/(\w+)$    {
                    nchan_subscriber eventsource;
                    nchan_channel_id $1;
                    nchan_subscriber_first_message newest;
                }
            ",
        },
        core,
    )
}
