//! Connections below HTTP: their bytes are counted ([`metered`]), they do not wait for ever
//! ([`timeouts`]), they can be aborted from outside ([`connection`]), and they may be encrypted
//! ([`tls`]).

pub mod certificate;
pub mod connection;
pub mod half_closed;
pub mod http_date;
pub mod metered;
pub mod preface;
pub mod prefixed;
pub mod refusal;
pub mod socket;
pub mod timeouts;
pub mod tls;
pub mod tls_records;
