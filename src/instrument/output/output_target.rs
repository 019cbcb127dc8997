//! The destination of output: checked before the run begins, and written atomically.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::{Builder, NamedTempFile};

/// The destination of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputTarget {
    StandardOutput,
    /// A file, replaced in one step by a temporary one in the same directory.
    File(PathBuf),
    /// A pipe or a device, which is written to directly.
    Device(PathBuf),
}

impl OutputTarget {
    /// The destination at `path`, which the user gave as `flag`; `-` is standard output.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn find(path: &Path, flag: &str) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::StandardOutput);
        }
        let named = || format!("{flag} {}", path.display());
        // The file that a link points to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| canonical_new_file(path));
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                anyhow::bail!("{}: that is a directory, name a file in it", named())
            }
            Ok(found) if !found.is_file() => return Ok(Self::Device(path)),
            Ok(found) => ensure!(
                !found.permissions().readonly(),
                "{}: the file may not be written to",
                named()
            ),
            Err(_) => {}
        }
        // Only an attempt shows whether it works: permissions, a full or read-only disk, a missing directory.
        let tried = temp_file_next_to(&path).map_err(|error| cause(&error));
        let tried = tried.map_err(|why| anyhow!("{}: cannot be written: {why}", named()))?;
        drop(tried);
        Ok(Self::File(path))
    }

    pub fn is_standard_output(&self) -> bool {
        *self == Self::StandardOutput
    }

    pub fn write(&self, text: &str) -> Result<()> {
        let written = match self {
            Self::StandardOutput => {
                let mut stdout = io::stdout().lock();
                let written = stdout
                    .write_all(text.as_bytes())
                    .and_then(|()| stdout.flush());
                match written {
                    // The reader has closed the pipe, which is not an error.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    written => written,
                }
            }
            Self::Device(path) => fs::write(path, text),
            Self::File(path) => replace(path, text),
        };
        written.with_context(|| format!("cannot write {self}"))
    }
}

impl std::fmt::Display for OutputTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StandardOutput => f.write_str("standard output"),
            Self::File(path) | Self::Device(path) => path.display().fmt(f),
        }
    }
}

/// The path of a file that is not there yet, in the one spelling of its directory.
fn canonical_new_file(path: &Path) -> PathBuf {
    let directory = fs::canonicalize(directory_of(path)).ok();
    let named = directory.zip(path.file_name());
    named.map_or_else(|| path.to_owned(), |(directory, name)| directory.join(name))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut file = temp_file_next_to(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The cause, without the name of the temporary file, which the user did not choose.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        kind => kind.to_string(),
    }
}

/// A temporary file in the directory of `path`, which is removed with the value unless it is renamed.
fn temp_file_next_to(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    // The permissions of any other new file, restricted by the user's umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .prefix(".poll-vs-sse-")
        .tempfile_in(directory_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_completely_and_no_other_file_is_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.json");
        let found = OutputTarget::find(&path, "--json").expect("fit");
        assert!(
            names(directory.path()).is_empty(),
            "no file is created beforehand"
        );
        found.write("one").expect("written");
        found.write("two").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "two");
        assert_eq!(names(directory.path()), ["out.json"]);
    }

    #[test]
    fn a_new_file_has_one_path_in_every_spelling() {
        let directory = tempfile::tempdir().expect("a directory");
        let found = |path: &Path| OutputTarget::find(path, "--json").expect("fit");
        let plain = found(&directory.path().join("out"));
        assert_eq!(found(&directory.path().join("./out")), plain);
        let parent = directory
            .path()
            .join("../")
            .join(directory.path().file_name().expect("a name"));
        assert_eq!(found(&parent.join("out")), plain);
        assert_ne!(found(&directory.path().join("other")), plain);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused_beforehand() {
        let directory = tempfile::tempdir().expect("a directory");
        let found =
            |path: &Path| OutputTarget::find(path, "--json").map_err(|why| format!("{why:#}"));
        let error = found(directory.path()).expect_err("a directory");
        assert!(
            error.contains("--json") && error.contains("directory"),
            "{error}"
        );
        let error = found(&directory.path().join("no/out.json")).expect_err("no directory");
        assert!(error.contains("no/out.json"), "{error}");
        assert!(!error.contains(".poll-vs-sse-"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "one").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let found = OutputTarget::find(&link, "--json").expect("fit");
        found.write("two").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("read"), "two");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    }
}
