//! What the server talks about: messages, rooms, authors and cursors. Parsed once at the border.

pub mod cursor;
pub mod message;
