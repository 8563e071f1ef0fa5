//! Compiled components are kept, and only what this host has compiled itself is loaded.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod guest;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use guest::{Guest, World};
use hookswitch_runtime::{Engine, Options};

/// An engine that cannot compile: what it loads came from the cache.
fn engine_without_compiler(data: &Path) -> Engine {
    let options =
        Options { data: Some(data.into()), compiler: vec!["/nonexistent/compiler".into()], ..Options::default() };
    Engine::new(options).unwrap()
}

fn engine(data: &Path) -> Engine {
    Engine::new(Options { data: Some(data.into()), ..Options::default() }).unwrap()
}

fn entries(data: &Path) -> Vec<PathBuf> {
    fs::read_dir(data.join("compiled")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

async fn works(engine: &Engine) -> bool {
    match engine.load(Guest::default().component()).await {
        Ok(component) => component.prepare(World::default().job()).await.result.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_component_is_compiled_once() {
    let data = tempfile::tempdir().unwrap();
    assert!(!works(&engine_without_compiler(data.path())).await, "nothing is there yet");
    assert!(works(&engine(data.path())).await);
    assert_eq!(entries(data.path()).len(), 1);
    assert!(works(&engine_without_compiler(data.path())).await, "it comes from the cache");
}

#[tokio::test]
async fn only_this_user_can_reach_key_and_code() {
    let data = tempfile::tempdir().unwrap();
    assert!(works(&engine(data.path())).await);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.path().join("compiled.key")), 0o600);
    assert_eq!(mode(&data.path().join("compiled")), 0o700);
    assert_eq!(mode(&entries(data.path())[0]), 0o600);
}

#[tokio::test]
async fn code_that_was_touched_is_never_loaded_and_compiled_again() {
    let data = tempfile::tempdir().unwrap();
    assert!(works(&engine(data.path())).await);
    let path = entries(data.path()).remove(0);
    let good = fs::read(&path).unwrap();
    let mut one_bit = good.clone();
    let middle = one_bit.len() / 2;
    one_bit[middle] ^= 1;
    let mut seal = good.clone();
    seal[0] ^= 1;
    for (what, bytes) in [
        ("one bit of the code", one_bit),
        ("one bit of the seal", seal),
        ("torn", good[..good.len() / 2].to_vec()),
        ("shorter than a seal", good[..7].to_vec()),
        ("empty", Vec::new()),
    ] {
        fs::write(&path, &bytes).unwrap();
        assert!(!works(&engine_without_compiler(data.path())).await, "{what}: it was loaded");
        assert!(works(&engine(data.path())).await, "{what}: it was not compiled again");
        assert_eq!(fs::read(&path).unwrap().len(), good.len(), "{what}: it was not replaced");
        assert!(works(&engine_without_compiler(data.path())).await, "{what}: the new one is not good");
    }
}

#[tokio::test]
async fn code_of_one_component_is_not_taken_for_another() {
    let data = tempfile::tempdir().unwrap();
    assert!(works(&engine(data.path())).await);
    let first = entries(data.path()).remove(0);
    let other = Guest { pages: 2, ..Guest::default() }.component();
    engine(data.path()).load(other.clone()).await.unwrap();
    let second = entries(data.path()).into_iter().find(|path| *path != first).unwrap();
    fs::copy(&first, &second).unwrap();
    assert!(engine_without_compiler(data.path()).load(other).await.is_err());
}

#[tokio::test]
async fn code_that_keeps_its_source_lines_is_not_taken_for_code_without_them() {
    let data = tempfile::tempdir().unwrap();
    let options = |compiler| Options { data: Some(data.path().into()), compiler, ..Options::default() };
    let nobody = || vec!["/nonexistent/compiler".into()];
    let lined = |compiler| Engine::new(Options { sources: Some("/".into()), ..options(compiler) }).unwrap();
    assert!(works(&engine(data.path())).await);
    assert!(!works(&lined(nobody())).await, "it took the code without lines");
    assert!(works(&lined(Vec::new())).await);
    assert_eq!(entries(data.path()).len(), 2);
    for engine in [lined(nobody()), engine_without_compiler(data.path())] {
        assert!(works(&engine).await, "both come from the cache");
    }
}

#[tokio::test]
async fn code_sealed_with_another_key_is_foreign() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(works(&engine(ours.path())).await);
    assert!(works(&engine(theirs.path())).await);
    let path = entries(ours.path()).remove(0);
    fs::copy(entries(theirs.path()).remove(0), &path).unwrap();
    assert!(!works(&engine_without_compiler(ours.path())).await);
}

#[tokio::test]
async fn a_key_that_others_could_read_is_replaced_and_its_code_with_it() {
    let data = tempfile::tempdir().unwrap();
    assert!(works(&engine(data.path())).await);
    let key = data.path().join("compiled.key");
    let before = fs::read(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!works(&engine_without_compiler(data.path())).await);
    assert_ne!(fs::read(&key).unwrap(), before);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&key, "short").unwrap();
    assert!(works(&engine(data.path())).await, "a damaged key is replaced too");
    assert_eq!(fs::read(&key).unwrap().len(), 32);
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    let options = Options { data: Some(file.clone()), ..Options::default() };
    let error = Engine::new(options).err().expect("a file is no directory");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[tokio::test]
async fn what_was_used_last_stays_and_the_rest_goes() {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(data.path());
    assert!(works(&engine).await);
    // Remains of older engines, none of them as young as what comes now.
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(1_000_000);
    for n in 0..200 {
        let path = data.path().join("compiled").join(format!("old-{n}"));
        fs::write(&path, "x").unwrap();
        fs::File::open(&path).unwrap().set_modified(long_ago).unwrap();
    }
    engine.load(Guest { pages: 2, ..Guest::default() }.component()).await.unwrap();
    assert_eq!(entries(data.path()).len(), 64);
    let started = Instant::now();
    assert!(works(&engine_without_compiler(data.path())).await, "the younger ones are still there");
    assert!(started.elapsed() < Duration::from_secs(10));
}
