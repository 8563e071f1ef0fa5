//! From bytes to a component that is ready to be called.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::{
    Component, Engine, Refusal,
    compile::{self, Bounds, Code},
    engine::Shared,
    inspect::inspect,
    text::clean,
};

pub(crate) const REASON_BYTES: usize = 2 << 10;

/// Identifies a component by its bytes (BLAKE3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash(blake3::Hash);

impl Hash {
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// In hexadecimal digits.
impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a component is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("cannot compile the component: {0}")]
    Compile(#[from] compile::Failure),
    /// An import or export has the right name and another form.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
    /// It does not even start.
    #[error("the component does not start: {0}")]
    Start(crate::CallError),
    #[error("cannot load the compiled component: {0}")]
    Host(String),
}

impl Engine {
    /// Loads a component: judges its bytes, compiles them or takes the code from the cache, links the imports, and
    /// starts one instance with every import denied, so that what is wrong with it is known now and not at the first
    /// call.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Component, LoadError> {
        let bytes: Arc<[u8]> = bytes.into();
        let hash = blake3::hash(&bytes);
        let code = match self.known(hash, bytes.clone()).await? {
            Some(code) => code,
            None => self.compile(hash, bytes).await?,
        };
        let engine = self.clone();
        let component = blocking(move || {
            let component = match deserialize(&engine.shared.wasm, &code) {
                Ok(component) => component,
                Err(error) => return Err(LoadError::Host(format!("{error:#}"))),
            };
            let pre = engine.shared.linker.instantiate_pre(&component);
            let pre = pre.map_err(|error| LoadError::Contract(clean(&format!("{error:#}"), REASON_BYTES)))?;
            Component::new(engine, pre, Hash(hash))
        })
        .await?;
        component.try_out().await?;
        Ok(component)
    }

    /// Judges the bytes, and looks into the cache.
    async fn known(&self, hash: blake3::Hash, bytes: Arc<[u8]>) -> Result<Option<Code>, LoadError> {
        let shared = self.shared.clone();
        blocking(move || {
            inspect(&bytes, shared.options.component_bytes, shared.options.memory_bytes)?;
            Ok(shared.cache.as_ref().and_then(|cache| cache.get(hash)))
        })
        .await
    }

    /// Compiles, and puts the code into the cache.
    async fn compile(&self, hash: blake3::Hash, bytes: Arc<[u8]>) -> Result<Code, LoadError> {
        let shared = self.shared.clone();
        let Ok(_turn) = self.shared.compiling.acquire().await else {
            return Err(LoadError::Host("the engine is closed".into()));
        };
        let code = if shared.options.compiler.is_empty() {
            let shared = shared.clone();
            blocking(move || Ok(compile::here(&shared.wasm, &bytes)?)).await?
        } else {
            let bounds =
                Bounds { memory_bytes: shared.options.compile_memory_bytes, time: shared.options.compile_time };
            let expected = compile::engine_hash(&shared.wasm);
            compile::in_child(&shared.options.compiler, bounds, expected, &bytes).await?
        };
        blocking(move || {
            keep(&shared, hash, &code);
            Ok(code)
        })
        .await
    }
}

fn keep(shared: &Shared, hash: blake3::Hash, code: &Code) {
    if let Some(cache) = &shared.cache
        && let Err(error) = cache.put(hash, code)
    {
        tracing::warn!(component = %hash, %error, "cannot keep a compiled plugin: it will be compiled at every start");
    }
}

/// Makes a component of compiled code. The one spot of the program that is not safe by type.
#[allow(unsafe_code)]
fn deserialize(engine: &wasmtime::Engine, code: &Code) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: the bytes must come from wasmtime's own compiler. `Code` is made in two places only: from the answer of a
    // compiler that this host has started, and from a cache file whose seal only this host's key can have made.
    unsafe { wasmtime::component::Component::deserialize(engine, &code.0) }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(LoadError::Host(error.to_string())))
}
