//! Builds the lab's page (`web/`) with npm, compresses its files, and writes the table of them that
//! `src/cli/lab.rs` embeds. If npm is missing the server is built without the page, with a warning.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// What a build depends on, beside `web/src`. Each has to be there: cargo takes a file that is not for one
/// that has changed, and would build anew every time.
const INPUTS: [&str; 5] = [
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];

/// The names of files that compress well end with one of these.
const TEXT: [&str; 4] = [".html", ".js", ".css", ".svg"];

fn main() -> ExitCode {
    let web = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("web");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let built = if env::var_os("CARGO_FEATURE_LAB").is_none() {
        Ok(Err(
            "This server was built without the lab: build it with default features.",
        ))
    } else {
        watch(&web);
        build_page(&web, &out.join("web"))
    };
    match built.and_then(|page| write_table(&out, page)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot build the lab's page: {error}");
            eprintln!("(cargo build --no-default-features builds the server alone)");
            ExitCode::FAILURE
        }
    }
}

/// Where the built page is, or why there is none.
type Page = Result<PathBuf, &'static str>;

/// Names each input, so that neither `node_modules` nor the bundler's own files start a build.
fn watch(web: &Path) {
    println!("cargo::rerun-if-changed=build.rs");
    let mut folders = vec![web.join("src")];
    let mut files: Vec<PathBuf> = INPUTS.iter().map(|name| web.join(name)).collect();
    while let Some(folder) = folders.pop() {
        // The folder itself, so that a new file is noticed.
        println!("cargo::rerun-if-changed={}", folder.display());
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}

fn build_page(web: &Path, out: &Path) -> Result<Page, String> {
    match Command::new(NPM)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
    {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!(
                "cargo::warning=npm was not found: the server is built without its page. \
                 Install Node.js 20.19 or later and build again."
            );
            return Ok(Err(
                "To get the lab, install Node.js 20.19 or later with npm, then build \
                           the server again.",
            ));
        }
        Err(error) => return Err(format!("npm does not start: {error}")),
        Ok(_) => {}
    }
    install(web)?;
    let out_dir = out
        .to_str()
        .ok_or("the build directory's name is not UTF-8")?;
    npm(
        web,
        &["run", "build", "--", "--outDir", out_dir, "--emptyOutDir"],
    )?;
    Ok(Ok(out.to_owned()))
}

/// `npm ci`, if the lockfile is not the one it was last run for.
fn install(web: &Path) -> Result<(), String> {
    let stamp = web.join("node_modules/.installed-lockfile");
    let lockfile = fs::read(web.join("package-lock.json"))
        .map_err(|error| format!("web/package-lock.json: {error}"))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == lockfile) {
        return Ok(());
    }
    npm(web, &["ci", "--no-audit", "--no-fund"])?;
    fs::write(&stamp, lockfile).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn npm(web: &Path, arguments: &[&str]) -> Result<(), String> {
    let command = format!("npm {}", arguments.join(" "));
    let output = Command::new(NPM)
        .args(arguments)
        .current_dir(web)
        .output()
        .map_err(|error| format!("{command}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    // Compilers report on standard output, npm on standard error.
    let said = [output.stdout, output.stderr].concat();
    Err(format!(
        "`{command}` in web/ failed:\n{}",
        String::from_utf8_lossy(&said)
    ))
}

/// Writes the Rust source of the page's files.
fn write_table(out: &Path, page: Page) -> Result<(), String> {
    let source = match page {
        Err(missing) => format!("Err({missing:?})"),
        Ok(root) => {
            let compressed = out.join("compressed");
            let mut files = Vec::new();
            // Those of pages built before are of no use.
            let _ = fs::remove_dir_all(&compressed);
            fs::create_dir_all(&compressed)
                .and_then(|()| collect(&root, &root, &compressed, &mut files))
                .map_err(|error| error.to_string())?;
            files.sort();
            format!("Ok(&[\n{}])", files.concat())
        }
    };
    fs::write(out.join("lab.rs"), source).map_err(|error| format!("lab.rs: {error}"))
}

fn collect(
    root: &Path,
    folder: &Path,
    compressed: &Path,
    files: &mut Vec<String>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, compressed, files)?;
            continue;
        }
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        let content = fs::read(&path)?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let tag = hasher.finish();
        let is_text = TEXT.iter().any(|extension| name.ends_with(extension));
        let variant = |encoding: &str, compress: fn(&[u8]) -> io::Result<Vec<u8>>| {
            if !is_text {
                return Ok("None".to_owned());
            }
            let bytes = compress(&content)?;
            if bytes.len() >= content.len() {
                return Ok("None".to_owned());
            }
            let file = compressed.join(format!("{tag:016x}.{encoding}"));
            fs::write(&file, bytes)?;
            io::Result::Ok(format!("Some(include_bytes!({file:?}))"))
        };
        let (brotli, gzip) = (variant("br", brotli)?, variant("gz", gzip)?);
        files.push(format!(
            "    File {{ name: {name:?}, tag: \"{tag:016x}\", bytes: include_bytes!({path:?}), \
             brotli: {brotli}, gzip: {gzip} }},\n"
        ));
    }
    Ok(())
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    brotli::CompressorWriter::new(&mut packed, 4096, 11, 22).write_all(content)?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
