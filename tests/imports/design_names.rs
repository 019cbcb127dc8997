//! The table "What bounds memory" of `docs/design.md` names a constant or a field, and the file that it is in.

use std::{fs, path::Path};

#[test]
fn the_limits_of_memory_are_where_the_design_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let design = fs::read_to_string(root.join("docs/design.md")).expect("docs/design.md");
    let (_, table) = design
        .split_once("## What bounds memory")
        .expect("the section");
    let mut found = 0;
    for row in table.lines().filter(|line| line.starts_with('|')) {
        for (name, file) in names(row) {
            let parent = if file.starts_with("web/") {
                ""
            } else {
                "src/server"
            };
            let source = fs::read_to_string(root.join(parent).join(file));
            let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(source.contains(name), "{name} is not in {file}: {row}");
            found += 1;
        }
    }
    assert!(found > 30, "only {found} names were found");
}

/// Each name of a row, with the next file, or with the last one if no other follows.
fn names(row: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut pending = Vec::new();
    let mut file = "";
    for token in row.split('`').skip(1).step_by(2) {
        if token.contains('/') {
            file = token;
            pairs.extend(pending.drain(..).map(|name| (name, file)));
        } else if token.contains(|c: char| c == '_' || c.is_ascii_uppercase()) {
            let (_, name) = token.rsplit_once("::").unwrap_or(("", token));
            pending.push(name);
        }
    }
    pairs.extend(pending.into_iter().map(|name| (name, file)));
    pairs
}
