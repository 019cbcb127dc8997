//! Whether a process listens on a port: looks its sockets up in the kernel's table of listening sockets. Linux only;
//! elsewhere this is unknown.

use std::{collections::HashSet, fs};

use super::{process_tree::ProcessTree, tcp_table};

/// Whether one of `processes` listens on `port`. `None` if that cannot be read.
pub fn listen_on(processes: ProcessTree, port: u16) -> Option<bool> {
    let mut is_known = false;
    for pid in processes.all() {
        let (Some(listening), Some(own)) = (listening(pid, port), sockets(pid)) else {
            continue;
        };
        is_known = true;
        if !listening.is_disjoint(&own) {
            return Some(true);
        }
    }
    is_known.then_some(false)
}

/// The process that listens on `port`. Of several, it is the oldest, because a master process hands its socket to its
/// workers.
pub fn listener_of(port: u16) -> Option<u32> {
    let listening = listening(std::process::id(), port)?;
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found: Vec<u32> = pids
        .filter(|pid| sockets(*pid).is_some_and(|own| !own.is_disjoint(&listening)))
        .collect();
    found.sort_unstable();
    found.first().copied()
}

/// The inodes of all sockets that listen on `port` in the process's network namespace.
fn listening(pid: u32, port: u16) -> Option<HashSet<u64>> {
    let sockets = tcp_table::sockets(pid)?;
    let listening = sockets.filter(|socket| socket.is_listening && socket.local.port() == port);
    Some(listening.map(|socket| socket.inode).collect())
}

/// The inodes of a process's sockets.
fn sockets(pid: u32) -> Option<HashSet<u64>> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let inodes = links.filter_map(|link| {
        let target = fs::read_link(link.path()).ok()?;
        let inode = target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?;
        inode.parse().ok()
    });
    Some(inodes.collect())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listening_process_is_distinguished_from_others() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let own = ProcessTree::from_root(std::process::id());
        assert_eq!(listen_on(own, port), Some(true));
        assert_eq!(listener_of(port), Some(std::process::id()));
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("starts");
        assert_eq!(
            listen_on(ProcessTree::from_root(other.id()), port),
            Some(false)
        );
        other.kill().expect("ends");
        other.wait().expect("ended");
        assert_eq!(
            listen_on(ProcessTree::from_root(other.id()), port),
            None,
            "the process is gone"
        );
    }
}
