//! How much there is of everything in a component.

use std::borrow::Cow;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Instance, Payload,
};

use super::Refusal;
use crate::memory::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};

const WASM_PAGE: u64 = 64 << 10;

/// Functions with a body. The largest guests known, Python's, have some 30,000.
const FUNCTIONS: u64 = 100_000;

/// Globals: each takes room in the instance, outside of its memory. Python guests have some thousands.
const GLOBALS: u64 = 20_000;

/// Instances of components inside the component: toolchains make one for each exported interface.
const COMPONENT_INSTANCES: u64 = 200;

/// What is written down, nested modules and components included, and how much of it there is when all is instantiated.
#[derive(Default)]
pub(super) struct Count {
    functions: u64,
    globals: u64,
    memories: u64,
    tables: u64,
    memory_bytes: u64,
    table_elements: u64,
    /// The components that are being read, the outermost first; a module in between has an entry too, so that each end
    /// takes away what the beginning has put there.
    open: Vec<Scope>,
}

/// One component, as far as it has been read.
#[derive(Default)]
struct Scope {
    is_component: bool,
    weight: Weight,
    /// The components that it can name, by index.
    components: Vec<Weight>,
}

/// What one instantiation of a component makes.
#[derive(Clone, Copy, Default)]
struct Weight {
    core_instances: u64,
    component_instances: u64,
}

impl Weight {
    /// That of a component which comes from outside of what is read here, so that nobody can say what it holds.
    const UNKNOWN: Self = Self { core_instances: u64::MAX, component_instances: u64::MAX };

    fn add(&mut self, other: Self) {
        self.core_instances = self.core_instances.saturating_add(other.core_instances);
        self.component_instances = self.component_instances.saturating_add(other.component_instances);
    }
}

impl Scope {
    fn weight_of(&self, component: u32) -> Weight {
        self.components.get(component as usize).copied().unwrap_or(Weight::UNKNOWN)
    }
}

impl Count {
    /// Takes note of one payload. The error is a damaged section.
    pub(super) fn add(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.open.push(Scope { is_component: *encoding == Encoding::Component, ..Scope::default() });
            }
            Payload::End(_) => self.close(),
            Payload::FunctionSection(functions) => self.functions += u64::from(functions.count()),
            Payload::GlobalSection(globals) => self.globals += u64::from(globals.count()),
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    self.memories += 1;
                    self.memory_bytes = self.memory_bytes.saturating_add(memory?.initial.saturating_mul(WASM_PAGE));
                }
            }
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    self.tables += 1;
                    self.table_elements = self.table_elements.max(table?.ty.initial);
                }
            }
            _ => self.add_to_scope(payload)?,
        }
        Ok(())
    }

    /// The end of a module or component. Of the outermost nothing is forgotten: it is to be judged.
    fn close(&mut self) {
        if self.open.len() > 1
            && let Some(closed) = self.open.pop()
            && closed.is_component
            && let Some(around) = self.open.last_mut()
        {
            around.components.push(closed.weight);
        }
    }

    /// What makes instances, and what gives components a number by which they can be instantiated.
    fn add_to_scope(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        if let Payload::ComponentAliasSection(aliases) = payload {
            for alias in aliases.clone() {
                let weight = match alias? {
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => Weight::UNKNOWN,
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                        let around = self.open.iter().rev().nth(count as usize);
                        around.map_or(Weight::UNKNOWN, |scope| scope.weight_of(index))
                    }
                    _ => continue,
                };
                self.open.last_mut().into_iter().for_each(|scope| scope.components.push(weight));
            }
            return Ok(());
        }
        let Some(scope) = self.open.last_mut() else { return Ok(()) };
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances.clone() {
                    if matches!(instance?, Instance::Instantiate { .. }) {
                        scope.weight.add(Weight { core_instances: 1, component_instances: 0 });
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.clone() {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        scope.weight.add(Weight { core_instances: 0, component_instances: 1 });
                        scope.weight.add(scope.weight_of(component_index));
                    }
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports.clone() {
                    if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                        scope.components.push(Weight::UNKNOWN);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports.clone() {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        scope.components.push(scope.weight_of(export.index));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether what has been read up to now is within the limits.
    pub(super) fn judge(&self, max_memory: usize) -> Result<(), Refusal> {
        let weight = self.open.last().map(|scope| scope.weight).unwrap_or_default();
        let limits = [
            ("core instances", weight.core_instances, CORE_INSTANCES.into()),
            ("component instances", weight.component_instances, COMPONENT_INSTANCES),
            ("functions", self.functions, FUNCTIONS),
            ("globals", self.globals, GLOBALS),
            ("linear memories", self.memories, MEMORIES.into()),
            ("tables", self.tables, TABLES.into()),
            ("elements in a table", self.table_elements, TABLE_ELEMENTS.into()),
            ("bytes of memory from the start", self.memory_bytes, max_memory as u64),
        ];
        let beyond = limits.into_iter().find(|(_, count, max)| count > max);
        beyond.map_or(Ok(()), |(what, count, max)| Err(Refusal::TooMany { what: Cow::Borrowed(what), count, max }))
    }
}
