//! One room's messages, with a watch channel that signals each new one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::watch;

const KEPT_MESSAGES: usize = 10_000;

#[derive(Clone, Serialize)]
pub struct Message {
    pub id: u64,
    pub cursor: String,
    pub room: String,
    pub author: String,
    pub text: String,
    pub sent_at: String,
}

/// One room's messages, oldest first. A cursor is the id of the last message that was read.
pub struct Room {
    messages: Mutex<VecDeque<Message>>,
    head: watch::Sender<u64>,
}

impl Room {
    pub fn append(&self, room: String, author: String, text: String) -> Message {
        let mut messages = self.messages.lock().expect("not poisoned");
        let id = self.head() + 1;
        let message = Message {
            id,
            cursor: id.to_string(),
            room,
            author,
            text,
            sent_at: jiff::Timestamp::now().to_string(),
        };
        messages.push_back(message.clone());
        if messages.len() > KEPT_MESSAGES {
            messages.pop_front();
        }
        self.head.send_replace(id);
        message
    }

    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    pub fn after(&self, cursor: u64) -> Vec<Message> {
        let messages = self.messages.lock().expect("not poisoned");
        let oldest = self.head() - messages.len() as u64;
        let skipped = usize::try_from(cursor.saturating_sub(oldest)).unwrap_or(usize::MAX);
        messages.iter().skip(skipped).cloned().collect()
    }

    /// Waits until there is a message after `cursor`, and returns all of them.
    pub async fn next(&self, cursor: u64) -> Vec<Message> {
        let mut head = self.head.subscribe();
        // The sender lives as long as the room.
        let _ = head.wait_for(|head| *head > cursor).await;
        self.after(cursor)
    }
}

/// All rooms, by name.
#[derive(Clone, Default)]
pub struct Rooms(Arc<Mutex<HashMap<String, Arc<Room>>>>);

impl Rooms {
    pub fn named(&self, name: &str) -> Arc<Room> {
        let mut rooms = self.0.lock().expect("not poisoned");
        let room = rooms.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Room {
                messages: Mutex::default(),
                head: watch::Sender::new(0),
            })
        });
        room.clone()
    }
}
