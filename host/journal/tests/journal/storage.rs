use hookswitch_call::Millis;
use hookswitch_journal::{
    Error,
    storage::{Content, Entry, KEY, Key, PAGE, Put, Quota, Refusal, Scope, VALUE},
};

use crate::world::{World, accepted, call, reference};

fn key(name: &str) -> Key {
    Key { plugin: "crm".to_owned(), scope: Scope::Plugin, name: name.to_owned() }
}

fn text(value: &str) -> Put {
    Put { value: Content::Text(value.to_owned()), expected: None, expires: None }
}

impl World {
    async fn put_at(&self, key: &Key, put: Put, quota: Quota, now: u64) -> Result<u64, Refusal> {
        let key = key.clone();
        self.journal.write(move |txn| txn.put(&key, &put, quota, Millis(now))).await.unwrap()
    }

    async fn put(&self, key: &Key, put: Put) -> Result<u64, Refusal> {
        self.put_at(key, put, Quota::default(), 0).await
    }

    async fn delete(&self, key: &Key, expected: Option<u64>) -> Result<bool, Refusal> {
        let key = key.clone();
        self.journal.write(move |txn| txn.delete(&key, expected, Millis(0))).await.unwrap()
    }

    async fn get(&self, key: &Key, now: u64) -> Option<Entry> {
        let key = key.clone();
        self.journal.read(move |view| view.get(&key, Millis(now))).await.unwrap()
    }

    async fn keys(&self, prefix: &'static str, after: Option<&'static str>, limit: u32) -> Vec<String> {
        self.journal.read(move |view| view.keys("crm", &Scope::Plugin, prefix, after, limit, Millis(0))).await.unwrap()
    }
}

#[tokio::test]
async fn text_and_bytes_come_back_as_they_were_put() {
    let world = World::new();
    let bytes = Content::Bytes(vec![0, 255, 65]);
    world.put(&key("text"), text("grüße")).await.unwrap();
    world.put(&key("bytes"), Put { value: bytes.clone(), expected: None, expires: None }).await.unwrap();
    world.put(&key("empty"), text("")).await.unwrap();
    for number in ["5501", "007", "1e3", "-0.50"] {
        world.put(&key(number), text(number)).await.unwrap();
    }
    let world = world.restart().await;
    for number in ["5501", "007", "1e3", "-0.50"] {
        assert_eq!(world.get(&key(number), 0).await.unwrap().value, Content::Text(number.to_owned()));
    }
    assert_eq!(world.get(&key("text"), 0).await.unwrap().value, Content::Text("grüße".to_owned()));
    assert_eq!(world.get(&key("bytes"), 0).await.unwrap().value, bytes);
    assert_eq!(world.get(&key("empty"), 0).await.unwrap().value, Content::Text(String::new()));
    assert_eq!(world.get(&key("never"), 0).await, None);
}

#[tokio::test]
async fn a_write_that_expects_another_revision_is_refused_and_told_which_one_is_there() {
    let world = World::new();
    let key = key("cursor");
    let expecting = |revision| Put { expected: Some(revision), ..text("x") };
    let refused = world.put(&key, expecting(5)).await;
    assert_eq!(refused, Err(Refusal::Conflict { there: 0, expected: 5 }));
    let first = world.put(&key, expecting(0)).await.unwrap();
    assert!(first > 0);
    assert_eq!(world.put(&key, expecting(0)).await, Err(Refusal::Conflict { there: first, expected: 0 }));
    let second = world.put(&key, expecting(first)).await.unwrap();
    assert!(second > first);
    assert_eq!(world.put(&key, expecting(first)).await, Err(Refusal::Conflict { there: second, expected: first }));
    assert_eq!(world.delete(&key, Some(first)).await, Err(Refusal::Conflict { there: second, expected: first }));
    assert_eq!(world.delete(&key, Some(second)).await, Ok(true));
    assert_eq!(world.delete(&key, None).await, Ok(false));
    let third = world.put(&key, expecting(0)).await.unwrap();
    assert!(third > second, "a removed key does not begin again: {third}");
}

#[tokio::test]
async fn of_many_writers_that_expect_the_same_revision_one_wins() {
    let world = World::new();
    let revision = world.put(&key("lease"), text("free")).await.unwrap();
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let journal = world.journal.clone();
            tokio::spawn(async move {
                let put = Put { expected: Some(revision), ..text(&number.to_string()) };
                journal.write(move |txn| txn.put(&key("lease"), &put, Quota::default(), Millis(0))).await.unwrap()
            })
        })
        .collect();
    let mut winners = 0;
    for writer in writers {
        winners += u32::from(writer.await.unwrap().is_ok());
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn an_expired_key_is_not_there() {
    let world = World::new();
    let put = Put { expires: Some(Millis(100)), ..text("short") };
    let revision = world.put(&key("ttl"), put).await.unwrap();
    assert!(world.get(&key("ttl"), 99).await.is_some());
    assert_eq!(world.get(&key("ttl"), 100).await, None);
    let listed = world.journal.read(|view| view.keys("crm", &Scope::Plugin, "", None, 10, Millis(100))).await.unwrap();
    assert_eq!(listed, Vec::<String>::new());
    let again = Put { expected: Some(0), ..text("again") };
    assert!(world.put_at(&key("ttl"), again, Quota::default(), 100).await.unwrap() > revision);
}

#[tokio::test]
async fn plugins_and_scopes_do_not_see_each_other() {
    let world = World::new();
    world.accept(accepted(call("c1", 100), 1..=1, vec![])).await;
    world.accept(accepted(call("c2", 100), 1..=1, vec![])).await;
    let scoped = |chain: &str| Key { scope: Scope::Call(reference(chain)), ..key("k") };
    world.put(&key("k"), text("plugin")).await.unwrap();
    world.put(&scoped("c1"), text("call")).await.unwrap();
    assert_eq!(world.get(&key("k"), 0).await.unwrap().value, Content::Text("plugin".to_owned()));
    assert_eq!(world.get(&scoped("c1"), 0).await.unwrap().value, Content::Text("call".to_owned()));
    assert_eq!(world.get(&scoped("c2"), 0).await, None);
    assert_eq!(world.get(&Key { plugin: "other".to_owned(), ..key("k") }, 0).await, None);
    assert_eq!(world.delete(&scoped("c2"), None).await, Ok(false));
    assert_eq!(world.delete(&scoped("c1"), None).await, Ok(true));
    assert!(world.get(&key("k"), 0).await.is_some());

    let unknown = scoped("never");
    let error =
        world.journal.write(move |txn| txn.put(&unknown, &text("x"), Quota::default(), Millis(0))).await.unwrap_err();
    assert!(matches!(error, Error::UnknownCall(_)), "{error}");
}

#[tokio::test]
async fn keys_are_listed_in_order_by_prefix_page_by_page() {
    let world = World::new();
    for name in ["b", "a_2", "a_10", "a", "ab", "ä", "a%"] {
        world.put(&key(name), text("")).await.unwrap();
    }
    assert_eq!(world.keys("", None, 10).await, ["a", "a%", "a_10", "a_2", "ab", "b", "ä"]);
    assert_eq!(world.keys("a_", None, 10).await, ["a_10", "a_2"]);
    assert_eq!(world.keys("a", Some("a_10"), 10).await, ["a_2", "ab"]);
    assert_eq!(world.keys("a", None, 2).await, ["a", "a%"]);
    assert_eq!(world.keys("ä", None, 10).await, ["ä"]);
    assert_eq!(world.keys("c", None, PAGE + 1).await, Vec::<String>::new());
}

#[tokio::test]
async fn keys_and_values_beyond_the_bounds_are_refused() {
    let world = World::new();
    let long = |length| key(&"k".repeat(length));
    assert!(world.put(&long(KEY), text("")).await.is_ok());
    assert_eq!(world.put(&long(KEY + 1), text("")).await, Err(Refusal::Key(KEY + 1)));
    assert_eq!(world.put(&key(""), text("")).await, Err(Refusal::Key(0)));
    assert!(world.put(&key("v"), text(&"v".repeat(VALUE))).await.is_ok());
    assert_eq!(world.put(&key("v"), text(&"v".repeat(VALUE + 1))).await, Err(Refusal::Value(VALUE + 1)));
}

#[tokio::test]
async fn a_plugin_keeps_no_more_than_its_quota_and_expired_keys_do_not_count() {
    let world = World::new();
    let quota = Quota { keys: 2, bytes: 20 };
    let ttl = Put { expires: Some(Millis(100)), ..text("1234") };
    world.put_at(&key("a"), ttl, quota, 0).await.unwrap();
    world.put_at(&key("b"), text("1234"), quota, 0).await.unwrap();
    assert_eq!(world.put_at(&key("c"), text("1"), quota, 0).await, Err(Refusal::Keys(2)));
    let larger = world.put_at(&key("b"), text("123456789012345"), quota, 0).await;
    assert_eq!(larger, Err(Refusal::Bytes { wanted: 21, allowed: 20 }));
    world
        .put_at(&key("b"), text("12345678901234"), quota, 0)
        .await
        .expect("exactly the quota, in place of the old value");
    let other = Key { plugin: "other".to_owned(), ..key("c") };
    world.put_at(&other, text("1"), quota, 0).await.expect("another plugin has its own quota");
    world.put_at(&key("c"), text("1234"), quota, 100).await.expect("the first key has expired by now");
    assert_eq!(world.put_at(&key("d"), text("1"), quota, 100).await, Err(Refusal::Keys(2)));
    world.delete(&key("b"), None).await.unwrap();
    world.put_at(&key("d"), text("1"), quota, 100).await.expect("room was made");
}
