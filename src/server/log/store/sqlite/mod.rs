//! The store for one machine: a SQLite file.
//!
//! One thread writes ([`writer`]); a few connections read, in WAL mode, without waiting for it.
//! The file is locked while it is served: a second server on it would not see what the first
//! appends.

mod file;
mod health;
mod reader_pool;
mod writer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, Row, params};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use self::{
    file::{LogFile, store_name},
    health::FileHealth,
    reader_pool::ReaderPool,
    writer::{Command, WriterThread},
};
use super::{
    AppendError, AppendedMessage, IdempotencyKey, OpenError, StoreStatus, StoreUnavailable,
};
use crate::domain::{
    cursor::{Cursor, LogId},
    draft::Draft,
    message::MessageView,
    room::Room,
};
use crate::log::{
    entry::{Entry, FrameEncoder, Limit, Page, PageEncoder},
    retention::Retention,
    tail::RoomSnapshot,
    tail_cache::TailCache,
};

/// The most reads at the same time, each on a thread of its own; further ones wait.
const READER_CONNECTIONS: usize = 4;
/// The most publishes in the writer's queue; further ones wait for a place in it.
const QUEUE: usize = 1024;
/// How long the end of the server waits for the file to be closed, within its two seconds.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// A SQLite file that was opened and checked, and does not have tails to append to yet.
pub struct SqliteHandle {
    file: Arc<LogFile>,
    writer: Connection,
    pub log: LogId,
    pub head: u64,
}

impl SqliteHandle {
    pub fn open(path: PathBuf) -> Result<Self, OpenError> {
        let (file, writer) = LogFile::open(path)?;
        let head = writer::head(&writer).map_err(|error| file.error(error))?;
        Ok(Self {
            log: file.log,
            file: Arc::new(file),
            writer,
            head,
        })
    }

    pub fn serve(
        self,
        retention: Retention,
        encode: FrameEncoder,
        tails: Arc<TailCache>,
    ) -> Result<Sqlite, OpenError> {
        let mut readers = Vec::new();
        for _ in 0..READER_CONNECTIONS {
            readers.push(self.file.reader()?);
        }
        let name = store_name(&self.file.path);
        let readers = ReaderPool::start(readers).map_err(|error| OpenError::new(&name, error))?;
        let rows = Rows {
            log: self.file.log,
            encode,
        };
        let (commands, queue) = mpsc::channel(QUEUE);
        let health = Arc::new(FileHealth::default());
        let writer = writer::Writer {
            connection: self.writer,
            file: self.file.clone(),
            clock: None,
            tails_behind: false,
            log: self.file.log,
            retention,
            encode,
            tails,
            health: health.clone(),
        };
        let writer = writer
            .start(queue)
            .map_err(|error| OpenError::new(&name, error))?;
        Ok(Sqlite {
            file: self.file,
            readers,
            rows,
            commands,
            health,
            writer: Mutex::new(writer),
        })
    }
}

pub struct Sqlite {
    file: Arc<LogFile>,
    readers: ReaderPool,
    rows: Rows,
    commands: mpsc::Sender<Command>,
    health: Arc<FileHealth>,
    /// Declared after `commands`, because dropping those ends the thread.
    writer: Mutex<WriterThread>,
}

impl Sqlite {
    pub async fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<AppendedMessage, AppendError> {
        let (reply, response) = oneshot::channel();
        self.send(Command::Append { draft, key, reply }).await?;
        // A writer that ended with a panic may have committed the message.
        response
            .await
            .map_err(|_| AppendError::Unconfirmed(self.writer_gone()))?
    }

    pub async fn prune(&self) -> Result<(), StoreUnavailable> {
        if self.health.check().is_err() {
            self.request(|reply| Command::Probe { reply }).await??;
        }
        self.request(|reply| Command::Prune { reply }).await??;
        self.health.take_unreported()
    }

    /// Whether the last write succeeded and a read succeeds now. [`Self::prune`] tries whether a write succeeds
    /// again, because that may take long, and an answer to `/readyz` must not.
    pub async fn ready(&self) -> Result<(), StoreUnavailable> {
        if let Err(why) = self.file.check_in_place() {
            self.health.fail(StoreUnavailable(why));
        }
        self.health.check()?;
        self.read(|connection, _| connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(())))
            .await
    }

    /// Commits all waiting messages and closes the file, which then has the whole log. A file that another program
    /// locks, or that hangs, is left as it is, and the next start recovers it.
    pub async fn close(&self) {
        self.readers.close().await;
        // A writer that has stopped already has nothing left to close.
        let closed = self.request(|reply| Command::Close { reply });
        let _ = timeout(CLOSE_TIMEOUT, closed).await;
        self.writer.lock().detach();
    }

    pub fn status(&self) -> StoreStatus {
        StoreStatus {
            name: "sqlite",
            up: self.health.check().is_ok(),
            retained_messages: self.health.retained_messages(),
        }
    }

    pub async fn newest(
        &self,
        room: &Room,
        limit: Limit,
    ) -> Result<RoomSnapshot, StoreUnavailable> {
        let room = room.clone();
        self.read(move |connection, rows| {
            let snapshot = connection.unchecked_transaction()?;
            let mut statement = snapshot.prepare_cached(
                "SELECT id, author, text, sent_at FROM messages WHERE room = ? ORDER BY id DESC",
            )?;
            let page = rows.page(&mut statement, &room, limit)?;
            let mut entries = page.entries;
            entries.reverse();
            let loaded_after = match entries.first() {
                Some(first) if page.more => first.id - 1,
                _ => pruned_through(&snapshot, &room)?,
            };
            Ok(RoomSnapshot {
                entries,
                loaded_after,
                complete: !page.more,
            })
        })
        .await
    }

    pub async fn after(
        &self,
        room: &Room,
        id: u64,
        limit: Limit,
    ) -> Result<Page, StoreUnavailable> {
        let room = room.clone();
        self.read(move |connection, rows| {
            let snapshot = connection.unchecked_transaction()?;
            let mut statement = snapshot.prepare_cached(
                "SELECT id, author, text, sent_at FROM messages WHERE room = ? AND id > ? ORDER BY id",
            )?;
            let mut encoder = PageEncoder::new(rows.encode, limit);
            let mut found = statement.query(params![room.as_str(), id as i64])?;
            while let Some(row) = found.next()? {
                if !encoder.push(&rows.message(row, &room)?) {
                    break;
                }
            }
            drop(found);
            let mut page = encoder.finish();
            let through = pruned_through(&snapshot, &room)?;
            page.expired_through = Some(through).filter(|through| *through > id);
            Ok(page)
        })
        .await
    }

    pub async fn before_last(
        &self,
        room: &Room,
        n: usize,
    ) -> Result<Option<u64>, StoreUnavailable> {
        let room = room.clone();
        self.read(move |connection, _| {
            // The nth message from the end, or the oldest if there are fewer.
            let mut statement = connection.prepare_cached(
                "SELECT min(id) FROM
                   (SELECT id FROM messages WHERE room = ? ORDER BY id DESC LIMIT max(1, ?))",
            )?;
            let id: Option<i64> =
                statement.query_row(params![room.as_str(), n as i64], |row| row.get(0))?;
            Ok(id.map(|id| if n == 0 { id as u64 } else { id as u64 - 1 }))
        })
        .await
    }

    pub async fn newest_ids(
        &self,
        room: &Room,
        n: usize,
        after: u64,
    ) -> Result<Vec<u64>, StoreUnavailable> {
        let room = room.clone();
        self.read(move |connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM messages WHERE room = ? AND id > ? ORDER BY id DESC LIMIT ?",
            )?;
            let params = params![room.as_str(), after as i64, n as i64];
            let ids = statement.query_map(params, |row| Ok(row.get::<_, i64>(0)? as u64))?;
            ids.collect()
        })
        .await
    }

    /// Sends the writer a command and waits for its reply.
    async fn request<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, StoreUnavailable> {
        let (reply, response) = oneshot::channel();
        self.send(command(reply)).await?;
        response.await.map_err(|_| self.writer_gone())
    }

    async fn send(&self, command: Command) -> Result<(), StoreUnavailable> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| self.writer_gone())
    }

    fn writer_gone(&self) -> StoreUnavailable {
        let why = StoreUnavailable("the writer has stopped".to_owned());
        self.health.fail(why.clone());
        why
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection, Rows) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreUnavailable> {
        let (rows, health) = (self.rows, self.health.clone());
        let read = move |connection: &mut Connection| {
            query(connection, rows).map_err(|error| health.report(&error))
        };
        self.readers.read(read).await?
    }
}

/// Turns rows into entries of the log.
#[derive(Clone, Copy)]
struct Rows {
    log: LogId,
    encode: FrameEncoder,
}

impl Rows {
    /// The messages of `room` that the statement finds, each with memory of its own.
    fn page(
        &self,
        statement: &mut rusqlite::CachedStatement<'_>,
        room: &Room,
        limit: Limit,
    ) -> rusqlite::Result<Page> {
        let rows = statement.query_map([room.as_str()], |row| {
            Ok(Entry::new(&self.message(row, room)?, self.encode))
        })?;
        let mut failed = None;
        let entries = rows.map_while(|row| row.map_err(|error| failed = Some(error)).ok());
        let page = Page::collect(entries, limit);
        failed.map_or(Ok(page), Err)
    }

    /// A row's message, which borrows the row's strings.
    fn message<'a>(&self, row: &'a Row<'_>, room: &'a Room) -> rusqlite::Result<MessageView<'a>> {
        Ok(MessageView {
            cursor: Cursor {
                log: self.log,
                id: row.get::<_, i64>(0)? as u64,
            },
            room,
            author: row.get_ref(1)?.as_str()?,
            text: row.get_ref(2)?.as_str()?,
            sent_at: Timestamp::from_microsecond(row.get(3)?).unwrap_or_default(),
        })
    }
}

fn pruned_through(connection: &Connection, room: &Room) -> rusqlite::Result<u64> {
    let mut statement = connection
        .prepare_cached("SELECT coalesce(max(through), 0) FROM retired WHERE room IN (?, '')")?;
    statement.query_row([room.as_str()], |row| Ok(row.get::<_, i64>(0)? as u64))
}
