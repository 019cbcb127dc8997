//! Finds which modules of a crate import which, from its source text. Tests inside a module are ignored, because they
//! may import anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module's path from the crate's root; empty for the root.
pub type Module = Vec<String>;

/// A use of one module in another module of the same crate.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: Module,
    pub to: Module,
    pub file: PathBuf,
}

/// All imports of the crate in `directory` whose root module is the file `root`.
pub fn imports(directory: &str, root: &str) -> Vec<Import> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let files = modules(&base, root);
    let names: BTreeSet<&Module> = files.iter().map(|file| &file.module).collect();
    let reexports = reexports(&files, &names);
    let mut imports = BTreeSet::new();
    for file in &files {
        for path in paths(&file.tokens) {
            let Some(to) = resolve(&path, &file.module, &names, &reexports) else {
                continue;
            };
            if to != file.module {
                imports.insert(Import {
                    from: file.module.clone(),
                    to,
                    file: Path::new(directory).join(&file.path),
                });
            }
        }
    }
    assert!(
        files.len() < 3 || !imports.is_empty(),
        "{directory}: no source was found"
    );
    imports.into_iter().collect()
}

struct SourceFile {
    path: PathBuf,
    module: Module,
    tokens: Vec<String>,
}

/// The files that the `mod` declarations of the crate reach.
fn modules(base: &Path, root: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut pending = vec![(PathBuf::from(root), Module::new())];
    while let Some((path, module)) = pending.pop() {
        let text = fs::read_to_string(base.join(&path))
            .unwrap_or_else(|error| panic!("{}: {error}", base.join(&path).display()));
        let tokens = without_tests(tokens(&text));
        let is_directory_module = path.ends_with("mod.rs") || module.is_empty();
        let directory = match is_directory_module {
            true => path.parent().unwrap_or(Path::new("")).to_owned(),
            false => path.with_extension(""),
        };
        for pair in tokens.windows(3) {
            if pair[0] == "mod" && pair[2] == ";" {
                let name = &pair[1];
                let file = directory.join(format!("{name}.rs"));
                let file = match base.join(&file).is_file() {
                    true => file,
                    false => directory.join(name).join("mod.rs"),
                };
                let child = [module.as_slice(), std::slice::from_ref(name)].concat();
                pending.push((file, child));
            }
        }
        files.push(SourceFile {
            path,
            module,
            tokens,
        });
    }
    files
}

/// The words and punctuation of `text`, without comments, strings and lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string_length(rest) {
            length
        } else if first == '"' {
            string_length(rest)
        } else if first == '\'' {
            char_length(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the raw string that `text` begins with, if it does.
fn raw_string_length(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close)? + close.len();
    Some(text.len() - body.len() + end)
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or of only the quote if it begins a lifetime.
fn char_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        // The escaped character itself may be a quote.
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The tokens without the items that only tests compile.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test = tokens[at..]
            .iter()
            .zip(TEST)
            .filter(|(a, b)| a == b)
            .count()
            == TEST.len();
        if !is_test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += TEST.len();
        let mut depth = 0;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && matches!(tokens[at].as_str(), ";" | "}");
            at += 1;
            if ends {
                break;
            }
        }
    }
    kept
}

/// All paths that begin with `crate`, `self` or `super`. A tree in braces gives one path for each leaf.
fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let follows_path = at > 0 && tokens[at - 1] == "::";
        let begins = matches!(token.as_str(), "crate" | "self" | "super") && !follows_path;
        if begins && tokens.get(at + 1).is_some_and(|next| next == "::") {
            path_tree(tokens, at, &[], &mut paths);
        }
    }
    paths
}

/// Adds the paths of the tree that begins at `at`, prefixed with `prefix`. Returns the position after it.
fn path_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = match tokens[at] == "," {
                        true => at + 1,
                        false => path_tree(tokens, at, &path, paths),
                    };
                }
                return at + 1;
            }
            Some(name) => path.push(name.to_owned()),
            None => return at,
        }
        at += 1;
        if tokens.get(at).is_some_and(|token| token == "::") {
            at += 1;
        } else {
            paths.push(path);
            // `as name` belongs to the path before it.
            let has_alias = tokens.get(at).is_some_and(|token| token == "as");
            return if has_alias { at + 2 } else { at };
        }
    }
}

/// Items that a module re-exports, and the modules that define them.
type Reexports = BTreeMap<Vec<String>, Module>;

fn reexports(files: &[SourceFile], names: &BTreeSet<&Module>) -> Reexports {
    let mut reexports = Reexports::new();
    for file in files {
        for (at, _) in file.tokens.iter().enumerate() {
            let is_reexport = file.tokens[at] == "use"
                && at > 0
                && (file.tokens[at - 1] == "pub" || file.tokens[at - 1] == ")");
            if !is_reexport {
                continue;
            }
            let mut paths = Vec::new();
            path_tree(&file.tokens, at + 1, &[], &mut paths);
            for mut path in paths {
                if !matches!(path[0].as_str(), "crate" | "self" | "super") {
                    path.insert(0, "self".to_owned());
                }
                let target = resolve(&path, &file.module, names, &Reexports::new());
                if let Some(target) = target.filter(|target| *target != file.module) {
                    let name = path.pop().unwrap_or_default();
                    reexports.insert([file.module.as_slice(), &[name]].concat(), target);
                }
            }
        }
    }
    reexports
}

/// The module of the item that `path` in the module `from` refers to.
fn resolve(
    path: &[String],
    from: &Module,
    names: &BTreeSet<&Module>,
    reexports: &Reexports,
) -> Option<Module> {
    let mut module = match path[0].as_str() {
        "crate" => Module::new(),
        _ => from.clone(),
    };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => {
                module.pop()?;
            }
            name => {
                module.push(name.to_owned());
                if names.contains(&module) {
                    continue;
                }
                if let Some(target) = reexports.get(&module) {
                    return Some(target.clone());
                }
                module.pop();
                return Some(module);
            }
        }
    }
    Some(module)
}

#[test]
fn a_tree_of_imports_gives_one_path_for_each_leaf() {
    let text = "use crate::{a::{self, B as C}, d}; // use crate::no;\nfn f() { super::g(\"crate::no\", 'x', '\\''); }
        #[cfg(test)] mod tests { use crate::no; } fn h<'a>() { crate::i::j() }";
    let found: Vec<String> = paths(&without_tests(tokens(text)))
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        found,
        [
            "crate::a::self",
            "crate::a::B",
            "crate::d",
            "super::g",
            "crate::i::j"
        ]
    );
}
