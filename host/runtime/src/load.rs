//! From bytes to a component that is ready to be called.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::{
    Component, Engine, Refusal,
    compile::{self, Bounds, Code},
    engine::Shared,
    inspect::recognise,
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
    /// Loads a component: judges its bytes and compiles them, or takes the code from the cache, links the imports, and
    /// starts one instance with every import denied, so that what is wrong with it is known now and not at the first
    /// call.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Component, LoadError> {
        // Not as a slice, for which it would be copied: it may be large.
        let bytes = Arc::new(bytes);
        let hash = blake3::hash(&bytes);
        let code = match self.known(hash, bytes.clone()).await? {
            Some(code) => code,
            None => self.compile(hash, bytes).await?,
        };
        let engine = self.clone();
        let component = blocking(move || {
            let component = match deserialize(&engine.shared.wasm, &code) {
                Ok(component) => component,
                Err(error) => return Err(LoadError::Host(clean(&format!("{error:#}"), REASON_BYTES))),
            };
            let pre = engine.shared.linker.instantiate_pre(&component);
            let pre = pre.map_err(|error| LoadError::Contract(clean(&format!("{error:#}"), REASON_BYTES)))?;
            Component::new(engine, pre, Hash(hash))
        })
        .await?;
        component.try_out().await?;
        Ok(component)
    }

    /// Recognises the file, and looks into the cache.
    async fn known(&self, hash: blake3::Hash, bytes: Arc<Vec<u8>>) -> Result<Option<Code>, LoadError> {
        recognise(&bytes, self.shared.options.component_bytes)?;
        let shared = self.shared.clone();
        blocking(move || Ok(shared.cache.as_ref().and_then(|cache| cache.get(hash)))).await
    }

    /// Inspects and compiles, and puts the code into the cache.
    async fn compile(&self, hash: blake3::Hash, bytes: Arc<Vec<u8>>) -> Result<Code, LoadError> {
        let shared = self.shared.clone();
        let Ok(_turn) = self.shared.compiling.acquire().await else {
            return Err(LoadError::Host("the engine is closed".into()));
        };
        let options = &self.shared.options;
        let code = if options.compiler.is_empty() {
            let shared = shared.clone();
            blocking(move || compile::here(&shared.wasm, &bytes, shared.options.memory_bytes)).await?
        } else {
            let bounds = Bounds {
                process_bytes: options.compile_memory_bytes,
                time: options.compile_time,
                component_bytes: options.component_bytes,
                memory_bytes: options.memory_bytes,
                lines: self.tells_lines(),
            };
            compile::in_child(&options.compiler, bounds, compile::engine_hash(&shared.wasm), &bytes).await?
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
