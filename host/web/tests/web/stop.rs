//! The end of a server.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{DEADLINE, World, options, statuses};

#[tokio::test]
async fn what_is_under_way_is_answered_and_nothing_new_is_begun() {
    let world = World::new(options()).await;
    let mut idle = world.connect().await;
    idle.ask("GET /idle HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut silent = world.connect().await;
    let mut busy = world.connect().await;
    // The second one in the row has not begun yet.
    busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    world.handler.wait_for(2).await;

    world.stop.cancel();
    assert_eq!(idle.rest().await, "");
    assert_eq!(silent.rest().await, "");
    timeout(DEADLINE, async {
        while TcpStream::connect(world.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("no new connections are taken");
    assert!(!world.serving.is_finished());

    world.handler.go();
    let answer = busy.rest().await;
    assert_eq!(statuses(&answer), [200]);
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    timeout(DEADLINE, world.serving).await.expect("the server ends").unwrap();
    assert_eq!(world.handler.paths(), ["/idle", "/wait"]);
}

#[tokio::test]
async fn what_does_not_end_is_broken_off() {
    let world = World::new(options()).await;
    let mut client = world.connect().await;
    client.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").await;
    world.handler.wait_for(1).await;
    world.stop.cancel();
    timeout(DEADLINE, world.serving).await.expect("the server ends").unwrap();
    assert_eq!(client.rest().await, "");
}
