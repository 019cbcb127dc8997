//! Text for standard output: written completely, or an error. A closed pipe is no error: its reader has seen
//! enough.

use std::io::{self, ErrorKind, Write};

/// Writes all of `text`.
pub fn print(text: &str) -> io::Result<()> {
    write_to(&mut io::stdout().lock(), text)
}

/// Writes all of `text` to `out`.
pub fn write_to(out: &mut impl Write, text: &str) -> io::Result<()> {
    let written = out.write_all(text.as_bytes());
    ignore_closed_pipe(written.and_then(|()| out.flush()))
}

/// Treats a closed pipe as success: its reader has seen enough.
pub fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
