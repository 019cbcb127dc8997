//! The ends of request heads in the bytes of an HTTP/1.1 connection.
//!
//! actix-http decodes every head that it has been given, whether or not the requests before it are answered, and takes
//! some kilobytes for each. So a connection gives it one head at a time.

use memchr::memchr;

/// `http` accepts shorter names of fields only, and actix-http panics at a longer one.
const MAX_FIELD_NAME: usize = u16::MAX as usize;
/// A byte that makes a head invalid.
const INVALID: u8 = 0;

/// Follows the lines of the input. An empty line ends a head; one in a body is taken for an end, too, which only delays
/// the bytes after it.
#[derive(Debug, Default)]
pub struct HeadScanner {
    /// The bytes of the unfinished line.
    line: usize,
    /// Whether these are only a carriage return.
    is_return: bool,
    /// Whether they have a colon.
    has_colon: bool,
    /// Whether the line is a field: every line after the first of a head.
    is_field: bool,
}

impl HeadScanner {
    /// Continues in `bytes`, and returns how many of them complete at most `heads` heads. The scan continues after
    /// these. A field whose name is too long is made invalid.
    pub fn take(&mut self, bytes: &mut [u8], mut heads: usize) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &mut bytes[at..];
            let Some(length) = memchr(b'\n', rest) else {
                self.continue_line(rest);
                return bytes.len();
            };
            let line = &mut rest[..length];
            let is_return = line == b"\r" || (line.is_empty() && self.is_return);
            let is_empty = self.line + length == usize::from(is_return);
            if is_empty {
                if heads == 0 {
                    // All of the line but its end, so that the head stays incomplete.
                    self.continue_line(line);
                    return at + length;
                }
                heads -= 1;
            } else if self.line + length > MAX_FIELD_NAME {
                self.continue_line(line);
            }
            *self = Self {
                is_field: !is_empty,
                ..Self::default()
            };
            at += length + 1;
        }
        at
    }

    fn continue_line(&mut self, part: &mut [u8]) {
        let is_first = self.line == 0;
        if self.is_field && !self.has_colon {
            let colon = memchr(b':', part);
            if self.line + colon.unwrap_or(part.len()) > MAX_FIELD_NAME
                && let Some(first) = part.first_mut()
            {
                *first = INVALID;
            }
            self.has_colon = colon.is_some();
        }
        self.line += part.len();
        self.is_return = match part {
            [] => self.is_return,
            part => is_first && part == b"\r",
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";

    #[test]
    fn one_head_is_taken_at_a_time_however_the_bytes_arrive() {
        let first = TWO.len() - b"\n".len();
        for cut in 0..TWO.len() {
            let mut scanner = HeadScanner::default();
            let mut bytes = TWO.to_vec();
            let mut heads = 1;
            let mut taken = 0;
            for end in [cut, TWO.len()] {
                taken += scanner.take(&mut bytes[taken..end], heads);
                heads = usize::from(taken < 27);
            }
            assert_eq!(taken, first, "cut at {cut}");
            assert_eq!(scanner.take(&mut bytes[taken..], 1), 1);
            assert_eq!(bytes, TWO);
        }
    }

    #[test]
    fn a_body_comes_with_its_head() {
        let mut bytes = b"POST /messages HTTP/1.1\n\n{\"text\": \"a\"}\nGET /".to_vec();
        let length = bytes.len();
        assert_eq!(HeadScanner::default().take(&mut bytes, 1), length);
    }

    #[test]
    fn a_field_name_that_is_too_long_makes_its_head_invalid() {
        for parts in [1, 4] {
            for (name, is_valid) in [(MAX_FIELD_NAME, true), (MAX_FIELD_NAME + 1, false)] {
                let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
                bytes.resize(bytes.len() + name, b'a');
                bytes.extend(b": 1\r\n\r\n");
                let mut scanner = HeadScanner::default();
                let size = bytes.len().div_ceil(parts);
                for part in bytes.chunks_mut(size) {
                    scanner.take(part, 1);
                }
                assert_eq!(!bytes.contains(&INVALID), is_valid, "{name} in {parts}");
            }
        }
    }
}
