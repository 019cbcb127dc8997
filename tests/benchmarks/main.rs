//! `docs/benchmarks.md` says what the committed runs say.

#[path = "../../benches/report/mod.rs"]
mod report;

use std::{fs, path::Path};

use report::docs;

#[test]
fn every_generated_section_is_what_its_newest_whole_run_gives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(docs::PATH)).expect("the documentation");
    for section in docs::sections(root).expect("the runs are readable") {
        let stands = docs::section_in(&text, section.name);
        assert_eq!(
            stands,
            Some(section.body.trim()),
            "section {}",
            section.name
        );
    }
}
