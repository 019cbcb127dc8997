//! The SQLite file: whether it is ours, complete and not in use; and the connections to it.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use crate::domain::cursor::LogId;
use crate::log::store::OpenError;

/// Marks a SQLite file as a log of ours ("pvsL").
const APPLICATION_ID: i64 = 0x7076_734c;
const SCHEMA_VERSION: i64 = 1;
/// Files up to this size are checked in full at start; a larger one would delay it too long.
const CHECK_UP_TO_BYTES: u64 = 64 * 1024 * 1024;
/// The sizes in a write-ahead log (<https://www.sqlite.org/fileformat2.html#walformat>).
const WAL_HEADER_BYTES: i64 = 32;
const WAL_FRAME_HEADER_BYTES: i64 = 24;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE messages (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        room    TEXT NOT NULL,
        author  TEXT NOT NULL,
        text    TEXT NOT NULL,
        sent_at INTEGER NOT NULL -- microseconds since the Unix epoch
    );
    CREATE INDEX messages_by_room ON messages (room, id);
    -- Up to which message each room's past is gone; '' stands for all rooms that have no row.
    CREATE TABLE retired (room TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE first_uses (
        key     TEXT PRIMARY KEY,
        id      INTEGER NOT NULL,
        json    TEXT NOT NULL,
        at      INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX first_uses_by_age ON first_uses (at);
";

/// Fails if a required table or column is missing.
const SCHEMA_CHECK: &str = "
    SELECT name, value FROM meta LIMIT 0;
    SELECT id, room, author, text, sent_at FROM messages LIMIT 0;
    SELECT room, through FROM retired LIMIT 0;
    SELECT key, id, json, at FROM first_uses LIMIT 0;
";

pub(super) struct LogFile {
    pub path: PathBuf,
    pub log: LogId,
    /// Held for as long as the file is served.
    lock: File,
    /// The identity of the write-ahead log's file when it was first seen.
    wal: OnceLock<FileIdentity>,
    /// The size of the write-ahead log when it was last checked.
    wal_bytes: AtomicU64,
}

/// The identity of a file: its device and inode.
#[derive(Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    fn of(file: &Metadata) -> Self {
        Self(file.dev(), file.ino())
    }

    fn of_path(path: &Path) -> std::io::Result<Self> {
        fs::metadata(path).map(|it| Self::of(&it))
    }
}

impl LogFile {
    /// Opens or creates the file; returns the connection that may write.
    pub fn open(path: PathBuf) -> Result<(Self, Connection), OpenError> {
        let name = store_name(&path);
        let refuse = |detail: &str| OpenError::new(&name, detail);
        let lock = lock(&path).map_err(|detail| refuse(&detail))?;
        let size = check_not_truncated(&lock, &path).map_err(|detail| refuse(&detail))?;

        let fail = |error: rusqlite::Error| refuse(&explain(&error));
        let connection = Connection::open(&path).map_err(fail)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
        let ours = pragma(&connection, "application_id").map_err(fail)?;
        let version = pragma(&connection, "user_version").map_err(fail)?;
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(fail)?;
        let new = (ours, version, tables) == (0, 0, 0);
        if !new && ours != APPLICATION_ID {
            return Err(refuse("this database belongs to another program"));
        }
        if version > SCHEMA_VERSION {
            return Err(refuse(
                "this log was written by a newer version of poll-vs-sse",
            ));
        }
        let mode: String = connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(fail)?;
        if mode != "wal" {
            return Err(refuse(
                "the file system does not support SQLite's write-ahead log",
            ));
        }
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(fail)?;
        if new {
            create(&connection).map_err(fail)?;
        } else {
            connection.execute_batch(SCHEMA_CHECK).map_err(fail)?;
            if size <= CHECK_UP_TO_BYTES {
                check(&connection).map_err(|detail| refuse(&detail))?;
            }
        }
        let log: String = connection
            .query_row("SELECT value FROM meta WHERE name = 'log'", [], |row| {
                row.get(0)
            })
            .map_err(fail)?;
        let log = log
            .parse()
            .map_err(|_| refuse("the log's identity is damaged"))?;
        Ok((
            Self {
                path,
                log,
                lock,
                wal: OnceLock::new(),
                wal_bytes: AtomicU64::new(0),
            },
            connection,
        ))
    }

    /// Lets the next server use the file. To close it would not be enough: a child process that is being started has the
    /// same lock until it runs its program.
    pub fn unlock(&self) {
        // If this fails, the lock ends with the process.
        let _ = self.lock.unlock();
    }

    /// Checks whether written data will be found again: SQLite continues to write to files that were deleted or
    /// replaced, and everything in them is lost when the process ends.
    ///
    /// Returns the size of the write-ahead log.
    pub fn check_in_place(&self) -> Result<u64, String> {
        let ours = self.lock.metadata().map_err(|error| error.to_string())?;
        let found = FileIdentity::of_path(&self.path);
        if !found.is_ok_and(|it| it == FileIdentity::of(&ours)) {
            return Err("the file was deleted or replaced while it is served".to_owned());
        }
        if ours.len() == 0 {
            return Err("the file was truncated while it is served".to_owned());
        }
        let found = fs::metadata(wal_path(&self.path));
        let same = match (self.wal.get(), &found) {
            (Some(wal), Ok(found)) => *wal == FileIdentity::of(found),
            (Some(_), Err(_)) => false,
            (None, Ok(found)) => self.wal.set(FileIdentity::of(found)).is_ok(),
            // SQLite creates it with the first access.
            (None, Err(_)) => true,
        };
        if same {
            Ok(found.map_or(0, |it| it.len()))
        } else {
            Err("the write-ahead log was deleted or replaced while it is served".to_owned())
        }
    }

    /// Checks whether the write-ahead log, of `bytes`, still has everything that `connection` wrote to it. Another
    /// program that moves all of it into the file may empty it.
    pub fn check_wal(&self, bytes: u64, connection: &Connection) -> Result<(), String> {
        if self.wal_bytes.swap(bytes, Ordering::Relaxed) <= bytes {
            return Ok(());
        }
        let truncated = || "the write-ahead log was truncated while it is served".to_owned();
        let frames: i64 = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
            .map_err(|_| truncated())?;
        let page = pragma(connection, "page_size").map_err(|_| truncated())?;
        let expected = match frames {
            0 => 0,
            frames => WAL_HEADER_BYTES + frames * (WAL_FRAME_HEADER_BYTES + page),
        };
        match bytes as i64 >= expected {
            true => Ok(()),
            false => Err(truncated()),
        }
    }

    pub fn reader(&self) -> Result<Connection, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|error| self.error(error))?;
        connection
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(|error| self.error(error))?;
        Ok(connection)
    }

    pub fn error(&self, error: rusqlite::Error) -> OpenError {
        OpenError::new(&store_name(&self.path), explain(&error))
    }
}

/// The store's name, as in the flag.
pub(super) fn store_name(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Opens the file for this process alone. SQLite's own locks are of another kind (they allow two
/// servers on one file), and are not touched.
fn lock(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    let file = file.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "the directory does not exist".to_owned(),
        _ => format!("cannot be opened for writing: {error}"),
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err("another server is using this log".to_owned()),
        Err(TryLockError::Error(error)) => Err(format!("cannot be locked: {error}")),
    }
}

/// The file's size, if the file is complete. SQLite reads missing bytes of the last page as zeros, so its own checks
/// do not notice them.
fn check_not_truncated(file: &File, path: &Path) -> Result<u64, String> {
    // The part of the header (https://sqlite.org/fileformat2.html) with the page size, and with the number of pages
    // and the two counters that show whether it is up to date.
    const FILE_HEADER_BYTES: usize = 100;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut header = [0; FILE_HEADER_BYTES];
    // Pages in the write-ahead log need not be in the file yet.
    let in_wal = std::fs::metadata(wal_path(path)).is_ok_and(|wal| wal.len() > 0);
    if size == 0 || in_wal {
        return Ok(size);
    }
    let mut reader: &File = file;
    reader
        .read_exact(&mut header)
        .map_err(|_| "the file is not a SQLite database")?;
    let u32_at = |at| {
        header[at..at + 4]
            .iter()
            .fold(0, |n, &byte| n << 8 | u64::from(byte))
    };
    let page_size = match u64::from(header[16]) << 8 | u64::from(header[17]) {
        1 => 65_536,
        size => size,
    };
    let counted = u32_at(24) == u32_at(92);
    if header.starts_with(b"SQLite format 3\0") && counted && size < page_size * u32_at(28) {
        return Err("the file is damaged: it is cut short".to_owned());
    }
    Ok(size)
}

fn wal_path(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    let log =
        LogId::random().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute(
        "INSERT INTO meta (name, value) VALUES ('log', ?)",
        [log.as_str()],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn check(connection: &Connection) -> Result<(), String> {
    let found: Result<String, _> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(format!("the file is damaged: {found}")),
        Err(error) => Err(explain(&error)),
    }
}

pub(super) fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "the file is not a SQLite database".to_owned(),
        Some(ErrorCode::DatabaseCorrupt) => format!("the file is damaged: {error}"),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            format!("the file or its directory cannot be written: {error}")
        }
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}
