use hookswitch_call::Millis;
use hookswitch_journal::directory::{Directory, User};

use crate::world::World;

fn directory(fetched: u64, ids: &[&str]) -> Directory {
    let user = |id: &&str| User {
        id: (*id).to_owned(),
        name: format!("Agent {id}"),
        email: format!("{id}@example.com"),
        extensions: vec!["201".to_owned(), "+49 30 1".to_owned()],
        active: *id != "2",
    };
    Directory { fetched: Millis(fetched), users: ids.iter().map(user).collect() }
}

#[tokio::test]
async fn the_last_directory_of_each_plugin_survives_a_restart() {
    let world = World::new();
    for (plugin, directory) in
        [("crm", directory(1, &["1"])), ("other", directory(2, &[])), ("crm", directory(3, &["2", "1"]))]
    {
        world.journal.write(move |txn| txn.put_directory(plugin, &directory)).await.unwrap();
    }
    let world = world.restart().await;
    let read = |plugin: &'static str| world.journal.read(move |view| view.directory(plugin));
    assert_eq!(read("crm").await.unwrap(), Some(directory(3, &["2", "1"])));
    assert_eq!(read("other").await.unwrap(), Some(directory(2, &[])));
    assert_eq!(read("never").await.unwrap(), None);
}
