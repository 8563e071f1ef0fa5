//! Opening the store: which key, whose files, and what is never overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hookswitch_gate::Kept;
use hookswitch_keys::{KeySource, Store, StoreError};

use crate::world::open;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn key_file(folder: &Path, name: &str, content: &str) -> KeySource {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    set_mode(&path, 0o600);
    KeySource::File(path)
}

async fn keep_something(data: &Path, key: &KeySource) {
    let store = Store::open(data, key).unwrap();
    let secret = Kept { mask: "mask".into(), value: "value".into(), origins: Vec::new() };
    store.vault("crm").unwrap().keep(secret).await.unwrap();
}

/// All files and what is in them.
fn contents(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(data.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

fn refusal(data: &Path, key: &KeySource) -> StoreError {
    Store::open(data, key).err().expect("it opens")
}

#[tokio::test]
async fn everything_is_for_the_owner_alone() {
    let data = tempfile::tempdir().unwrap();
    keep_something(data.path(), &KeySource::Own).await;
    let keys = data.path().join("keys");
    assert_eq!(mode(&keys), 0o700);
    let files = contents(data.path());
    assert_eq!(files.len(), 4, "{files:?}");
    for (file, _) in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        for wider in [0o640, 0o604, 0o660] {
            set_mode(&file, wider);
            let error = refusal(data.path(), &KeySource::Own).to_string();
            assert!(error.contains(&format!("chmod 600 {}", file.display())), "{error}");
        }
        set_mode(&file, 0o600);
    }
    set_mode(&keys, 0o750);
    let error = refusal(data.path(), &KeySource::Own).to_string();
    assert!(error.contains("mode 750") && error.contains(&format!("chmod 700 {}", keys.display())), "{error}");
    set_mode(&keys, 0o700);
    open(data.path());
}

#[tokio::test]
async fn another_key_is_recognised_and_nothing_is_touched() {
    let data = tempfile::tempdir().unwrap();
    let right = key_file(data.path(), "right", HEX);
    let wrong = key_file(data.path(), "wrong", OTHER);
    keep_something(data.path(), &right).await;
    let before = contents(data.path());
    for key in [&wrong, &KeySource::Own] {
        let error = refusal(data.path(), key);
        assert!(matches!(error, StoreError::WrongKey { .. } | StoreError::Missing { .. }), "{error}");
        assert_eq!(contents(data.path()), before);
    }
    assert!(refusal(data.path(), &wrong).to_string().contains("give the former key"));
    assert_eq!(Store::open(data.path(), &right).unwrap().vault("crm").unwrap().kept().len(), 1);

    // Also where the check value is lost.
    fs::remove_file(data.path().join("keys/check")).unwrap();
    assert!(matches!(refusal(data.path(), &wrong), StoreError::WrongKey { .. }));
    Store::open(data.path(), &right).unwrap();
    assert!(matches!(refusal(data.path(), &wrong), StoreError::WrongKey { .. }));
}

#[tokio::test]
async fn the_stores_own_key_is_made_once() {
    let data = tempfile::tempdir().unwrap();
    keep_something(data.path(), &KeySource::Own).await;
    let own = data.path().join("keys/key");
    let key = fs::read(&own).unwrap();
    drop(open(data.path()));
    assert_eq!(fs::read(&own).unwrap(), key);
    fs::remove_file(&own).unwrap();
    let error = refusal(data.path(), &KeySource::Own);
    assert!(matches!(&error, StoreError::Missing { path } if *path == own), "{error}");
    assert!(!own.exists(), "a new key was made, which opens nothing");
    fs::write(&own, "short").unwrap();
    set_mode(&own, 0o600);
    assert!(matches!(refusal(data.path(), &KeySource::Own), StoreError::Key(_)));
}

#[tokio::test]
async fn damage_is_named_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    keep_something(data.path(), &KeySource::Own).await;
    let vault = data.path().join("keys/crm.vault");
    let whole = fs::read(&vault).unwrap();
    for at in [0, 20, whole.len() - 1] {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        fs::write(&vault, &bent).unwrap();
        let store = open(data.path());
        let error = store.vault("crm").err().unwrap().to_string();
        assert!(error.contains("crm.vault is damaged"), "{error}");
        assert_eq!(fs::read(&vault).unwrap(), bent);
    }
    for content in [b"".as_slice(), &whole[..30]] {
        fs::write(&vault, content).unwrap();
        let store = open(data.path());
        assert!(matches!(store.vault("crm").err().unwrap(), StoreError::Damaged { .. }));
    }
    fs::write(&vault, [b"hookswitch-keys 2\n".as_slice(), &whole[18..]].concat()).unwrap();
    let store = open(data.path());
    assert!(matches!(store.vault("crm").err().unwrap(), StoreError::Newer { .. }));
    drop(store);

    // A file under another's name is not taken for its own.
    fs::write(&vault, &whole).unwrap();
    let other = data.path().join("keys/other.vault");
    fs::copy(&vault, &other).unwrap();
    let store = open(data.path());
    assert!(matches!(store.vault("other").err().unwrap(), StoreError::Damaged { .. }));
    drop(store);

    let check = data.path().join("keys/check");
    let mut bent = fs::read(&check).unwrap();
    bent[3] ^= 1;
    fs::write(&check, &bent).unwrap();
    let error = refusal(data.path(), &KeySource::Own);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn one_process_has_it_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    assert!(matches!(refusal(data.path(), &KeySource::Own), StoreError::InUse { .. }));
    let vault = store.vault("crm").unwrap();
    drop(store);
    assert!(matches!(refusal(data.path(), &KeySource::Own), StoreError::InUse { .. }), "a vault can still be written");
    drop(vault);
    open(data.path());
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_cleared_away() {
    let data = tempfile::tempdir().unwrap();
    keep_something(data.path(), &KeySource::Own).await;
    let left = data.path().join("keys/crm.vault.new");
    fs::write(&left, "half").unwrap();
    let store = open(data.path());
    assert!(!left.exists());
    assert_eq!(store.vault("crm").unwrap().kept().len(), 1);
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    for bad in ["", "../crm", "a.b", "a/b", "ä", &"x".repeat(101)] {
        assert!(matches!(store.vault(bad).err().unwrap(), StoreError::Name { .. }), "{bad}");
    }
}

#[test]
fn a_key_that_is_not_there_or_none_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let said = |key: KeySource| refusal(data.path(), &key).to_string();
    assert!(said(KeySource::Env("NO_SUCH_KEY".into())).contains("NO_SUCH_KEY"));
    assert!(said(KeySource::Credential("../x".into())).contains("plain file name"));
    assert!(said(KeySource::File(data.path().join("none"))).contains("none"));
    assert!(said(key_file(data.path(), "short", "secret")).contains("openssl rand -base64 32"));
    let readable = key_file(data.path(), "open", HEX);
    set_mode(&data.path().join("open"), 0o644);
    assert!(said(readable).contains("chmod 600"));
    let parsed: KeySource = serde_json::from_str(r#"{"credential": "hookswitch-key"}"#).unwrap();
    assert_eq!(parsed, KeySource::Credential("hookswitch-key".into()));
}

/// The key of the environment and of the service manager, in a process that has them.
#[test]
fn a_key_comes_from_the_environment_or_the_service_manager() {
    let data = tempfile::tempdir().unwrap();
    let file = key_file(data.path(), "hookswitch-key", &format!("{HEX}\n"));
    let expected = Store::open(data.path(), &file).unwrap().mask_key();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "opening::as_a_process_with_a_key", "--nocapture"])
        .env("KEYS_TEST_DATA", data.path())
        .env("KEYS_TEST_KEY", HEX)
        .env("CREDENTIALS_DIRECTORY", data.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert_eq!(said.matches(&format!("{expected:?}")).count(), 2, "{said}");
}

#[test]
fn as_a_process_with_a_key() {
    let Some(data) = std::env::var_os("KEYS_TEST_DATA") else { return };
    let data = Path::new(&data);
    // The service manager's own files may be open to whom it likes.
    set_mode(&data.join("hookswitch-key"), 0o440);
    for key in [KeySource::Env("KEYS_TEST_KEY".into()), KeySource::Credential("hookswitch-key".into())] {
        println!("{:?}", Store::open(data, &key).unwrap().mask_key());
    }
}
