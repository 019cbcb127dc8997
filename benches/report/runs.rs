//! The directories of runs: `benches/runs/<date>-<machine>/`, one file for each bench.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::provenance::Provenance;

/// The fields that every file has, except those of the first runs, which are no longer used.
#[derive(Debug, Deserialize)]
struct FileHead {
    about: Option<Provenance>,
}

/// The newest full run of a bench, and its directory.
#[derive(Debug)]
pub struct LatestRun<T> {
    pub run: T,
    /// The name of its directory: `2026-11-24-2core-epyc`.
    pub directory: String,
}

/// The directory of all runs.
pub fn directory(root: &Path) -> PathBuf {
    root.join("benches/runs")
}

/// The newest full run in the files called `name`, by end time. `None` if there is none.
pub fn latest<T: DeserializeOwned>(root: &Path, name: &str) -> Result<Option<LatestRun<T>>> {
    let mut newest: Option<(String, PathBuf, String)> = None;
    let entries = fs::read_dir(directory(root)).into_iter().flatten();
    for entry in entries {
        let path = entry?.path().join(name);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let head = serde_json::from_str::<FileHead>(&text);
        let head = head.with_context(|| format!("{}", path.display()))?;
        let Some(about) = head.about else { continue };
        let is_newer = newest
            .as_ref()
            .is_none_or(|(finished, ..)| about.finished_at > *finished);
        if about.full && is_newer {
            newest = Some((about.finished_at, path, text));
        }
    }
    let Some((_, path, text)) = newest else {
        return Ok(None);
    };
    let run = serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
    let parent = path.parent().and_then(Path::file_name);
    let directory = parent.map(|name| name.to_string_lossy().into_owned());
    let directory = directory.unwrap_or_default();
    Ok(Some(LatestRun { run, directory }))
}

/// Writes `text` to `name` in `directory` atomically.
pub fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let failed = || format!("cannot write {}", path.display());
    fs::create_dir_all(directory).with_context(failed)?;
    let partial = directory.join(format!(".{name}.partial"));
    fs::write(&partial, text).with_context(failed)?;
    fs::rename(&partial, &path).with_context(failed)
}

/// `run` as pretty-printed JSON, but with each element of its list `rows` on one line.
pub fn json<T: Serialize>(run: &T, rows: &str) -> Result<String> {
    let mut value = serde_json::to_value(run)?;
    let object = value.as_object_mut().context("a run is an object")?;
    let list = object
        .insert(rows.to_owned(), serde_json::Value::Array(Vec::new()))
        .unwrap_or_default();
    let list = list.as_array().context("its rows are a list")?;
    let lines: Vec<_> = list.iter().map(|row| format!("    {row}")).collect();
    let empty = format!("\"{rows}\": []");
    let whole = format!("\"{rows}\": [\n{}\n  ]", lines.join(",\n"));
    let text = serde_json::to_string_pretty(&value)?;
    Ok(text.replacen(&empty, &whole, 1) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct RowsExample {
        name: &'static str,
        rows: Vec<[u8; 2]>,
    }

    #[test]
    fn each_row_is_on_one_line_of_valid_json() {
        let example = RowsExample {
            name: "x",
            rows: vec![[1, 2], [3, 4]],
        };
        let text = json(&example, "rows").expect("JSON");
        assert!(text.contains("\n    [1,2],\n    [3,4]\n"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["rows"][1][0], 3);
    }

    #[test]
    fn the_newest_full_run_is_used() {
        let root = tempfile::tempdir().expect("a directory");
        let about = |full, finished: &str| {
            let machine = r#"{"cores":2,"cpu":null,"kernel":null,"load":null,"nginx":null,"rustc":null,
                "git_commit":null,"git_dirty":null,"server":null,"server_version":null}"#;
            format!(
                r#"{{"about":{{"command":"c","full":{full},"started_at":"","finished_at":"{finished}",
                "machine":{machine},"load_after":null,"server_cores":[],"load_cores":[]}}}}"#
            )
        };
        let of = |name: &str| directory(root.path()).join(name);
        write(&of("b"), "x.json", &about(true, "2026-11-02")).expect("written");
        write(&of("a"), "x.json", &about(true, "2026-11-03")).expect("written");
        write(&of("c"), "x.json", &about(false, "2026-11-04")).expect("written");
        let found: LatestRun<serde_json::Value> =
            latest(root.path(), "x.json").expect("read").expect("one");
        assert_eq!(found.directory, "a");
        let none: Option<LatestRun<serde_json::Value>> =
            latest(root.path(), "y.json").expect("read");
        assert!(none.is_none());
    }
}
