//! The ends of request heads in the bytes of an HTTP/1.1 connection.
//!
//! actix-http decodes every head that it has been given, whether or not the requests before it are answered, and takes
//! some kilobytes for each. So a connection gives it one head at a time.

use memchr::memchr;

/// `http` accepts shorter names of fields only, and actix-http panics at a longer one.
const MAX_FIELD_NAME: usize = u16::MAX as usize;
/// A byte that makes a head invalid.
const INVALID: u8 = 0;

/// Every head begins with a line that ends so, before its digit and its line end.
const VERSION: &[u8] = b"HTTP/1.";
const VERSION_BYTES: usize = VERSION.len() + 1;

/// Follows the lines of the input: an empty line that comes after a request line ends a head. In a body, such lines are
/// taken for a head, too.
#[derive(Debug, Default)]
pub struct HeadScanner {
    /// The bytes of the unfinished line.
    line: usize,
    /// The last of these.
    line_end: [u8; VERSION_BYTES + 1],
    /// Whether they have a colon.
    has_colon: bool,
    /// Whether a request line came before, so that the line is a field or the end of the head.
    is_in_head: bool,
}

impl HeadScanner {
    /// Continues in `bytes`, and returns how many of them the HTTP layer may get: those up to the second end of a head
    /// that is in them, without its last byte. With `is_in_body`, the HTTP layer needs more of a body, and gets those
    /// up to the first end; if they begin with it, it is part of the body.
    ///
    /// The scan continues after these bytes. A field whose name is too long is made invalid.
    pub fn take(&mut self, bytes: &mut [u8], is_in_body: bool) -> usize {
        if is_in_body {
            let taken = self.take_heads(bytes, 0);
            if taken > 0 {
                return taken;
            }
        }
        self.take_heads(bytes, 1)
    }

    /// Takes at most this number of heads.
    fn take_heads(&mut self, bytes: &mut [u8], mut heads: usize) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &mut bytes[at..];
            let Some(length) = memchr(b'\n', rest) else {
                self.check_field_name(rest);
                self.continue_line(rest);
                return bytes.len();
            };
            let line = &mut rest[..length];
            if self.line + length > MAX_FIELD_NAME {
                self.check_field_name(line);
            }
            self.continue_line(line);
            let is_head_end = self.is_in_head && self.is_line_empty();
            if is_head_end && heads == 0 {
                // Without the line's end, the head stays incomplete.
                return at + length;
            }
            heads -= usize::from(is_head_end);
            *self = Self {
                is_in_head: !is_head_end && (self.is_in_head || self.is_request_line()),
                ..Self::default()
            };
            at += length + 1;
        }
        at
    }

    fn is_line_empty(&self) -> bool {
        self.line == 0 || (self.line == 1 && self.line_end.ends_with(b"\r"))
    }

    fn is_request_line(&self) -> bool {
        let end = self
            .line_end
            .strip_suffix(b"\r")
            .unwrap_or(&self.line_end[1..]);
        end.starts_with(VERSION)
    }

    /// Makes the field whose next part this is invalid if its name is too long.
    fn check_field_name(&mut self, part: &mut [u8]) {
        if !self.is_in_head || self.has_colon {
            return;
        }
        let colon = memchr(b':', part);
        if self.line + colon.unwrap_or(part.len()) > MAX_FIELD_NAME
            && let Some(first) = part.first_mut()
        {
            *first = INVALID;
        }
        self.has_colon = colon.is_some();
    }

    fn continue_line(&mut self, part: &[u8]) {
        self.line += part.len();
        let size = self.line_end.len();
        let new = part.len().min(size);
        self.line_end.copy_within(new.., 0);
        self.line_end[size - new..].copy_from_slice(&part[part.len() - new..]);
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
                taken += scanner.take_heads(&mut bytes[taken..end], heads);
                heads = usize::from(taken < 27);
            }
            assert_eq!(taken, first, "cut at {cut}");
            assert_eq!(scanner.take_heads(&mut bytes[taken..], 1), 1);
            assert_eq!(bytes, TWO);
        }
    }

    #[test]
    fn a_body_comes_with_its_head_and_whatever_empty_lines_it_has() {
        for body in ["{\"text\":\n\n\"a\"}\nGET /", "\r\n\n\r\n\n{}"] {
            let mut bytes = format!("POST /messages HTTP/1.1\n\n{body}").into_bytes();
            let length = bytes.len();
            assert_eq!(HeadScanner::default().take(&mut bytes, false), length);
        }
    }

    #[test]
    fn the_end_of_the_next_head_is_not_taken_with_a_body_unless_the_body_has_it() {
        let mut scanner = HeadScanner::default();
        let mut bytes = b"POST / HTTP/1.1\r\n\r\n{".to_vec();
        assert_eq!(scanner.take(&mut bytes, false), bytes.len());
        let mut rest = b"}GET / HTTP/1.1\r\n\r\nGET /".to_vec();
        assert_eq!(scanner.take(&mut rest, true), 18);
        assert_eq!(scanner.take(&mut rest[18..], true), rest.len() - 18);
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
                    scanner.take(part, false);
                }
                assert_eq!(!bytes.contains(&INVALID), is_valid, "{name} in {parts}");
            }
        }
    }
}
