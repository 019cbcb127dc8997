//! Reads a file that the configuration names: keys, certificates, credentials.
//!
//! Only a regular file of a moderate size is read, so that a pipe or a device named by mistake neither blocks the
//! server nor fills its memory.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// A larger file must be a mistake.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The content of the file at `path`.
///
/// # Errors
///
/// If it cannot be read, is not a regular file, or has more than [`MAX_BYTES`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // Without this flag, opening a pipe waits for a writer.
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut content = Vec::new();
    // The size in the metadata would not count: some file systems give 0 for files that have content.
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content)?;
    if content.len() > MAX_BYTES {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        ));
    }
    Ok(content)
}

/// The same for a text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(read(path)?).map_err(not_text)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        for path in [&*pipe, directory.path(), Path::new("/dev/zero")] {
            let error = read(path).expect_err("refused").to_string();
            assert_eq!(error, "it is not a regular file", "{}", path.display());
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&file, vec![b'x'; MAX_BYTES]).expect("written");
        assert_eq!(read(file.path()).expect("read").len(), MAX_BYTES);
        fs::write(&file, vec![b'x'; MAX_BYTES + 1]).expect("written");
        let error = read(file.path()).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        fs::write(&file, [0xff]).expect("written");
        assert!(read_text(file.path()).is_err());
    }
}
