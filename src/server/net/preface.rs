//! Recognises the protocol of a connection's first bytes. Pure functions.

/// The first bytes of an HTTP/2 connection (RFC 9113, 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a cleartext client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBytes {
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113, 3.3).
    Http2,
    /// The bytes so far may be either.
    Undecided,
}

/// Recognises the protocol of a cleartext connection by its first bytes.
pub fn classify(bytes: &[u8]) -> FirstBytes {
    let length = bytes.len().min(PREFACE.len());
    if bytes[..length] != PREFACE[..length] {
        FirstBytes::Http1
    } else if length == PREFACE.len() {
        FirstBytes::Http2
    } else {
        FirstBytes::Undecided
    }
}

/// Whether the first byte of a connection to a TLS port can be that of a TLS handshake record. Plain HTTP begins with
/// a letter.
pub fn is_tls(first_byte: u8) -> bool {
    const HANDSHAKE: u8 = 22;
    first_byte == HANDSHAKE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_tells_http_2_from_http_1() {
        assert_eq!(classify(b""), FirstBytes::Undecided);
        assert_eq!(classify(b"P"), FirstBytes::Undecided);
        assert_eq!(classify(b"POST /messages"), FirstBytes::Http1);
        assert_eq!(classify(b"PRI * HTTP/2.0\r\n\r\nSM"), FirstBytes::Undecided);
        assert_eq!(
            classify(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"),
            FirstBytes::Http2
        );
        assert_eq!(classify(b"PRI * HTTP/1.1\r\n\r\n"), FirstBytes::Http1);
    }
}
