//! Holds the contract against what was recorded of it: a plugin that was compiled then must still load and run.
//!
//! The direction decides. A plugin does not call a function that it does not know, so an import interface may gain one;
//! but the host looks for every function of an interface that a plugin exports, so an export interface never changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_parser::{Resolve, Type, TypeDefKind, TypeOwner, World, WorldItem, WorldKey};

use crate::progress::Progress;
use crate::spelling;
use crate::workspace::{Workspace, folders};

const CONTRACT: &str = "wit";
const RECORDED: &str = "wit/recorded";
/// The world that has every interface.
const ALL: &str = "everything";

/// The contract's versions in the repository, oldest first: the folders of `wit` whose name begins with a digit.
pub(crate) fn versions(workspace: &Workspace) -> Result<Vec<String>> {
    versions_in(&workspace.join(CONTRACT))
}

fn versions_in(folder: &Path) -> Result<Vec<String>> {
    let names = folders(folder)?.into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    Ok(names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).collect())
}

/// Fails if a version broke since it was recorded, or was not recorded at all; says what has grown.
pub(crate) fn check(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let (recorded, present) = (versions_in(&workspace.join(RECORDED))?, versions(workspace)?);
    let mut breaks: Vec<String> = recorded
        .iter()
        .filter(|version| !present.contains(version))
        .map(|version| format!("{CONTRACT}/{version} is gone: plugins that were built against it are still in use"))
        .collect();
    for version in &present {
        if !recorded.contains(version) {
            breaks.push(format!("{version} is not recorded; record it with `cargo xtask contract --record`"));
            continue;
        }
        let changes = of_version(workspace, version)?;
        for growth in changes.growth {
            progress.note(&format!("{version}: {growth}"));
        }
        breaks.extend(changes.breaks.into_iter().map(|what| format!("{version}: {what}")));
    }
    refuse(&breaks)
}

/// Takes the present text of every version as its record, if nothing breaks by it.
pub(crate) fn record(workspace: &Workspace, progress: &Progress) -> Result<()> {
    for version in versions(workspace)? {
        let (from, to) = (workspace.join(CONTRACT).join(&version), workspace.join(RECORDED).join(&version));
        if to.is_dir() {
            let changes = of_version(workspace, &version)?;
            refuse(&changes.breaks)?;
            std::fs::remove_dir_all(&to).with_context(|| format!("cannot replace {}", to.display()))?;
        }
        std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        for entry in std::fs::read_dir(&from)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wit") {
                std::fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
            }
        }
        progress.note(&format!("{RECORDED}/{version} is as {CONTRACT}/{version} is now"));
    }
    Ok(())
}

fn refuse(breaks: &[String]) -> Result<()> {
    if breaks.is_empty() {
        return Ok(());
    }
    bail!(
        "the contract is not what plugins were built against:\n  {}\n{CONTRACT}/README.md says what may change",
        breaks.join("\n  ")
    )
}

fn of_version(workspace: &Workspace, version: &str) -> Result<Changes> {
    let recorded = Contract::load(&workspace.join(RECORDED).join(version))?;
    let present = Contract::load(&workspace.join(CONTRACT).join(version))?;
    Ok(compare(&recorded, &present))
}

/// What the bytes of a compiled plugin depend on, in WIT's own spelling; type names with their interface in front.
struct Contract {
    /// Namespace, name and version.
    package: String,
    interfaces: BTreeMap<String, Interface>,
    /// Names of interfaces that each world imports and exports.
    worlds: BTreeMap<String, [BTreeSet<String>; 2]>,
}

struct Interface {
    /// Whether plugins import it; else they export it.
    imported: bool,
    functions: BTreeMap<String, String>,
    types: BTreeMap<String, Definition>,
}

#[derive(PartialEq)]
struct Definition {
    /// `record`, `enum`, `variant` …
    kind: &'static str,
    /// Fields or cases, in order; of an alias what it stands for.
    parts: Vec<String>,
}

/// What became of a contract.
#[derive(Debug, Default)]
struct Changes {
    /// What plugins that exist would not survive.
    breaks: Vec<String>,
    /// What they do not notice.
    growth: Vec<String>,
}

impl Contract {
    fn load(folder: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(folder).with_context(|| format!("{} is no WIT", folder.display()))?;
        Self::of(&resolve, package)
    }

    fn of(resolve: &Resolve, package: wit_parser::PackageId) -> Result<Self> {
        let package = resolve.packages.get(package).context("the package was just read")?;
        let mut worlds = BTreeMap::new();
        for (name, id) in &package.worlds {
            let world = resolve.worlds.get(*id).context("a world of this package")?;
            worlds.insert(name.clone(), [interfaces(resolve, world, true), interfaces(resolve, world, false)]);
        }
        let Some([imports, exports]) = worlds.get(ALL) else { bail!("{} has no world `{ALL}`", package.name) };
        let mut all = BTreeMap::new();
        for (name, id) in &package.interfaces {
            let imported = imports.contains(name);
            if !imported && !exports.contains(name) {
                bail!("`{name}` lies not in the world `{ALL}`, so no plugin can have it");
            }
            let interface = resolve.interfaces.get(*id).context("an interface of this package")?;
            let functions = interface.functions.iter();
            let types = interface.types.iter().filter_map(|(name, type_id)| {
                Some((
                    name.clone(),
                    definition(resolve, &resolve.types.get(*type_id)?.kind, TypeOwner::Interface(*id))?,
                ))
            });
            let function = |(name, function): (&String, &wit_parser::Function)| {
                (name.clone(), spelling::signature(resolve, function, spelling::Names::Qualified))
            };
            let interface =
                Interface { imported, functions: functions.map(function).collect(), types: types.collect() };
            all.insert(name.clone(), interface);
        }
        Ok(Self { package: package.name.to_string(), interfaces: all, worlds })
    }
}

/// The names of the interfaces that a world imports, or exports.
fn interfaces(resolve: &Resolve, world: &World, imported: bool) -> BTreeSet<String> {
    let items = if imported { &world.imports } else { &world.exports };
    let name = |(key, item): (&WorldKey, &WorldItem)| match item {
        WorldItem::Interface { id, .. } => resolve.interfaces.get(*id)?.name.clone(),
        WorldItem::Function(_) | WorldItem::Type { .. } => Some(resolve.name_world_key(key)),
    };
    items.iter().filter_map(name).collect()
}

/// None for a name that only comes from another interface.
fn definition(resolve: &Resolve, kind: &TypeDefKind, owner: TypeOwner) -> Option<Definition> {
    let name = |ty: &Type| spelling::wit(resolve, ty, spelling::Names::Qualified);
    let parts = match kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| format!("{}: {}", field.name, name(&field.ty))).collect()
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| match &case.ty {
                Some(ty) => format!("{}({})", case.name, name(ty)),
                None => case.name.clone(),
            };
            variant.cases.iter().map(case).collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| flag.name.clone()).collect(),
        TypeDefKind::Type(Type::Id(id)) if resolve.types.get(*id).is_some_and(|ty| ty.owner != owner) => {
            return None;
        }
        other => vec![spelling::wit_kind(resolve, other, spelling::Names::Qualified)],
    };
    Some(Definition { kind: kind.as_str(), parts })
}

fn compare(recorded: &Contract, present: &Contract) -> Changes {
    let mut changes = Changes::default();
    if recorded.package != present.package {
        changes.breaks.push(format!("the package was {}, and is {}", recorded.package, present.package));
    }
    for (name, before) in &recorded.worlds {
        let Some(now) = present.worlds.get(name) else {
            changes.breaks.push(format!("the world `{name}` is gone"));
            continue;
        };
        for (side, before, now) in
            before.iter().zip(now).zip(["imports", "exports"]).map(|((before, now), side)| (side, before, now))
        {
            for lost in before.difference(now) {
                changes.breaks.push(format!("the world `{name}` no longer {side} `{lost}`"));
            }
        }
    }
    for (name, before) in &recorded.interfaces {
        match present.interfaces.get(name) {
            Some(now) => interface(name, before, now, &mut changes),
            None => changes.breaks.push(format!("the interface `{name}` is gone")),
        }
    }
    for (name, interface) in &present.interfaces {
        if !recorded.interfaces.contains_key(name) {
            let kind = if interface.imported { "import" } else { "export" };
            changes.growth.push(format!("the {kind} interface `{name}` is new"));
        }
    }
    changes
}

fn interface(name: &str, before: &Interface, now: &Interface, changes: &mut Changes) {
    if before.imported != now.imported {
        let side = |imported| if imported { "imported" } else { "exported" };
        changes.breaks.push(format!("`{name}` was {}, and is {}", side(before.imported), side(now.imported)));
    }
    for (function, was) in &before.functions {
        match now.functions.get(function) {
            None => changes.breaks.push(format!("the function `{name}.{function}` is gone")),
            Some(is) if is != was => changes.breaks.push(format!(
                "the function `{name}.{function}` was `{was}`, and is `{is}`: give the new one a name of its own"
            )),
            Some(_) => {}
        }
    }
    for (type_name, was) in &before.types {
        match now.types.get(type_name) {
            None => changes.breaks.push(format!("the type `{name}.{type_name}` is gone")),
            Some(is) if is != was => {
                changes.breaks.push(format!("the {} `{name}.{type_name}` {}", was.kind, difference(was, is)));
            }
            Some(_) => {}
        }
    }
    let functions = now.functions.keys().filter(|function| !before.functions.contains_key(*function));
    let types = now.types.keys().filter(|type_name| !before.types.contains_key(*type_name));
    for (what, new) in functions.map(|new| ("function", new)).chain(types.map(|new| ("type", new))) {
        if now.imported {
            changes.growth.push(format!("the {what} `{name}.{new}` is new"));
        } else {
            changes.breaks.push(format!(
                "the {what} `{name}.{new}` is new in an export interface, which plugins that exist do not have: \
                 put it into a new interface"
            ));
        }
    }
}

fn difference(was: &Definition, is: &Definition) -> String {
    if was.kind != is.kind {
        return format!("is a {} now", is.kind);
    }
    let without = |all: &Definition, these: &Definition| {
        all.parts.iter().filter(|part| !these.parts.contains(part)).map(|part| format!("`{part}`")).collect::<Vec<_>>()
    };
    match (without(was, is), without(is, was)) {
        (lost, new) if lost.is_empty() && new.is_empty() => "has its parts in another order".to_owned(),
        (lost, new) if lost.is_empty() => format!("has gained {}", new.join(", ")),
        (lost, new) if new.is_empty() => format!("has lost {}", lost.join(", ")),
        (lost, new) => format!("had {}, and has {}", lost.join(", "), new.join(", ")),
    }
}

#[cfg(test)]
mod tests;
