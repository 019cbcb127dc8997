//! A stream's unit of reading: the frames of consecutive messages, as one piece of bytes.

use bytes::{Bytes, BytesMut};

use super::entry::Entry;

/// The most bytes in a batch, which limits the memory that a stalled reader can hold.
pub const BATCH_BYTES: usize = 16 * 1024;

/// Encoded frames of consecutive messages, as one piece of bytes.
#[derive(Debug, Clone)]
pub struct FrameBatch {
    pub bytes: Bytes,
    /// The first and the last message in it.
    pub first: u64,
    pub last: u64,
    pub messages: u64,
    /// When the oldest message in it was published, microseconds since the Unix epoch.
    pub sent_at_us: i64,
    /// Whether it has reached the size limit of a batch; more messages may follow.
    full: bool,
}

impl FrameBatch {
    pub(super) fn from_entry(entry: &Entry) -> Self {
        Self {
            bytes: entry.frame().clone(),
            first: entry.id,
            last: entry.id,
            messages: 1,
            sent_at_us: entry.sent_at_us,
            full: false,
        }
    }

    /// The frames of as many of `entries` as fit `max_bytes`, at least the first. The entries share the batch's bytes
    /// afterwards, so that keeping both costs the memory of one.
    pub(super) fn from_entries<'a>(
        entries: impl Iterator<Item = &'a mut Entry>,
        max_bytes: usize,
    ) -> Self {
        let mut taken: Vec<&mut Entry> = Vec::new();
        let mut size = 0;
        let mut full = false;
        for entry in entries {
            if !taken.is_empty() && size + entry.frame().len() > max_bytes {
                full = true;
                break;
            }
            size += entry.frame().len();
            taken.push(entry);
        }
        let mut bytes = BytesMut::with_capacity(size);
        for entry in &taken {
            bytes.extend_from_slice(entry.frame());
        }
        let bytes = bytes.freeze();
        let mut start = 0;
        for entry in &mut taken {
            let end = start + entry.frame().len();
            entry.share(bytes.slice(start..end));
            start = end;
        }
        Self {
            bytes,
            first: taken.first().map_or(0, |entry| entry.id),
            last: taken.last().map_or(0, |entry| entry.id),
            messages: taken.len() as u64,
            sent_at_us: taken.first().map_or(0, |entry| entry.sent_at_us),
            full,
        }
    }

    /// The frames of as many of `entries`, a page of the store, as fit `max_bytes`. `frames` has the frames of all, if
    /// they are one piece already.
    pub fn from_page(
        entries: &mut [Entry],
        frames: Option<Box<Bytes>>,
        max_bytes: usize,
    ) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        Some(match frames.filter(|it| it.len() <= max_bytes) {
            Some(bytes) => Self {
                bytes: *bytes,
                first: first.id,
                last: last.id,
                messages: entries.len() as u64,
                sent_at_us: first.sent_at_us,
                full: false,
            },
            None => Self::from_entries(entries.iter_mut(), max_bytes),
        })
    }

    /// Whether it is the batch for a reader that lacks `first` to `newest`.
    pub(super) fn covers(&self, first: u64, newest: u64) -> bool {
        self.first == first && (self.full || self.last == newest)
    }
}
