//! The program itself, as the demonstration runs it.

mod client;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use client::{Client, DEADLINE, path, trace};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ami-replay"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

async fn address(file: &Path) -> SocketAddr {
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file)
            && let Ok(addr) = text.parse()
        {
            return addr;
        }
        assert!(begun.elapsed() < DEADLINE, "the program never wrote {}", file.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn it_plays_to_the_first_client_that_logs_in_and_says_what_it_plays() {
    let file = std::env::temp_dir().join(format!("ami-replay-{}.addr", std::process::id()));
    let child = program()
        .args(["--listen", "127.0.0.1:0", "--user", "u", "--secret", "s", "--speed", "0", "--gap", "1ms"])
        .args(["--wait-for-login", "--addr-out"])
        .arg(&file)
        .args([path("a"), path("b")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut client = Client::connect(address(&file).await).await;
    client.send("Action: Login\r\nUsername: u\r\nSecret: s\r\n\r\n").await;
    client.until("Status: Fully Booted\r\n\r\n").await;
    let expected = [trace("a").broadcast_bytes(), trace("b").broadcast_bytes()].concat();
    assert!(client.rest().await == expected);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("playing b: ") && text.contains("played a: "), "{text}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    let a = path("a");
    let a = a.to_str().unwrap();
    for (arguments, explained) in [
        (vec!["no-such.ami", "--listen", "127.0.0.1:0"], "cannot read the trace no-such.ami"),
        (vec![a, "--fault", "drop"], "write drop@5s"),
        (vec![a, "--fault", "explode@5s"], "none of drop, drop-in-message"),
        (vec![a, "--boundaries", "every:0"], "every:BYTES"),
        (vec![a, "--speed=-1", "--listen", "127.0.0.1:0"], "--speed must be 0 or a positive number"),
    ] {
        let output = run(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(explained), "{arguments:?}: {text}");
    }
}

#[test]
fn the_help_teaches_by_example() {
    let text = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(text.contains("Examples:") && text.contains("--wait-for-login tests/traces/a.ami"), "{text}");
}
