//! A program in front of the server, as a child process on a configuration of `deploy/`.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::eventually;

/// Ended when it is dropped.
pub struct Front {
    child: Child,
    pub addr: SocketAddr,
    /// Has what it wrote, beside its configuration.
    directory: TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Front {
    /// Runs `command`, whose files are in `directory`, and waits until it listens at `addr`.
    pub fn start(mut command: Command, addr: SocketAddr, directory: TempDir) -> Self {
        let path = output_path(&directory);
        let output = fs::File::create(&path).expect("a file");
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a descriptor"))
            .stderr(output);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        eventually(&format!("{command:?} listens"), || {
            let ended = child.try_wait().expect("a status");
            let output = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                ended.is_none(),
                "{command:?} refuses its configuration: {output}"
            );
            TcpStream::connect(addr).is_ok()
        });
        Self {
            child,
            addr,
            directory,
        }
    }

    /// What it wrote to standard output and error.
    pub fn output(&self) -> String {
        fs::read_to_string(output_path(&self.directory)).expect("the file")
    }
}

fn output_path(directory: &TempDir) -> PathBuf {
    directory.path().join("output")
}

/// A file of `deploy/`.
pub fn deployed(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    fs::read_to_string(path).expect("the file")
}

/// Where Debian, or the tools that `tests/run` installs, have the program.
pub fn find(program: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = vec![tools, "/usr/sbin".into()];
    directories.extend(std::env::split_paths(&path));
    let mut candidates = directories.iter().map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}

/// The arguments for nginx to serve `site`, a file for its `http` block, with all of its files beside that.
pub fn nginx_arguments(site: &Path) -> [String; 6] {
    let at = site.parent().expect("a directory").display();
    let main = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; client_body_temp_path {at}/a; proxy_temp_path {at}/b;\n\
         fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;\n\
         include {}; }}",
        site.display()
    );
    let path = format!("{at}/main.conf");
    fs::write(&path, main).expect("writes");
    let (log, prefix) = (format!("{at}/error.log"), at.to_string());
    ["-e", &log, "-p", &prefix, "-c", &path].map(str::to_owned)
}
