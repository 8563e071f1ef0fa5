//! The plugins of the tutorial, in Rust and in JavaScript, side by side on the same call: two components, one host.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{PATIENCE, Setup, World, component};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request: method, path, body.
type Request = (String, String, String);

/// A CRM that takes plain JSON: it knows one caller, and gives every call an id.
async fn serve(crm: TcpListener, requests: Arc<Mutex<Vec<Request>>>) {
    while let Ok((socket, _)) = crm.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let _ = answer(socket, &requests).await;
        });
    }
}

async fn answer(mut socket: TcpStream, requests: &Mutex<Vec<Request>>) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let (request, length) = loop {
            let text = String::from_utf8_lossy(&buffer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let lower = head.to_ascii_lowercase();
                let size = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                let size: usize = size.unwrap_or(0);
                if body.len() >= size {
                    let mut words = head.split(' ');
                    let (method, path) = (words.next().context("method")?, words.next().context("path")?);
                    break ((method.to_owned(), path.to_owned(), body[..size].to_owned()), head.len() + 4 + size);
                }
            }
            let mut part = [0; 4096];
            let read = socket.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&part[..read]);
        };
        buffer.drain(..length);
        let is_about_users = request.1.contains("/users");
        let result = match request.0.as_str() {
            "GET" if is_about_users => r#"{"users":[],"next":null}"#,
            "GET" => r#"[{"id":"88","name":"Ana Lima"}]"#,
            _ => r#"{"id":"call-1"}"#,
        };
        if !is_about_users {
            // The directory is asked for whenever the host likes.
            requests.lock().expect("no panic elsewhere").push(request);
        }
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", result.len());
        socket.write_all(format!("{head}{result}").as_bytes()).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_in_rust_and_javascript_work_side_by_side_on_the_same_call() -> Result<()> {
    let mut more = String::new();
    let mut crms = Vec::new();
    for name in ["first-plugin-rust", "first-plugin-js"] {
        let crm = TcpListener::bind("127.0.0.1:0").await?;
        let address = crm.local_addr()?;
        more.push_str(&format!(
            "[plugin.{name}]\ncomponent = \"{}\"\nallow.http = [\"http://{address}\"]\n\
             credentials.crm = {{ kind = \"base-url\", value = \"http://{address}/api/{name}-secret/\" }}\n",
            component(&format!("{name}.wasm"))?.display()
        ));
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        tokio::spawn(serve(crm, requests.clone()));
        crms.push((name, requests));
    }
    let world = World::start(Setup { more, ..Setup::default() }).await?;
    world.play("a", 0.0).await?;
    for (name, requests) in &crms {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while requests.lock().expect("no panic elsewhere").len() < 2 {
            ensure!(tokio::time::Instant::now() < deadline, "{name} did not do its work; log:\n{}", world.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let requests = requests.lock().expect("no panic elsewhere").clone();
        let [look_up, write] = requests.as_slice() else { anyhow::bail!("{name}: {requests:?}") };
        ensure!(
            look_up.0 == "GET" && look_up.1 == format!("/api/{name}-secret/contacts?phone=%2B494066969101"),
            "{look_up:?}"
        );
        ensure!(write.0 == "POST" && write.1 == format!("/api/{name}-secret/calls"), "{write:?}");
        let entry: Value = serde_json::from_str(&write.2)?;
        ensure!(
            entry["contact"] == "88" && entry["agent"] == "201" && entry["outcome"] == "answered",
            "{name}: {entry}"
        );
        ensure!(entry["text"] == "Inbound call +49 40 66969101", "{name}: {entry}");
    }
    world.portal_shows("the third plugin's work", |state| state["calls"][0]["finished"].is_object()).await?;
    Ok(())
}
