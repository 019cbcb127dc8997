//! The only thread that writes: it commits all waiting messages in one transaction.
//!
//! After the commit, and before the publishers get their answers, the messages go to the tails in the order of their
//! ids. So a read that starts after the answer sees them.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use jiff::Timestamp;
use rusqlite::{
    Connection, OptionalExtension, Transaction, TransactionBehavior, ffi::SQLITE_IOERR_FSYNC,
    params,
};
use tokio::sync::{mpsc, oneshot};

use super::{file::LogFile, health::FileHealth};
use crate::{
    domain::{
        cursor::{Cursor, LogId},
        draft::Draft,
        message::Message,
    },
    log::{
        clock::LogClock,
        entry::{Entry, FrameEncoder},
        retention::Retention,
        store::{
            AppendError, AppendedMessage, IdempotencyKey, MAX_PRUNED_ROOMS, StoreUnavailable,
            appended,
            idempotency::{IDEMPOTENCY_TTL, IdempotencyRecord},
        },
        tail_cache::TailCache,
    },
};

/// The most commands in one transaction, so that the first of them does not wait long.
const MAX_BATCH: usize = 512;
/// Half the size of a message of 4-byte characters, because each byte is written as two digits.
const PROBE_BYTES: i64 = 10 * 1024;
/// The most messages pruned in one transaction, for the same reason.
const PRUNE_BATCH: u64 = 10_000;
/// The most idempotency keys forgotten in one transaction: more than it adds.
const FORGET_BATCH: i64 = 1000;

pub(super) enum Command {
    Append {
        draft: Draft,
        key: Option<IdempotencyKey>,
        reply: oneshot::Sender<Result<AppendedMessage, AppendError>>,
    },
    Prune {
        reply: oneshot::Sender<Result<(), StoreUnavailable>>,
    },
    /// Tries a write, to see whether it works again.
    Probe {
        reply: oneshot::Sender<Result<(), StoreUnavailable>>,
    },
    /// Commits the earlier commands and closes the file.
    Close { reply: oneshot::Sender<()> },
}

pub(super) struct Writer {
    pub connection: Connection,
    pub file: Arc<LogFile>,
    /// Set with the first batch, from the newest message.
    pub clock: Option<LogClock>,
    /// Whether the tails lack a committed batch.
    pub tails_behind: bool,
    pub log: LogId,
    pub retention: Retention,
    pub encode: FrameEncoder,
    pub tails: Arc<TailCache>,
    pub health: Arc<FileHealth>,
}

/// The writing thread. Dropping it waits until the thread has closed the file; the queue must be closed by then.
pub struct WriterThread(Option<JoinHandle<()>>);

impl WriterThread {
    /// Gives up waiting for the thread, because the store was closed.
    pub fn detach(&mut self) {
        self.0 = None;
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// A batch that is written but not yet committed.
#[derive(Default)]
struct CommitResult {
    entries: Vec<Entry>,
    /// In the order of the commands.
    outcomes: Vec<Result<Option<AppendedMessage>, AppendError>>,
    /// Everything up to here has been removed; `None` if nothing new was.
    pruned_through: Option<u64>,
    /// Whether a probe was written.
    probed: bool,
    retained_messages: u64,
    /// The newest message before the batch.
    head_before: u64,
}

impl CommitResult {
    /// Whether anything was written: an empty commit succeeds on a full disk too.
    fn has_written(&self) -> bool {
        self.probed || self.pruned_through.is_some() || !self.entries.is_empty()
    }
}

impl Writer {
    pub fn start(mut self, mut queue: mpsc::Receiver<Command>) -> std::io::Result<WriterThread> {
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let mut batch = Vec::with_capacity(MAX_BATCH);
                while queue.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
                    let closing = batch.extract_if(.., |command| command.is_close()).last();
                    self.commit(&mut batch);
                    if let Some(Command::Close { reply }) = closing {
                        // The last connection merges the write-ahead log into the file when it closes, and then the
                        // next server may use the file.
                        drop(self.connection);
                        self.file.unlock();
                        let _ = reply.send(());
                        return;
                    }
                }
            })?;
        Ok(WriterThread(Some(thread)))
    }

    fn commit(&mut self, batch: &mut Vec<Command>) {
        match self.write_durably(batch) {
            Ok(written) => {
                if written.has_written() {
                    self.health.recover();
                }
                self.health.set_retained_messages(written.retained_messages);
                if std::mem::take(&mut self.tails_behind) {
                    self.tails.reset_to(written.head_before);
                }
                self.tails.append(written.entries);
                if let Some(through) = written.pruned_through {
                    self.tails.expire(through);
                }
                for (command, outcome) in batch.drain(..).zip(written.outcomes) {
                    command.answer(outcome);
                }
            }
            Err(why) => {
                for command in batch.drain(..) {
                    command.answer(Err(why.clone()));
                }
            }
        }
    }

    /// Commits the batch, and checks that it went to the files that the path names.
    fn write_durably(&mut self, batch: &[Command]) -> Result<CommitResult, AppendError> {
        if let Some(damage) = self.health.damage() {
            return Err(damage.clone().into());
        }
        self.check_in_place()?;
        let written = self.write(batch).map_err(|error| {
            let is_synced = !is_sync_error(&error);
            let why = self.health.report(&error);
            match is_synced {
                true => AppendError::Unavailable(why),
                // The next start may find the messages in the write-ahead log.
                false => AppendError::Unconfirmed(why),
            }
        })?;
        // The messages are in files that the operator may put back.
        self.check_in_place().map_err(|why| {
            self.tails_behind |= !written.entries.is_empty();
            AppendError::Unconfirmed(why)
        })?;
        Ok(written)
    }

    fn check_in_place(&self) -> Result<(), StoreUnavailable> {
        let wal_bytes = self.file.check_in_place().map_err(|why| {
            let why = StoreUnavailable(why);
            self.health.fail(why.clone());
            why
        })?;
        let wal = self.file.check_wal(wal_bytes, &self.connection);
        wal.map_err(|why| {
            let why = StoreUnavailable(why);
            self.health.set_damage(&why);
            why
        })
    }

    fn write(&mut self, batch: &[Command]) -> rusqlite::Result<CommitResult> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut written = CommitResult::default();
        let mut head = head(&transaction)?;
        written.head_before = head;
        let clock = match &mut self.clock {
            Some(clock) => clock,
            none => none.insert(LogClock::new(last_sent_at(&transaction)?)),
        };
        clock.now();
        let keys_from = clock.older_than(IDEMPOTENCY_TTL);
        forget_keys(&transaction, keys_from)?;
        for command in batch {
            let outcome = match command {
                Command::Append { draft, key, .. } => {
                    let append = Append {
                        log: self.log,
                        transaction: &transaction,
                        now: clock.now(),
                        keys_from,
                    };
                    append.run(draft, key.as_ref(), self.encode, &mut written.entries)?
                }
                Command::Prune { .. } => {
                    merge_pruned_rooms(&transaction)?;
                    Ok(None)
                }
                Command::Close { .. } => Ok(None),
                Command::Probe { .. } => {
                    // The value differs each time, because SQLite does not write an unchanged page. It is as large as
                    // the largest message, so that there is room for one afterwards.
                    transaction.execute(
                        "INSERT OR REPLACE INTO meta (name, value)
                         VALUES ('probe', hex(randomblob(?)))",
                        [PROBE_BYTES],
                    )?;
                    written.probed = true;
                    Ok(None)
                }
            };
            written.outcomes.push(outcome);
        }
        head = written.entries.last().map_or(head, |entry| entry.id);
        written.pruned_through = prune(&transaction, self.retention, head, clock)?;
        written.retained_messages =
            oldest(&transaction)?.map_or(0, |(oldest, _)| head + 1 - oldest);
        // Readers of the file see these messages from the commit on, before the tails have them.
        if let Some(entry) = written.entries.last() {
            self.tails.advance_visible(entry.id);
        }
        transaction.commit()?;
        Ok(written)
    }
}

impl Command {
    fn is_close(&self) -> bool {
        matches!(self, Self::Close { .. })
    }

    fn answer(self, outcome: Result<Option<AppendedMessage>, AppendError>) {
        // An error means that the client no longer waits for the answer.
        match self {
            Self::Append { reply, .. } => {
                let none = || AppendError::Unavailable(StoreUnavailable("no outcome".to_owned()));
                let _ = reply.send(outcome.and_then(|appended| appended.ok_or_else(none)));
            }
            Self::Prune { reply } | Self::Probe { reply } => {
                let _ = reply.send(match outcome {
                    Err(AppendError::Unavailable(why) | AppendError::Unconfirmed(why)) => Err(why),
                    _ => Ok(()),
                });
            }
            Self::Close { reply } => {
                let _ = reply.send(());
            }
        }
    }
}

/// One append within the transaction of its batch.
struct Append<'a> {
    log: LogId,
    transaction: &'a Transaction<'a>,
    now: Timestamp,
    /// Keys used before then do not count any more.
    keys_from: Timestamp,
}

impl Append<'_> {
    fn run(
        &self,
        draft: &Draft,
        key: Option<&IdempotencyKey>,
        encode: FrameEncoder,
        entries: &mut Vec<Entry>,
    ) -> rusqlite::Result<Result<Option<AppendedMessage>, AppendError>> {
        if let Some(key) = key
            && let Some(first_use) = self.first_use(key)?
        {
            return Ok(first_use.replay(draft.clone()).map(Some));
        }
        let now_us = self.now.as_microsecond();
        self.transaction
            .prepare_cached(
                "INSERT INTO messages (room, author, text, sent_at) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![
                draft.room.as_str(),
                draft.author,
                draft.text,
                now_us
            ])?;
        let id = self.transaction.last_insert_rowid() as u64;
        // Rounded to the microsecond, as it will be read back.
        let sent_at = Timestamp::from_microsecond(now_us).unwrap_or(self.now);
        let message = Message::new(self.log, id, draft.clone(), sent_at);
        let entry = Entry::new(&message.view(), encode);
        let answer = appended(self.log, &entry);
        if let Some(key) = key {
            self.transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO first_uses (key, id, json, at) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![
                    key.as_str(),
                    id as i64,
                    String::from_utf8_lossy(&answer.json),
                    now_us
                ])?;
        }
        entries.push(entry);
        Ok(Ok(Some(answer)))
    }

    fn first_use(&self, key: &IdempotencyKey) -> rusqlite::Result<Option<IdempotencyRecord>> {
        self.transaction
            .prepare_cached("SELECT id, json, at FROM first_uses WHERE key = ? AND at >= ?")?
            .query_row(
                params![key.as_str(), self.keys_from.as_microsecond()],
                |row| {
                    Ok(IdempotencyRecord {
                        cursor: Cursor {
                            log: self.log,
                            id: row.get::<_, i64>(0)? as u64,
                        },
                        json: row.get::<_, String>(1)?.into(),
                        at: Timestamp::from_microsecond(row.get(2)?).unwrap_or_default(),
                    })
                },
            )
            .optional()
    }
}

/// Whether SQLite wrote everything but could not make it durable.
fn is_sync_error(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == SQLITE_IOERR_FSYNC)
}

/// Forgets idempotency keys that were used before `cutoff`, with their messages: the oldest ones, if there are many.
fn forget_keys(transaction: &Transaction<'_>, cutoff: Timestamp) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM first_uses WHERE key IN
             (SELECT key FROM first_uses WHERE at < ? ORDER BY at LIMIT ?)",
        )?
        .execute([cutoff.as_microsecond(), FORGET_BATCH])?;
    Ok(())
}

/// Remembers one removed message for all rooms together if there are too many of them. The row without a room's name
/// is that of all rooms without a row.
fn merge_pruned_rooms(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let rooms: i64 = transaction
        .prepare_cached("SELECT count(*) FROM retired")?
        .query_row([], |row| row.get(0))?;
    if rooms as usize > MAX_PRUNED_ROOMS {
        transaction.execute_batch(
            "INSERT OR REPLACE INTO retired (room, through) SELECT '', max(through) FROM retired;
             DELETE FROM retired WHERE room <> '';",
        )?;
    }
    Ok(())
}

/// The newest id that was ever given, retained or not.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<u64> {
    let head: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(head.unwrap_or(0) as u64)
}

fn last_sent_at(connection: &Connection) -> rusqlite::Result<Timestamp> {
    let micros: Option<i64> = connection
        .prepare_cached("SELECT sent_at FROM messages ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Timestamp::from_microsecond(micros.unwrap_or(0)).unwrap_or_default())
}

/// The oldest retained message: its id and when it was sent, microseconds since the Unix epoch.
fn oldest(connection: &Connection) -> rusqlite::Result<Option<(u64, i64)>> {
    connection
        .prepare_cached("SELECT id, sent_at FROM messages ORDER BY id LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))
        .optional()
}

/// Deletes messages beyond retention, a batch at a time; returns the last one deleted.
fn prune(
    transaction: &Transaction<'_>,
    retention: Retention,
    head: u64,
    clock: &mut LogClock,
) -> rusqlite::Result<Option<u64>> {
    let Some((oldest, oldest_sent_at)) = oldest(transaction)? else {
        return Ok(None);
    };
    let step_end = oldest + PRUNE_BATCH;
    let mut through = retention.prune_through(head).min(step_end);
    if let Some(cutoff) = retention.prune_before(clock)
        && oldest_sent_at < cutoff.as_microsecond()
    {
        let old: i64 = transaction
            .prepare_cached(
                "SELECT coalesce(max(id), 0) FROM messages WHERE id <= ? AND sent_at < ?",
            )?
            .query_row([step_end as i64, cutoff.as_microsecond()], |row| row.get(0))?;
        through = through.max(old as u64);
    }
    if through < oldest {
        return Ok(None);
    }
    transaction
        .prepare_cached(
            "INSERT INTO retired (room, through)
             SELECT room, max(id) FROM messages WHERE id <= ? GROUP BY room
             ON CONFLICT (room) DO UPDATE SET through = excluded.through",
        )?
        .execute([through as i64])?;
    transaction
        .prepare_cached("DELETE FROM messages WHERE id <= ?")?
        .execute([through as i64])?;
    Ok(Some(through))
}
