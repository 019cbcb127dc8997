//! Whether the file can be written and read, for publishes, `/readyz`, `/metrics` and the log.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use rusqlite::ErrorCode;

use super::{super::open_error::one_line, file::explain};
use crate::log::store::StoreUnavailable;

#[derive(Default)]
pub(super) struct FileHealth {
    /// Why the last write failed, or a read after it; until a write succeeds.
    failure: Mutex<Option<StoreUnavailable>>,
    /// The file's content is damaged, which no later success repairs.
    damage: OnceLock<StoreUnavailable>,
    /// A failure that is not logged yet.
    unreported: Mutex<Option<StoreUnavailable>>,
    retained_messages: AtomicU64,
}

impl FileHealth {
    pub fn check(&self) -> Result<(), StoreUnavailable> {
        match self.damage.get() {
            Some(damage) => Err(damage.clone()),
            None => self.failure.lock().clone().map_or(Ok(()), Err),
        }
    }

    /// The damage that was found in the file, if any.
    pub fn damage(&self) -> Option<&StoreUnavailable> {
        self.damage.get()
    }

    /// Records that the file has lost something.
    pub fn set_damage(&self, why: &StoreUnavailable) {
        self.damage.get_or_init(|| why.clone());
        self.fail(why.clone());
    }

    pub fn fail(&self, why: StoreUnavailable) {
        *self.unreported.lock() = Some(why.clone());
        *self.failure.lock() = Some(why);
    }

    /// The last failure since the last call, even if a write has succeeded since, because a publish was refused
    /// because of it.
    pub fn take_unreported(&self) -> Result<(), StoreUnavailable> {
        self.unreported.lock().take().map_or(Ok(()), Err)
    }

    /// Records that a write has succeeded.
    pub fn recover(&self) {
        *self.failure.lock() = None;
    }

    /// Remembers an error of SQLite, and converts it.
    pub fn report(&self, error: &rusqlite::Error) -> StoreUnavailable {
        let why = StoreUnavailable(one_line(&explain(error)));
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.damage.get_or_init(|| why.clone());
            }
            _ => self.fail(why.clone()),
        }
        why
    }

    pub fn retained_messages(&self) -> u64 {
        self.retained_messages.load(Ordering::Relaxed)
    }

    pub fn set_retained_messages(&self, messages: u64) {
        self.retained_messages.store(messages, Ordering::Relaxed);
    }
}
