//! `hookswitch plugin new`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use include_dir::{Dir, DirEntry, include_dir};

use super::super::{Common, output};
use crate::manifest::is_name;

/// Begin a plugin: a folder with one that works, its scenarios, and how it is built. Needs no network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookswitch plugin new acme-crm --lang js
  cd acme-crm && hookswitch plugin build && hookswitch plugin test
  hookswitch plugin new acme-crm --lang script     plain JavaScript, nothing to build")]
pub(in super::super) struct Options {
    /// The plugin's name: a small letter, then small letters, digits and hyphens.
    name: String,
    /// The language.
    #[arg(long, value_enum)]
    lang: Language,
    /// Its name for people [default: made of the name].
    #[arg(long)]
    title: Option<String>,
    /// The folder [default: ./NAME].
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Rust, compiled with cargo.
    Rust,
    /// JavaScript or TypeScript, built with npm.
    Js,
    /// Python, built with pip.
    Python,
    /// One file of plain JavaScript that the host runs as it is.
    Script,
}

static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/0.1.0");

/// What a plugin of a language begins with: the template, and copies of what a build needs (templates/README.md).
fn sources(language: Language) -> Vec<(&'static Dir<'static>, &'static str)> {
    static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
    static RUST_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-rust/src");
    static RUST_WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-rust/wit");
    static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/js");
    static JS_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-js/src");
    static JS_TYPES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-js/types");
    static JS_BUILD: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-js/build");
    static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/python");
    static PYTHON_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk-python/hookswitch_sdk");
    static SCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/script");
    match language {
        Language::Rust => vec![
            (&RUST, ""),
            (&CONTRACT, "wit/0.1.0"),
            (&RUST_SDK, "sdk/hookswitch-sdk/src"),
            (&RUST_WIT, "sdk/hookswitch-sdk/wit"),
        ],
        Language::Js => vec![
            (&JS, ""),
            (&CONTRACT, "wit/0.1.0"),
            (&JS_SDK, "sdk/hookswitch/src"),
            (&JS_TYPES, "sdk/hookswitch/types"),
            (&JS_BUILD, "sdk/hookswitch/build"),
        ],
        Language::Python => vec![(&PYTHON, ""), (&CONTRACT, "wit/0.1.0"), (&PYTHON_SDK, "sdk/hookswitch_sdk")],
        Language::Script => vec![(&SCRIPT, "")],
    }
}

/// Single files of the same kind.
fn files(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust | Language::Script => &[],
        Language::Js => &[
            ("sdk/hookswitch/package.json", include_str!("../../../../../plugins/sdk-js/package.json")),
            ("sdk/hookswitch/README.md", include_str!("../../../../../plugins/sdk-js/README.md")),
        ],
        Language::Python => &[
            ("sdk/README.md", include_str!("../../../../../plugins/sdk-python/README.md")),
            ("sdk/hookswitch_build.py", include_str!("../../../../../plugins/sdk-python/hookswitch_build.py")),
        ],
    }
}

pub(super) fn run(_: &Common, options: &Options) -> miette::Result<ExitCode> {
    let Options { name, lang, title, into } = options;
    if !is_name(name) {
        return Err(miette::miette!(
            help = "a small letter, then at most 62 small letters, digits and hyphens: acme-crm",
            "`{name}` cannot be the name of a plugin"
        ));
    }
    let title = title.clone().unwrap_or_else(|| capitalised(name));
    if title.is_empty() || title.chars().any(|char| char.is_control() || matches!(char, '"' | '\'' | '\\' | '`')) {
        return Err(miette::miette!(help = "letters, digits and spaces", "`{title}` cannot be the title of a plugin"));
    }
    let folder = into.clone().unwrap_or_else(|| PathBuf::from(name));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(miette::miette!(help = "name another folder with --into", "{} is not empty", folder.display()));
    }
    let place = Place { folder: &folder, name, title: &title };
    for (source, to) in sources(*lang) {
        place.copy(source, Path::new(to), to.is_empty())?;
    }
    for (to, text) in files(*lang) {
        place.write(Path::new(to), text.as_bytes())?;
    }
    output::line(&format!("{} is a plugin that works; its README.md says how to go on:", folder.display()))?;
    let build = if *lang == Language::Script { "" } else { "hookswitch plugin build && " };
    output::line(&format!("  cd {} && {build}hookswitch plugin test", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn capitalised(name: &str) -> String {
    let words = name.split('-').filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

struct Place<'a> {
    folder: &'a Path,
    name: &'a str,
    title: &'a str,
}

impl Place<'_> {
    /// Copies what is in `source`; a template's placeholders are filled in.
    fn copy(&self, source: &Dir<'_>, to: &Path, template: bool) -> miette::Result<()> {
        self.entries(source, source.path(), to, template)
    }

    fn entries(&self, dir: &Dir<'_>, root: &Path, to: &Path, template: bool) -> miette::Result<()> {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) if dir.path().ends_with("__pycache__") => {}
                DirEntry::Dir(dir) => self.entries(dir, root, to, template)?,
                DirEntry::File(file) => {
                    let path = file.path().strip_prefix(root).unwrap_or(file.path());
                    match file.contents_utf8().filter(|_| template) {
                        Some(text) => {
                            let path = self.filled(&path.to_string_lossy());
                            self.write(&to.join(path), self.filled(text).as_bytes())?;
                        }
                        None => self.write(&to.join(path), file.contents())?,
                    }
                }
            }
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{{name}}", self.name).replace("{{title}}", self.title)
    }

    fn write(&self, to: &Path, bytes: &[u8]) -> miette::Result<()> {
        let path = self.folder.join(to);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        written.map_err(|error| miette::miette!("{}: {error}", path.display()))
    }
}
