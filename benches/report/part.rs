//! A part of a bench with its own file.

use std::path::Path;

use anyhow::Result;
use serde::{Serialize, de::DeserializeOwned};

use super::provenance::Provenance;
use super::runs::{self, LatestRun};

/// The record of a bench's part, and the file that stores it.
pub trait Part: Serialize + DeserializeOwned {
    const TITLE: &'static str;
    /// The part's file in a run's directory.
    const FILE: &'static str;
    /// The field whose list elements are each on one line of that file.
    const ROWS: &'static str;

    fn about(&mut self) -> &mut Provenance;
    /// All tables.
    fn report(&self) -> String;
}

/// The part's section of the documentation, if there is a full run of it.
pub fn section<T: Part>(root: &Path) -> Result<Option<String>> {
    let (title, file) = (T::TITLE, T::FILE);
    let Some(LatestRun { mut run, directory }) = runs::latest::<T>(root, file)? else {
        return Ok(None);
    };
    let about = run.about().clone();
    Ok(Some(format!(
        "### {title}\n\nFrom [`{directory}/{file}`](../benches/runs/{directory}/{file}): `{}`, {}\n\n{}",
        about.command,
        about.sentence(),
        run.report()
    )))
}

/// The same; without a full run, a section that says so.
pub fn section_or_none<T: Part>(root: &Path) -> Result<String> {
    let section = section::<T>(root)?;
    Ok(section.unwrap_or_else(|| format!("### {}\n\nNot measured yet.", T::TITLE)))
}
