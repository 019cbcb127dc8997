//! The lengths of request heads over HTTP/2: HPACK (RFC 7541) as Chromium's encoder uses it. It puts every field into
//! the dynamic table, so a repeated head takes one byte a field.
//!
//! Only lengths are computed. A table holds 4,096 bytes unless a server allows more. A head that does not fit is sent
//! in full each time, because each of its fields has been evicted before it is repeated.

use std::collections::VecDeque;

/// The size of the dynamic table (RFC 9113, 6.5.2: the default of SETTINGS_HEADER_TABLE_SIZE).
const TABLE_BYTES: usize = 4096;
/// The size of an entry beyond its name and value (RFC 7541, 4.1).
const ENTRY_BYTES: usize = 32;
/// The names of the static table that occur in requests of browsers, and their indices (RFC 7541, appendix A).
const STATIC_NAMES: [(&str, usize); 9] = [
    (":authority", 1),
    (":path", 4),
    ("accept-encoding", 16),
    ("accept-language", 17),
    ("accept", 19),
    ("cache-control", 24),
    ("cookie", 32),
    ("referer", 51),
    ("user-agent", 58),
];
/// The first index of the dynamic table.
const FIRST_DYNAMIC: usize = 62;
/// Bits of the Huffman code of each byte from 0x20 to 0x7e (RFC 7541, appendix B).
const CODE_BITS: [u8; 95] = [
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
    6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8,
    13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7,
    7, 7, 15, 11, 14, 13,
];
/// Other bytes are rare in heads.
const OTHER_BITS: usize = 28;

/// The encoder's side of a connection.
#[derive(Debug, Default)]
pub struct HpackTable {
    /// Newest first.
    entries: VecDeque<(String, String)>,
    bytes: usize,
}

impl HpackTable {
    /// The bytes of the header block with these fields, which are then in the table.
    pub fn encode(&mut self, fields: &[(String, String)]) -> usize {
        fields
            .iter()
            .map(|(name, value)| self.encode_field(name, value))
            .sum()
    }

    fn encode_field(&mut self, name: &str, value: &str) -> usize {
        // Both are in the static table with their values, for every scheme.
        if matches!(name, ":method" | ":scheme") {
            return 1;
        }
        let mut known = self.entries.iter();
        if let Some(at) = known.position(|(other, text)| other == name && text == value) {
            return integer(FIRST_DYNAMIC + at, 7);
        }
        let in_static = STATIC_NAMES.iter().find(|(other, _)| *other == name);
        let index = in_static.map(|(_, index)| *index).or_else(|| {
            let at = self.entries.iter().position(|(other, _)| other == name)?;
            Some(FIRST_DYNAMIC + at)
        });
        let name_bytes = match index {
            Some(index) => integer(index, 6),
            None => 1 + string(name),
        };
        self.insert(name, value);
        name_bytes + string(value)
    }

    fn insert(&mut self, name: &str, value: &str) {
        let size = name.len() + value.len() + ENTRY_BYTES;
        while self.bytes + size > TABLE_BYTES {
            let Some((name, value)) = self.entries.pop_back() else {
                // The entry is larger than the table, which is now empty.
                return;
            };
            self.bytes -= name.len() + value.len() + ENTRY_BYTES;
        }
        self.bytes += size;
        self.entries.push_front((name.to_owned(), value.to_owned()));
    }
}

/// The bytes of an integer with `prefix` bits in the first byte.
fn integer(value: usize, prefix: u32) -> usize {
    let most = (1 << prefix) - 1;
    let Some(mut rest) = value.checked_sub(most) else {
        return 1;
    };
    let mut bytes = 2;
    while rest >= 128 {
        rest /= 128;
        bytes += 1;
    }
    bytes
}

/// The bytes of a string, in the shorter of its two encodings.
fn string(text: &str) -> usize {
    let bits: usize = text
        .bytes()
        .map(|byte| {
            let at = usize::from(byte).checked_sub(0x20);
            at.and_then(|at| CODE_BITS.get(at))
                .map_or(OTHER_BITS, |bits| usize::from(*bits))
        })
        .sum();
    let length = bits.div_ceil(8).min(text.len());
    integer(length, 7) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_as_long_as_in_the_rfc() {
        // RFC 7541, C.4.1 and C.6.1.
        assert_eq!(string("www.example.com"), 1 + 12);
        assert_eq!(string("Mon, 21 Oct 2013 20:13:21 GMT"), 1 + 22);
        assert_eq!(integer(10, 5), 1);
        assert_eq!(integer(1337, 5), 3);
    }

    #[test]
    fn a_repeated_head_takes_one_byte_for_each_field() {
        let fields = [(":method", "GET"), (":path", "/poll"), ("x-own", "value")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut table = HpackTable::default();
        assert!(table.encode(&fields) > 10);
        assert_eq!(table.encode(&fields), 3);
    }

    #[test]
    fn a_head_larger_than_the_table_is_sent_in_full_each_time() {
        let cookie = "x".repeat(4096);
        let fields = [("cookie", cookie.as_str()), ("user-agent", "a browser's")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut table = HpackTable::default();
        let first = table.encode(&fields);
        assert_eq!(
            table.encode(&fields[..1]),
            first - (1 + string("a browser's"))
        );
    }
}
