//! The directions of imports in `src/`: no cycle between neighbouring modules of any crate, and between the server's
//! top-level modules only the arrows of `docs/design.md`.

mod design_names;
mod rust_modules;

use std::collections::{BTreeMap, BTreeSet};

use rust_modules::{Import, imports};

/// Each crate: its name, its directory and the file of its root module.
const CRATES: [(&str, &str, &str); 4] = [
    ("poll-vs-sse", "src", "main.rs"),
    ("server", "src/server", "lib.rs"),
    ("instrument", "src/instrument", "lib.rs"),
    ("model", "src/model", "lib.rs"),
];

/// What each top-level module of the server may import of the others.
const SERVER_ARROWS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("limits", &["domain"]),
    ("named_file", &[]),
    ("access", &["domain", "named_file"]),
    ("net", &["limits", "named_file"]),
    ("log", &["domain", "named_file"]),
    ("ledger", &["domain"]),
    ("faults", &["domain"]),
    ("presence", &["domain", "ledger", "log"]),
    (
        "config",
        &["access", "domain", "ledger", "limits", "log", "net"],
    ),
    ("http2", &["ledger", "limits", "net"]),
    ("delivery", READER_MODULES),
    (
        "http",
        &[
            "access", "delivery", "domain", "faults", "ledger", "limits", "log", "net", "presence",
        ],
    ),
    (
        "fastpath",
        &[
            "delivery", "domain", "faults", "ledger", "limits", "log", "net", "presence",
        ],
    ),
];
const READER_MODULES: &[&str] = &["domain", "faults", "ledger", "log", "presence"];
/// May import all other modules, because it connects them; none may import it.
const LIFECYCLE: &str = "lifecycle";

#[test]
fn no_modules_import_each_other_in_a_cycle() {
    let mut explanation = String::new();
    for (name, directory, root) in CRATES {
        for (parent, edges) in neighbour_edges(&imports(directory, root)) {
            for cycle in cycles_of(&edges) {
                explanation += &format!("{name}, in {parent:?}: {}\n", cycle.join(" <-> "));
                for ((from, to), import) in &edges {
                    if cycle.contains(from) && cycle.contains(to) {
                        explanation += &format!("    {import}\n");
                    }
                }
            }
        }
    }
    assert!(explanation.is_empty(), "\n{explanation}");
}

#[test]
fn the_servers_modules_import_only_along_the_arrows() {
    let allowed: BTreeMap<&str, &[&str]> = SERVER_ARROWS.into_iter().collect();
    let parents = neighbour_edges(&imports("src/server", "lib.rs"));
    let mut wrong = String::new();
    for ((from, to), import) in &parents[""] {
        let is_allowed = from == LIFECYCLE
            || allowed
                .get(from.as_str())
                .is_some_and(|targets| targets.contains(&to.as_str()));
        if !is_allowed {
            wrong += &format!("{from} -> {to}: {import}\n");
        }
    }
    assert!(wrong.is_empty(), "not an arrow of docs/design.md:\n{wrong}");
}

#[test]
fn a_cycle_is_found() {
    let edge = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), "x".to_owned());
    let edges = [
        edge("a", "b"),
        edge("b", "c"),
        edge("c", "a"),
        edge("c", "d"),
    ];
    assert_eq!(cycles_of(&edges.into()), [["a", "b", "c"]]);
    let edges = [edge("a", "b"), edge("a", "c"), edge("b", "c")];
    assert!(cycles_of(&edges.into()).is_empty());
}

/// Imports between modules that have the same parent, with one example each.
type Edges = BTreeMap<(String, String), String>;

/// For each parent module, the imports between its children (from anywhere within them).
fn neighbour_edges(imports: &[Import]) -> BTreeMap<String, Edges> {
    let mut parents = BTreeMap::<String, Edges>::new();
    for import in imports {
        let common = import
            .from
            .iter()
            .zip(&import.to)
            .take_while(|(from, to)| from == to)
            .count();
        let (Some(from), Some(to)) = (import.from.get(common), import.to.get(common)) else {
            // An import between a module and one of its submodules.
            continue;
        };
        let example = format!("{} imports {}", import.file.display(), import.to.join("::"));
        parents
            .entry(import.from[..common].join("::"))
            .or_default()
            .entry((from.clone(), to.clone()))
            .or_insert(example);
    }
    parents
}

/// Sets of modules that all reach each other through imports.
fn cycles_of(edges: &Edges) -> Vec<Vec<String>> {
    let nodes: BTreeSet<&String> = edges.keys().flat_map(|(from, to)| [from, to]).collect();
    let reach = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut pending = vec![start];
        while let Some(node) = pending.pop() {
            for (from, to) in edges.keys() {
                if from == node && reached.insert(to) {
                    pending.push(to);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        nodes.iter().map(|node| (*node, reach(node))).collect();
    let mut cycles = BTreeSet::new();
    for node in &nodes {
        if reached[node].contains(node) {
            let cycle: Vec<String> = nodes
                .iter()
                .filter(|other| reached[*node].contains(*other) && reached[*other].contains(*node))
                .map(|other| (*other).clone())
                .collect();
            cycles.insert(cycle);
        }
    }
    cycles.into_iter().collect()
}
