//! Answers made from a function's type: nothing is there, and everything is refused.

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource, ResourceAny, Type, Val},
};

use super::Handle;
use crate::state::State;

const NO_STAND_IN: &str = "this function of WASI has no stand-in in this host";

/// How WASI's error types spell "you may not", the best first. `HTTP-request-denied` is `wasi:http`'s.
const REFUSALS: &[&str] = &["access-denied", "access", "not-permitted", "not-supported", "HTTP-request-denied"];

/// Values within one answer: nothing in WASI has more. The type is the guest's word for it, and could be one of a million
/// fields.
const VALUES: u32 = 200;

/// Links a function that gives the inert value of its result type, whatever its arguments.
pub(super) fn function(instance: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    instance.func_new_async(name, |mut store: StoreContextMut<'_, State>, function, arguments, results| {
        Box::new(async move {
            let _host = store.data_mut().enter()?;
            let mut lent = Vec::new();
            arguments.iter().for_each(|argument| find_handles(argument, &mut lent));
            // A call is not over before it has given back what it was lent.
            for handle in lent {
                handle.resource_drop_async(&mut store).await?;
            }
            let mut answer = Answer { store, room: VALUES };
            for (result, ty) in results.iter_mut().zip(function.results()) {
                *result = answer.value(&ty)?;
            }
            Ok(())
        })
    })
}

/// Finds the handles in an argument.
fn find_handles(argument: &Val, found: &mut Vec<ResourceAny>) {
    match argument {
        Val::Resource(handle) => found.push(*handle),
        Val::List(values) | Val::Tuple(values) => values.iter().for_each(|value| find_handles(value, found)),
        Val::Record(fields) => fields.iter().for_each(|(_, value)| find_handles(value, found)),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) | Val::Result(Ok(Some(value)) | Err(Some(value))) => {
            find_handles(value, found);
        }
        _ => {}
    }
}

/// An answer in the making.
struct Answer<'a> {
    store: StoreContextMut<'a, State>,
    /// How many more values it may have.
    room: u32,
}

impl Answer<'_> {
    /// The inert value of a type: empty, zero or none; of a result its error; of an error a refusal.
    fn value(&mut self, ty: &Type) -> wasmtime::Result<Val> {
        self.room = self.room.checked_sub(1).ok_or_else(|| wasmtime::Error::msg(NO_STAND_IN))?;
        Ok(match ty {
            Type::Bool => Val::Bool(false),
            Type::S8 => Val::S8(0),
            Type::U8 => Val::U8(0),
            Type::S16 => Val::S16(0),
            Type::U16 => Val::U16(0),
            Type::S32 => Val::S32(0),
            Type::U32 => Val::U32(0),
            Type::S64 => Val::S64(0),
            Type::U64 => Val::U64(0),
            Type::String => Val::String(String::new()),
            Type::List(_) => Val::List(Vec::new()),
            Type::Option(_) => Val::Option(None),
            Type::Flags(_) => Val::Flags(Vec::new()),
            Type::Record(ty) => {
                let fields = ty.fields().map(|field| Ok((field.name.to_owned(), self.value(&field.ty)?)));
                Val::Record(fields.collect::<wasmtime::Result<_>>()?)
            }
            Type::Tuple(ty) => Val::Tuple(ty.types().map(|ty| self.value(&ty)).collect::<wasmtime::Result<_>>()?),
            Type::Result(ty) => {
                let error = ty.err().map(|ty| self.value(&ty)).transpose()?;
                Val::Result(Err(error.map(Box::new)))
            }
            Type::Enum(ty) => Val::Enum(refusal(ty.names())?),
            Type::Variant(ty) => {
                let cases = ty.cases().filter(|case| case.ty.is_none()).map(|case| case.name);
                Val::Variant(refusal(cases)?, None)
            }
            Type::Own(_) => Val::Resource(Resource::<Handle>::new_own(0).try_into_resource_any(&mut self.store)?),
            _ => return Err(wasmtime::Error::msg(NO_STAND_IN)),
        })
    }
}

/// The name that comes nearest to a refusal.
fn refusal<'a>(names: impl Iterator<Item = &'a str>) -> wasmtime::Result<String> {
    let names: Vec<_> = names.collect();
    let refusal = REFUSALS.iter().find(|refusal| names.contains(refusal)).or(names.first());
    refusal.map(|name| (*name).to_owned()).ok_or_else(|| wasmtime::Error::msg(NO_STAND_IN))
}
