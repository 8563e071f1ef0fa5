//! How names and types of the contract are written: in WIT, and in the languages of plugins.

use wit_parser::{Function, Resolve, Type, TypeDefKind, TypeOwner};

/// How types with a name are called.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Names {
    /// `call`.
    Plain,
    /// `types.call`: where it is defined, whatever `use` calls it.
    Qualified,
}

/// `func(number: number, call: option<call>) -> result<list<contact>, failure>`.
pub(crate) fn signature(resolve: &Resolve, function: &Function, names: Names) -> String {
    let parameters: Vec<String> =
        function.params.iter().map(|param| format!("{}: {}", param.name, wit(resolve, &param.ty, names))).collect();
    let result = function.result.as_ref().map(|ty| format!(" -> {}", wit(resolve, ty, names))).unwrap_or_default();
    format!("func({}){result}", parameters.join(", "))
}

/// A type as WIT writes it where it is used.
pub(crate) fn wit(resolve: &Resolve, ty: &Type, names: Names) -> String {
    let text = match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(id) => return resolve.types.get(*id).map_or_else(String::new, |found| defined(resolve, found, names)),
    };
    text.to_owned()
}

fn defined(resolve: &Resolve, found: &wit_parser::TypeDef, names: Names) -> String {
    let Some(name) = &found.name else { return wit_kind(resolve, &found.kind, names) };
    if names == Names::Plain {
        return name.clone();
    }
    // A name that only comes from another interface is the same type by another way.
    if let TypeDefKind::Type(Type::Id(origin)) = &found.kind
        && let Some(origin) = resolve.types.get(*origin)
        && origin.owner != found.owner
    {
        return defined(resolve, origin, names);
    }
    match found.owner {
        TypeOwner::Interface(id) => {
            let owner = resolve.interfaces.get(id).and_then(|interface| interface.name.as_deref());
            format!("{}.{name}", owner.unwrap_or_default())
        }
        TypeOwner::World(_) | TypeOwner::None => name.clone(),
    }
}

/// A type that has no name of its own.
pub(crate) fn wit_kind(resolve: &Resolve, kind: &TypeDefKind, names: Names) -> String {
    let name = |ty: &Type| wit(resolve, ty, names);
    let side = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), &name);
    match kind {
        TypeDefKind::List(of) => format!("list<{}>", name(of)),
        TypeDefKind::Option(of) => format!("option<{}>", name(of)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", name(ok)),
            (ok, err) => format!("result<{}, {}>", side(ok), side(err)),
        },
        TypeDefKind::Type(of) => name(of),
        other => other.as_str().to_owned(),
    }
}

/// `by-number` as JavaScript writes it: `byNumber`.
pub(crate) fn camel(name: &str) -> String {
    let upper = pascal(name);
    let first = upper.chars().next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(upper.chars().skip(1)).collect()
}

/// `in-doubt` as types and cases are written: `InDoubt`.
pub(crate) fn pascal(name: &str) -> String {
    let capital = |word: &str| {
        let first = word.chars().next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(word.chars().skip(1)).collect::<String>()
    };
    name.split('-').map(capital).collect()
}

/// `by-number` as Python and Rust write it: `by_number`.
pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_each_language_does() {
        assert_eq!((camel("by-number"), snake("by-number")), ("byNumber".to_owned(), "by_number".to_owned()));
        assert_eq!((camel("e164"), pascal("in-doubt")), ("e164".to_owned(), "InDoubt".to_owned()));
    }
}
