//! Answers made from a function's type: nothing is there, and everything is refused.

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource, Type, Val},
};

use super::Handle;
use crate::state::State;

/// How WASI's error types spell "you may not", the best first. `HTTP-request-denied` is `wasi:http`'s.
const REFUSALS: &[&str] = &["access-denied", "access", "not-permitted", "not-supported", "HTTP-request-denied"];

/// Links a function that gives the inert value of its result type, whatever its arguments.
pub(super) fn function(instance: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    let full_name = name.to_owned();
    instance.func_new(name, move |mut store, function, _, results| {
        let _host = store.data_mut().enter()?;
        for (result, ty) in results.iter_mut().zip(function.results()) {
            *result = value(&mut store, &ty)
                .ok_or_else(|| wasmtime::Error::msg(format!("WASI's `{full_name}` has no stand-in in this host")))??;
        }
        Ok(())
    })
}

/// The inert value of a type: empty, zero or none; of a result its error; of an error a refusal. None for a type that
/// WASI 0.2 does not return.
fn value(store: &mut StoreContextMut<'_, State>, ty: &Type) -> Option<wasmtime::Result<Val>> {
    Some(Ok(match ty {
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
        Type::Enum(ty) => Val::Enum(refusal(ty.names())?.to_owned()),
        Type::Own(_) => return Some(handle(store)),
        Type::Record(ty) => {
            let mut fields = Vec::new();
            for field in ty.fields() {
                match value(store, &field.ty)? {
                    Ok(value) => fields.push((field.name.to_owned(), value)),
                    Err(error) => return Some(Err(error)),
                }
            }
            Val::Record(fields)
        }
        Type::Tuple(ty) => match ty.types().map(|ty| value(store, &ty)).collect::<Option<wasmtime::Result<_>>>()? {
            Ok(values) => Val::Tuple(values),
            Err(error) => return Some(Err(error)),
        },
        Type::Variant(ty) => {
            let name = refusal(ty.cases().filter(|case| case.ty.is_none()).map(|case| case.name))?;
            Val::Variant(name.to_owned(), None)
        }
        Type::Result(ty) => match ty.err().map(|ty| value(store, &ty)) {
            None => Val::Result(Err(None)),
            Some(error) => match error? {
                Ok(error) => Val::Result(Err(Some(Box::new(error)))),
                Err(error) => return Some(Err(error)),
            },
        },
        _ => return None,
    }))
}

/// The name that comes nearest to a refusal.
fn refusal<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<_> = names.collect();
    REFUSALS.iter().find_map(|refusal| names.iter().find(|name| *name == refusal)).or(names.first()).copied()
}

fn handle(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<Val> {
    Ok(Val::Resource(Resource::<Handle>::new_own(0).try_into_resource_any(store)?))
}
