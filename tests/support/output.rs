//! The output of a child process, read as it is written.

use std::{
    io::Read,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The longest wait for the end of the output after the process has ended.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// The output so far.
pub struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    /// Reads `source` on a thread until its end.
    pub fn capture(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                let mut sink = sink.lock().expect("whole");
                sink.extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("whole")).into_owned()
    }

    /// The whole output, once the process has ended.
    pub fn end(&self) -> String {
        let deadline = Instant::now() + END_TIMEOUT;
        while !self.reader.is_finished() {
            assert!(Instant::now() < deadline, "the output did not end");
            thread::sleep(Duration::from_millis(1));
        }
        self.text()
    }
}
