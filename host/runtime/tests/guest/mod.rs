//! Guests written by hand, and a world for them to live in.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hookswitch_runtime::{
    Component, Engine, Job, Limits, Options, Services,
    contract::{Content, Fields, http, logging},
};
use tokio::sync::Semaphore;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component made of a core module in text form, with the contract around it.
pub struct Guest {
    /// Lines of the world, such as `import hookswitch:plugin/logging@0.1.0;`.
    pub world: String,
    /// Core imports.
    pub imports: String,
    /// Further contents of the core module.
    pub module: String,
    pub pages: u32,
    /// What gives the host room for what it brings; leaves an address.
    pub realloc: String,
    /// What the functions of `plugin` do. Each body leaves the address of its result.
    pub manifest: String,
    pub prepare: String,
    pub check: String,
}

/// Addresses of ready results in the guest's memory: `ok` without a value, an empty list, and the text "{}".
pub const OK: &str = "(i32.const 64)";
pub const OK_EMPTY: &str = "(i32.const 96)";
pub const OK_TEXT: &str = "(i32.const 128)";

/// Room behind 32 KiB, which is never given back.
const REALLOC: &str = "(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

impl Default for Guest {
    fn default() -> Self {
        Self {
            world: String::new(),
            imports: String::new(),
            module: String::new(),
            pages: 1,
            realloc: REALLOC.into(),
            manifest: OK_TEXT.into(),
            prepare: OK.into(),
            check: OK_EMPTY.into(),
        }
    }
}

impl Guest {
    /// A guest whose `prepare` does something and then returns ok.
    pub fn preparing(body: &str) -> Self {
        Self { prepare: format!("{body} {OK}"), ..Self::default() }
    }

    /// A guest that may send HTTP requests: its function `$send` sends one without saying more than that.
    pub fn sending(prepare: &str) -> Self {
        Self {
            world: "import hookswitch:plugin/http@0.1.0;".into(),
            imports: r#"(import "hookswitch:plugin/http@0.1.0" "send" (func $raw_send (param i32 i32)))"#.into(),
            // The request lies at 2048, all zero: empty method, URL, lists and body.
            module: "(func $send (call $raw_send (i32.const 2048) (i32.const 4096)))".into(),
            ..Self::preparing(prepare)
        }
    }

    /// A guest that may log: its memory at 1024 holds `text`, and `$log` logs it without fields at level info.
    pub fn logging(text: &str, prepare: &str) -> Self {
        let data: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        Self {
            world: "import hookswitch:plugin/logging@0.1.0;".into(),
            imports: r#"(import "hookswitch:plugin/logging@0.1.0" "log"
                (func $raw_log (param i32 i32 i32 i32 i32)))"#
                .into(),
            module: format!(
                r#"(data (i32.const 1024) "{data}")
                (func $log (param $length i32)
                    (call $raw_log (i32.const 1) (i32.const 1024) (local.get $length) (i32.const 0) (i32.const 0)))"#
            ),
            ..Self::preparing(prepare)
        }
    }

    pub fn core(&self) -> String {
        let Self { imports, module, pages, realloc, manifest, prepare, check, .. } = self;
        format!(
            r#"(module
                {imports}
                (memory (export "memory") {pages})
                (data (i32.const 136) "\c8\00\00\00\02\00\00\00")
                (data (i32.const 200) "{{}}")
                (global $free (mut i32) (i32.const 32768))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    {realloc})
                (func $manifest (export "hookswitch:plugin/plugin@0.1.0#manifest") (param i32 i32) (result i32)
                    {manifest})
                (func $prepare (export "hookswitch:plugin/plugin@0.1.0#prepare") (result i32) {prepare})
                (func $check (export "hookswitch:plugin/plugin@0.1.0#check") (result i32) {check})
                {module})"#
        )
    }

    pub fn component(&self) -> Vec<u8> {
        let world =
            format!("package test:guest; world guest {{ {} export hookswitch:plugin/plugin@0.1.0; }}", self.world);
        componentize(&world, |_, _| wat::parse_str(self.core()).expect("the guest is well-formed"))
    }
}

/// Makes a component of a core module and the text of a world in the package `test:guest`.
pub fn componentize(world: &str, core: impl FnOnce(&Resolve, wit_parser::WorldId) -> Vec<u8>) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    resolve.push_dir(root.join("../../wit/0.1.0")).expect("the contract parses");
    for package in ["io", "clocks", "random", "filesystem", "sockets", "cli", "http"] {
        let path = root.join("tests/wasi-wit").join(package).with_extension("wit");
        resolve.push_file(path).expect("WASI's own files parse");
    }
    let package = resolve.push_str("guest.wit", world).expect("the world parses");
    let world = resolve.select_world(&[package], Some("guest")).expect("the world is there");
    let mut module = core(&resolve, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the world can be embedded");
    ComponentEncoder::default().module(&module).expect("the module fits").encode().expect("the component is valid")
}

/// What the world of a job saw, and how it behaves.
#[derive(Clone)]
pub struct World {
    pub log: Arc<Mutex<Vec<(logging::Level, String, Fields)>>>,
    /// `send` waits until it gets a permit here.
    pub answers: Arc<Semaphore>,
    /// And for so long.
    pub delay: Duration,
    /// How many requests have been begun.
    pub begun: Arc<Semaphore>,
    pub now_ms: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            log: Arc::default(),
            answers: Arc::new(Semaphore::new(0)),
            delay: Duration::ZERO,
            begun: Arc::new(Semaphore::new(0)),
            now_ms: 1_700_000_000_000,
        }
    }
}

#[async_trait]
impl Services for World {
    async fn send(&mut self, _: http::Request) -> Result<http::Response, http::Error> {
        self.begun.add_permits(1);
        self.answers.acquire().await.expect("never closed").forget();
        tokio::time::sleep(self.delay).await;
        Ok(http::Response { status: 200, headers: Vec::new(), body: Content::Text(String::new()) })
    }

    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }

    fn log(&mut self, level: logging::Level, message: &str, fields: &Fields) {
        self.log.lock().expect("not poisoned").push((level, message.into(), fields.clone()));
    }
}

impl World {
    pub fn job(&self) -> Job {
        self.job_within(Limits::default())
    }

    pub fn job_within(&self, limits: Limits) -> Job {
        Job {
            services: Box::new(self.clone()),
            limits,
            attempt: 1,
            key_base: "job".into(),
            seed: [7; 32],
            grace: hookswitch_runtime::Grace::default(),
        }
    }

    pub fn messages(&self) -> Vec<String> {
        self.log.lock().expect("not poisoned").iter().map(|(_, message, _)| message.clone()).collect()
    }
}

/// An engine with room for few instances, which compiles in this process.
pub fn engine() -> Engine {
    engine_for(4)
}

pub fn engine_for(instances: u32) -> Engine {
    Engine::new(Options { instances, ..Options::default() }).expect("the engine starts")
}

pub async fn load(engine: &Engine, guest: &Guest) -> Component {
    engine.load(guest.component()).await.expect("the guest loads")
}
