//! The one thread that writes: it commits all that is waiting in one transaction.
//!
//! After the commit, and before anyone is answered, the messages are given to the tails: in the
//! order of their ids, and so that a read that starts after the answer sees them.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::{Health, one_line};
use crate::{
    domain::{
        cursor::{Cursor, LogId},
        draft::Draft,
        message::Message,
    },
    log::{
        entry::{Entry, FrameEncoder},
        retention::Retention,
        store::{
            AppendError, Appended, IdempotencyKey, StoreUnavailable, appended,
            idempotency::{IDEMPOTENCY_TTL, IdempotencyRecord},
            monotonic_now,
        },
        tail_cache::TailCache,
    },
};

/// Commands in one transaction at the most, so that the first of them need not wait long.
const MAX_BATCH: usize = 512;
/// Messages retired in one transaction at the most, for the same reason.
const PRUNE_BATCH: u64 = 10_000;

pub(super) enum Command {
    Append {
        draft: Draft,
        key: Option<IdempotencyKey>,
        reply: oneshot::Sender<Result<Appended, AppendError>>,
    },
    Prune {
        reply: oneshot::Sender<Result<(), StoreUnavailable>>,
    },
    /// Tries a write, to see whether it works again.
    Probe {
        reply: oneshot::Sender<Result<(), StoreUnavailable>>,
    },
    /// Commits what came before and closes the file.
    Close { reply: oneshot::Sender<()> },
}

pub(super) struct Writer {
    pub connection: Connection,
    pub log: LogId,
    pub retention: Retention,
    pub encode: FrameEncoder,
    pub tails: Arc<TailCache>,
    pub health: Arc<Health>,
}

/// A batch that is written but not yet committed.
#[derive(Default)]
struct Written {
    entries: Vec<Entry>,
    /// In the order of the commands.
    outcomes: Vec<Result<Option<Appended>, AppendError>>,
    /// Everything up to here is retired, if anything new is.
    pruned_through: Option<u64>,
    /// A probe was written.
    probed: bool,
    retained_messages: u64,
}

impl Written {
    /// Whether the disk had to take something: committing nothing succeeds on a full one too.
    fn wrote(&self) -> bool {
        self.probed || self.pruned_through.is_some() || !self.entries.is_empty()
    }
}

impl Writer {
    pub fn start(mut self, mut queue: mpsc::Receiver<Command>) -> std::io::Result<()> {
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let mut batch = Vec::with_capacity(MAX_BATCH);
                while queue.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
                    let closing = batch.extract_if(.., |command| command.is_close()).last();
                    self.commit(&mut batch);
                    if let Some(Command::Close { reply }) = closing {
                        // The last connection to close takes the write-ahead log into the file.
                        drop(self.connection);
                        let _ = reply.send(());
                        return;
                    }
                }
            })?;
        Ok(())
    }

    fn commit(&mut self, batch: &mut Vec<Command>) {
        match self.write(batch) {
            Ok(written) => {
                if written.wrote() {
                    self.health.failing.store(false, Ordering::Relaxed);
                }
                self.health
                    .retained_messages
                    .store(written.retained_messages, Ordering::Relaxed);
                self.tails.append(written.entries);
                if let Some(through) = written.pruned_through {
                    self.tails.expire(through);
                }
                for (command, outcome) in batch.drain(..).zip(written.outcomes) {
                    command.answer(outcome);
                }
            }
            Err(error) => {
                self.health.failing.store(true, Ordering::Relaxed);
                let away = StoreUnavailable(one_line(&error));
                for command in batch.drain(..) {
                    command.answer(Err(away.clone().into()));
                }
            }
        }
    }

    fn write(&mut self, batch: &[Command]) -> rusqlite::Result<Written> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut written = Written::default();
        let mut head = head(&transaction)?;
        let mut now = monotonic_now(last_sent_at(&transaction)?);
        for command in batch {
            let outcome = match command {
                Command::Append { draft, key, .. } => {
                    now = monotonic_now(now);
                    let append = Append {
                        log: self.log,
                        transaction: &transaction,
                        now,
                    };
                    append.run(draft, key.as_ref(), self.encode, &mut written.entries)?
                }
                Command::Prune { .. } | Command::Close { .. } => Ok(None),
                Command::Probe { .. } => {
                    // Another value each time: SQLite does not write a page that stays as it is.
                    transaction.execute(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', random())",
                        [],
                    )?;
                    written.probed = true;
                    Ok(None)
                }
            };
            written.outcomes.push(outcome);
        }
        head = written.entries.last().map_or(head, |entry| entry.id);
        written.pruned_through = retire(&transaction, self.retention, head, now)?;
        written.retained_messages =
            oldest(&transaction)?.map_or(0, |(oldest, _)| head + 1 - oldest);
        // Readers of the file see these from the commit on, before the tails have them.
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

    fn answer(self, outcome: Result<Option<Appended>, AppendError>) {
        // A client that no longer waits for the answer is no fault.
        match self {
            Self::Append { reply, .. } => {
                let none = || AppendError::Unavailable(StoreUnavailable("no outcome".to_owned()));
                let _ = reply.send(outcome.and_then(|appended| appended.ok_or_else(none)));
            }
            Self::Prune { reply } | Self::Probe { reply } => {
                let _ = reply.send(match outcome {
                    Err(AppendError::Unavailable(away)) => Err(away),
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
}

impl Append<'_> {
    fn run(
        &self,
        draft: &Draft,
        key: Option<&IdempotencyKey>,
        encode: FrameEncoder,
        entries: &mut Vec<Entry>,
    ) -> rusqlite::Result<Result<Option<Appended>, AppendError>> {
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
        // As it will be read back: to the microsecond.
        let sent_at = Timestamp::from_microsecond(now_us).unwrap_or(self.now);
        let message = Message::new(self.log, id, draft.clone(), sent_at);
        let entry = Entry::new(&message, encode);
        let answer = appended(self.log, &entry);
        if let Some(key) = key {
            self.transaction
                .prepare_cached("INSERT INTO first_uses (key, id, json, at) VALUES (?, ?, ?, ?)")?
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
        let lifetime_us = IDEMPOTENCY_TTL.as_micros() as i64;
        self.transaction
            .prepare_cached("DELETE FROM first_uses WHERE at < ?")?
            .execute([self.now.as_microsecond() - lifetime_us])?;
        self.transaction
            .prepare_cached("SELECT id, json, at FROM first_uses WHERE key = ?")?
            .query_row([key.as_str()], |row| {
                Ok(IdempotencyRecord {
                    cursor: Cursor {
                        log: self.log,
                        id: row.get::<_, i64>(0)? as u64,
                    },
                    json: row.get::<_, String>(1)?.into(),
                    at: Timestamp::from_microsecond(row.get(2)?).unwrap_or_default(),
                })
            })
            .optional()
    }
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

/// Deletes what is no longer retained, a step at a time; returns up to where.
fn retire(
    transaction: &Transaction<'_>,
    retention: Retention,
    head: u64,
    now: Timestamp,
) -> rusqlite::Result<Option<u64>> {
    let Some((oldest, oldest_sent_at)) = oldest(transaction)? else {
        return Ok(None);
    };
    let step_end = oldest + PRUNE_BATCH;
    let mut through = retention.prune_through(head).min(step_end);
    if let Some(cutoff) = retention.prune_before(now)
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
