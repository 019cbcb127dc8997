//! Connections below HTTP: [`metered`] counts their bytes, [`timeouts`] limits their waits, [`connection`] lets other
//! code abort them, and [`tls`] encrypts them.

pub mod certificate;
pub mod connection;
pub mod half_closed;
pub mod host;
pub mod http_date;
pub mod metered;
pub mod preface;
pub mod prefixed;
pub mod refusal;
mod request_heads;
pub mod socket;
pub mod timed_io;
pub mod timeouts;
pub mod tls;
pub mod tls_records;
