//! The micro-benchmarks of a delivery's steps: the documentation's table, made from `log.txt`, Criterion's output.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::runs;

/// Its file in a run's directory.
pub const FILE: &str = "log.txt";

/// Criterion's names of the benchmarks, and those in the documentation.
const NAMES: [(&str, &str); 7] = [
    ("append", "append to the memory store, encoding included"),
    ("encode", "encode a message"),
    ("after/0 messages", "read after a cursor: nothing new"),
    ("after/1 messages", "read after a cursor: 1 message"),
    ("after/200 messages", "read after a cursor: 200 messages"),
    (
        "fan-out/encoded once",
        "one message to 1,000 subscribers in this process, encoded once",
    ),
    (
        "fan-out/plain",
        "the same with `actix-web-lab`'s `Sse` over a broadcast channel",
    ),
];

/// The section of the documentation, from the newest file. `None` if there is none.
pub fn section(root: &Path) -> Result<Option<String>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(runs::directory(root))? {
        let path = entry?.path();
        if path.join(FILE).is_file() {
            directories.push(path);
        }
    }
    // The names begin with the date.
    let Some(newest) = directories.into_iter().max() else {
        return Ok(None);
    };
    let text = fs::read_to_string(newest.join(FILE))?;
    let directory = newest.file_name().unwrap_or_default().to_string_lossy();
    let mut section = format!(
        "From [`{directory}/{FILE}`](../benches/runs/{directory}/{FILE}), what Criterion printed for `cargo bench --bench log`. \
         It records neither machine nor commit; only the directory's name has the date and the machine.\n\n\
         | what | time |\n|---|---|"
    );
    for (name, what) in NAMES {
        if let Some(time) = time(&text, name) {
            section += &format!("\n| {what} | {time} |");
        }
    }
    Ok(Some(section))
}

/// The middle one of the three times that Criterion prints for `name`.
fn time(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("time:"))?;
    let words: Vec<_> = line
        .trim()
        .trim_matches(['[', ']'])
        .split_whitespace()
        .collect();
    let (value, unit) = (words.get(2)?, words.get(3)?);
    Some(format!("{value} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_time_is_taken() {
        let text = "append                  time:   [1.5617 µs 1.6273 µs 1.6436 µs]\nother";
        assert_eq!(time(text, "append").as_deref(), Some("1.6273 µs"));
        assert_eq!(time(text, "after/0 messages"), None);
    }
}
