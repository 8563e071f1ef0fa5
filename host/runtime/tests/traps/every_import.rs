//! Every function that a plugin can import, its `wasi:` stand-ins included, with every argument at its edges.
//!
//! The guest is made from the interfaces: `manifest` gets a text that says which import to call with which core values,
//! and what to write into memory before.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use bolero::check;
use hookswitch_runtime::{CallError, Component, Limits};
use tokio::{runtime::Runtime, time::timeout};
use wit_parser::{Resolve, WorldId, WorldItem, abi::AbiVariant, abi::WasmType};

use crate::{
    SOON, blames_the_guest, engine,
    guest::{Guest, componentize},
    services::{Strict, WALL},
    tests,
};

tests!(
    every_integer_argument_of_every_import_at_its_edges,
    any_arguments_in_any_combination,
    giant_texts_and_lists_to_every_import,
);

const WORLD: &str = "package test:guest; world guest {
    include hookswitch:plugin/imports@0.1.0;
    include wasi:cli/imports@0.2.12;
    include wasi:http/imports@0.2.12;
    export hookswitch:plugin/plugin@0.1.0;
}";

/// Where the guest keeps what it is told: the number of the import, its arguments (8 bytes each), and behind them what
/// the test wants in memory.
const TOLD: u32 = 8_192;
const ARGUMENTS: usize = 20;
const IMAGE: u32 = TOLD + 8 * (1 + ARGUMENTS as u32);
/// Where results go.
const RESULT: u32 = 24_576;

/// One import, by its core signature.
#[derive(Clone, Debug)]
struct Import {
    module: String,
    name: String,
    params: Vec<WasmType>,
    results: Vec<WasmType>,
}

impl Import {
    /// Values that are no harm: handles of streams, short texts, empty lists.
    fn benign(&self) -> Vec<u64> {
        let pointers = self.params.iter().filter(|param| matches!(param, WasmType::Pointer)).count();
        let mut seen = 0;
        let value = |(place, param): (usize, &WasmType)| match param {
            // The last pointer is as a rule where the result goes.
            WasmType::Pointer | WasmType::PointerOrI64 => {
                seen += 1;
                u64::from(if seen == pointers { RESULT } else { IMAGE })
            }
            WasmType::Length => 1,
            _ if place == 0 && self.name.contains("input-stream") => 3,
            _ if place == 0 && self.name.contains("pollable") => 4,
            _ if place == 0 && self.name.starts_with("[method]") => 1,
            _ => 0,
        };
        self.params.iter().enumerate().map(value).collect()
    }
}

fn imports(resolve: &Resolve, world: WorldId) -> Vec<Import> {
    let mut imports = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else { continue };
        for (name, function) in &resolve.interfaces[*id].functions {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let module = resolve.name_world_key(key);
            imports.push(Import { module, name: name.clone(), params: signature.params, results: signature.results });
        }
    }
    imports
}

fn core_type(ty: &WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

/// The guest's core module.
fn module(imports: &[Import], pages: u32) -> String {
    let list = |types: &[WasmType]| types.iter().map(core_type).collect::<Vec<_>>().join(" ");
    let mut declared = String::new();
    let mut calls = String::new();
    for (number, Import { module, name, params, results }) in imports.iter().enumerate() {
        declared += &format!(
            "(import \"{module}\" \"{name}\" (func $f{number} (param {}) (result {})))\n",
            list(params),
            list(results)
        );
        let argument = |(place, ty): (usize, &WasmType)| {
            format!("({}.load (i32.const {}))", core_type(ty), TOLD as usize + 8 * (place + 1))
        };
        let arguments: String = params.iter().enumerate().map(argument).collect();
        let forget = "(drop)".repeat(results.len());
        calls += &format!(
            "(if (i32.eq (local.get $which) (i32.const {number})) (then (call $f{number} {arguments}) {forget}))\n"
        );
    }
    // Handles 1 to 4, as `Import::benign` knows them.
    let number_of = |wanted: &str| imports.iter().position(|import| import.name == wanted).expect("it is imported");
    let handles: String = ["get-stdout", "get-stderr", "get-stdin"]
        .map(|name| format!("(drop (call $f{}))", number_of(name)))
        .into_iter()
        .chain([format!("(drop (call $f{} (i64.const 0)))", number_of("subscribe-duration"))])
        .collect();
    // The text of the only file, two letters for each byte.
    let manifest = format!(
        "(local $from i32) (local $end i32) (local $to i32) (local $which i32)
        (local.set $from (i32.load offset=8 (local.get 0)))
        (local.set $end (i32.add (local.get $from) (i32.load offset=12 (local.get 0))))
        (local.set $to (i32.const {TOLD}))
        (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
            (i32.store8 (local.get $to) (i32.or
                (i32.shl (i32.sub (i32.load8_u (local.get $from)) (i32.const 97)) (i32.const 4))
                (i32.sub (i32.load8_u offset=1 (local.get $from)) (i32.const 97))))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))
            (local.set $from (i32.add (local.get $from) (i32.const 2)))
            (br $next)))
        {handles}
        (local.set $which (i32.load (i32.const {TOLD})))
        {calls}
        (i32.const 128)"
    );
    Guest { imports: declared, manifest, pages, ..Guest::default() }.core()
}

/// The guest, ready to be told what to call.
struct Caller {
    component: Component,
    imports: Vec<Import>,
}

impl Caller {
    async fn new(pages: u32) -> Self {
        let mut found = Vec::new();
        let bytes = componentize(WORLD, |resolve, world| {
            found = imports(resolve, world);
            wat::parse_str(module(&found, pages)).expect("the guest is well-formed")
        });
        let component = engine().load(bytes).await.unwrap_or_else(|error| panic!("{error}"));
        Self { component, imports: found }
    }

    /// Calls import `which`. Gives the error, if the guest did not survive it.
    async fn call(&self, which: usize, arguments: &[u64], image: &[u8]) -> Option<CallError> {
        let mut told = vec![which as u64];
        told.extend(arguments);
        told.resize(1 + ARGUMENTS, 0);
        let told = told.iter().flat_map(|value| value.to_le_bytes()).chain(image.iter().copied());
        let text: String = told.flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half)).collect();
        let limits = Limits { wall: WALL, guest_cpu: Some(Duration::from_secs(5)), ..Limits::default() };
        let job = Strict::default().job_within(limits);
        let files = vec![("call".to_owned(), text)];
        let called = timeout(SOON, self.component.manifest(job, &files)).await;
        let import = &self.imports[which];
        let outcome = called.unwrap_or_else(|_| panic!("{}.{} {arguments:?} hangs", import.module, import.name));
        let error = outcome.result.err()?;
        assert!(blames_the_guest(&error), "{}.{} {arguments:?}: {error}", import.module, import.name);
        Some(error)
    }
}

/// Every border at which a number changes its meaning.
const EDGES: [u64; 22] = [
    0,
    1,
    2,
    3,
    0x7f,
    0x80,
    0xff,
    0x100,
    1_000,
    1_001,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x10_0000,
    0x10_0001,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

async fn every_integer_argument_of_every_import_at_its_edges() {
    // Room for an answer of a mebibyte.
    let caller = Caller::new(40).await;
    assert!(caller.imports.len() > 200, "only {} imports", caller.imports.len());
    let (mut calls, mut fatal) = (0, 0);
    for (which, import) in caller.imports.iter().enumerate() {
        // The image is all zero: a text of a NUL, a record of empty fields. Of what cannot be had, such as a socket, there is no handle that a guest could pass.
        let benign = caller.call(which, &import.benign(), &[]).await;
        let lacks_a_handle = |error: &CallError| error.to_string().contains("handle index");
        let is_well = benign.as_ref().is_none_or(lacks_a_handle) || ends_the_call(import);
        assert!(is_well, "{import:?}: {benign:?}");
        for place in 0..import.params.len() {
            for edge in EDGES {
                let mut arguments = import.benign();
                arguments[place] = edge;
                fatal += u32::from(caller.call(which, &arguments, &[]).await.is_some());
                calls += 1;
            }
        }
    }
    println!("{} imports, {calls} calls, of which {fatal} were the guest's last", caller.imports.len());
}

fn ends_the_call(import: &Import) -> bool {
    import.name.starts_with("exit") || import.name.starts_with("[static]")
}

async fn any_arguments_in_any_combination() {
    // The fuzzer is no task, and drives an executor of its own.
    std::thread::spawn(fuzz).join().expect("nothing breaks the host");
}

fn fuzz() {
    let runtime = runtime();
    let caller = runtime.block_on(Caller::new(4));
    let seconds = std::env::var("HOOKSWITCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    // Each argument is an edge, an address in the image, or any number; the image is words of the same kind.
    let word = |(kind, number): &(u8, u64)| match kind % 4 {
        0 => EDGES[(number % EDGES.len() as u64) as usize],
        1 => u64::from(IMAGE) + number % 64 * 4,
        2 => number % 16,
        _ => *number,
    };
    let calls = AtomicU32::new(0);
    let test = AssertUnwindSafe((&caller, &runtime, &calls));
    let generator = check!().with_type::<(u16, Vec<(u8, u64)>, Vec<(u8, u64)>)>();
    generator.with_test_time(Duration::from_secs(seconds)).for_each(|(which, arguments, image)| {
        let (caller, runtime, calls) = *test;
        let which = usize::from(*which) % caller.imports.len();
        let mut words = caller.imports[which].benign();
        words.iter_mut().zip(arguments).for_each(|(benign, given)| *benign = word(given));
        let image: Vec<u8> = image.iter().take(500).flat_map(|it| (word(it) as u32).to_le_bytes()).collect();
        runtime.block_on(caller.call(which, &words, &image));
        calls.fetch_add(1, Relaxed);
    });
    println!("{} calls with any arguments", calls.load(Relaxed));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts")
}

async fn giant_texts_and_lists_to_every_import() {
    // 96 MiB of memory, all zero: a text of NULs, a list of empty texts or of empty pairs.
    let caller = Caller::new(1_536).await;
    let (mut calls, mut slowest) = (0, Duration::ZERO);
    for (which, import) in caller.imports.iter().enumerate() {
        for place in (0..import.params.len()).filter(|place| matches!(import.params[*place], WasmType::Length)) {
            for length in [40_000, 1 << 20, 8 << 20, 64 << 20, 0xffff_fff8] {
                let mut arguments = import.benign();
                // The image is far below; behind the first MiB everything is zero.
                arguments[place - 1] = 1 << 20;
                arguments[place] = length;
                let began = Instant::now();
                caller.call(which, &arguments, &[]).await;
                slowest = slowest.max(began.elapsed());
                calls += 1;
            }
        }
    }
    println!("{calls} calls with giant texts and lists, the slowest took {slowest:?}");
    // `http.send` gets its request in memory: 40,000 headers, the same name each, and one value of a mebibyte.
    let send = caller.imports.iter().position(|import| import.name == "send").expect("it is imported");
    for headers in [40_000_u32, 65] {
        let mut request = [0_u32; 32];
        request[4] = 1 << 20;
        request[5] = headers;
        let image: Vec<u8> = request.iter().flat_map(|word| word.to_le_bytes()).collect();
        let died = caller.call(send, &[IMAGE.into(), RESULT.into()], &image).await;
        assert!(died.is_none(), "{headers} headers are answered with an error inside the guest: {died:?}");
    }
    // One header: its name is at 1 MiB, and so is its value.
    let mut request = [0_u32; 40];
    request[4] = IMAGE + 4 * 32;
    request[5] = 1;
    request[32..36].copy_from_slice(&[1 << 20, 4, 1 << 20, 1 << 20]);
    let image: Vec<u8> = request.iter().flat_map(|word| word.to_le_bytes()).collect();
    let died = caller.call(send, &[IMAGE.into(), RESULT.into()], &image).await;
    assert!(died.is_none(), "a header of a mebibyte is answered with an error inside the guest: {died:?}");
}
