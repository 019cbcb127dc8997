//! The server's vocabulary: messages, rooms, authors and cursors. Parsed once, when a request arrives.

pub mod author;
pub mod client_address;
pub mod client_label;
pub mod cursor;
pub mod draft;
pub mod json_fields;
pub mod label;
pub mod message;
pub mod room;
pub mod room_set;
mod text;
pub mod transport;
