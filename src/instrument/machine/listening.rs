//! Whether a process listens on a port: its sockets, looked up in the kernel's table of those that
//! listen. Linux only; elsewhere nothing is known.

use std::{collections::HashSet, fs};

use super::process_tree::ProcessTree;

/// The state of a socket that listens, as `/proc/net/tcp` has it.
const LISTENS: &str = "0A";

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

/// The process that listens on `port`, of several the oldest: a master hands its socket to its workers.
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
fn listening(pid: u32, port: u16) -> Option<HashSet<String>> {
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")));
    let mut tables = tables.into_iter().filter_map(Result::ok).peekable();
    tables.peek()?;
    let inodes = tables.flat_map(|table| {
        let lines = table.lines().skip(1);
        let inodes = lines.filter_map(|line| inode(line, port));
        inodes.collect::<Vec<_>>()
    });
    Some(inodes.collect())
}

/// The inode in a line of the table, if its socket listens on `port`. The line has its number, the
/// local address and port in hexadecimal digits, the other's, the state, and nine columns further the inode.
fn inode(line: &str, port: u16) -> Option<String> {
    let mut words = line.split_whitespace();
    let (_, local) = words.nth(1)?.rsplit_once(':')?;
    let is_it = u16::from_str_radix(local, 16).ok()? == port && words.nth(1)? == LISTENS;
    let inode = words.nth(5)?;
    is_it.then(|| inode.to_owned())
}

/// The inodes of the sockets that a process has.
fn sockets(pid: u32) -> Option<HashSet<String>> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let inodes = links.filter_map(|link| {
        let target = fs::read_link(link.path()).ok()?;
        let inode = target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?;
        Some(inode.to_owned())
    });
    Some(inodes.collect())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn whoever_listens_on_a_port_is_known_from_whoever_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let own = ProcessTree::of(std::process::id());
        assert_eq!(listen_on(own, port), Some(true));
        assert_eq!(listener_of(port), Some(std::process::id()));
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("starts");
        assert_eq!(listen_on(ProcessTree::of(other.id()), port), Some(false));
        other.kill().expect("ends");
        other.wait().expect("ended");
        assert_eq!(
            listen_on(ProcessTree::of(other.id()), port),
            None,
            "it is gone"
        );
    }
}
