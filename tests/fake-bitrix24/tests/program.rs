//! The program itself: its files, its control port, its lines, its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-bitrix24"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The value behind a name in the lines of the start.
    fn told(&mut self, name: &str) -> String {
        let line = self.line();
        line.strip_prefix(name).unwrap_or_else(|| panic!("{line:?} does not begin with {name}")).trim().to_owned()
    }

    fn terminate(mut self) -> (bool, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().success(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request over plain HTTP, answer's status and body.
fn http(method: &str, url: &str, body: &str) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap_or((url, ""));
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn state(control: &str) -> Value {
    serde_json::from_str(&http("GET", &format!("{control}/state"), "").1).unwrap()
}

#[test]
fn changes_are_told_line_by_line_and_the_end_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    let url_file = folder.path().join("webhook.url");
    std::fs::write(&seed, json!({"users": [{"ID": 12, "NAME": "Alice", "UF_PHONE_INNER": "101"}]}).to_string())
        .unwrap();
    let mut program =
        Program::start(&["--http", "--seed", seed.to_str().unwrap(), "--url-out", url_file.to_str().unwrap()]);
    let url = program.told("webhook");
    assert_eq!(std::fs::read_to_string(url_file).unwrap(), url);

    let register = "USER_PHONE_INNER=101&PHONE_NUMBER=%2B4930901820&TYPE=2&EXTERNAL_CALL_ID=1&CRM_CREATE=1";
    let (status, body) = http("POST", &format!("{url}telephony.externalcall.register"), register);
    assert_eq!(status, 200, "{body}");
    let id = serde_json::from_str::<Value>(&body).unwrap()["result"]["CALL_ID"].as_str().unwrap().to_owned();
    let finish = format!("CALL_ID={id}&USER_ID=12&DURATION=3");
    assert_eq!(http("POST", &format!("{url}telephony.externalcall.finish"), &finish).0, 200);
    assert_eq!(http("POST", &format!("{url}telephony.externalcall.finish"), &finish).0, 400);

    let lines: Vec<String> = (0..5).map(|_| program.line()).collect();
    let wanted = [
        "lead   401 created  +4930901820 - Incoming call",
        "card   101  Alice  +4930901820  lead 401",
        "gone   101  Alice  +4930901820",
        "call   inbound  answered   0:03  Alice             +4930901820  lead 401",
        "refuse telephony.externalcall.finish  400  Call is not found",
    ];
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line[9..].starts_with(wanted), "{line:?} has not {wanted:?}");
    }
    assert_eq!(program.terminate(), (true, String::new()));
}

#[test]
fn another_process_steers_the_portal_by_the_control_port() {
    let mut program = Program::start(&["--http", "--view", "none", "--control", "127.0.0.1:0"]);
    let url = program.told("webhook");
    let control = program.told("control");

    let seed = json!({"users": [{"ID": 12, "NAME": "Alice", "UF_PHONE_INNER": "101"}]}).to_string();
    assert_eq!(http("POST", &format!("{control}/seed"), &seed).0, 200);
    let fault = json!({"method": "profile", "times": 1, "effect": {"delay": 1}}).to_string();
    assert_eq!(http("POST", &format!("{control}/fault"), &fault).0, 200);
    assert_eq!(http("POST", &format!("{control}/fault"), r#"{"effect": "query-limit"}"#).0, 200);
    assert_eq!(http("GET", &format!("{url}profile"), "").0, 503);
    assert_eq!(http("DELETE", &format!("{control}/fault"), "").0, 200);
    assert_eq!(http("GET", &format!("{url}profile"), "").0, 200);
    assert_eq!(http("POST", &format!("{control}/advance"), r#"{"seconds": 60}"#).0, 200);
    let now = state(&control);
    assert_eq!(now["journal"].as_array().unwrap().len(), 2);
    assert_eq!(now["users"].as_array().unwrap().len(), 2);
    assert_eq!(http("POST", &format!("{control}/expire"), "").0, 200);
    assert_eq!(http("GET", &format!("{url}profile"), "").0, 403);
    assert_eq!(http("POST", &format!("{control}/reset"), "").0, 200);
    assert_eq!(state(&control)["journal"], json!([]));

    for (path, body) in [("seed", r#"{"people": []}"#), ("fault", r#"{"effect": "fire"}"#), ("advance", "x")] {
        let (status, text) = http("POST", &format!("{control}/{path}"), body);
        assert_eq!(status, 400, "{path}: {text}");
    }
    assert_eq!(http("GET", &format!("{control}/nothing"), "").0, 404);
    assert!(program.terminate().0);
}

#[test]
fn wrong_arguments_and_files_are_told_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    std::fs::write(&seed, r#"{"people": []}"#).unwrap();
    let seed = seed.to_str().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["--seed", seed], "people"),
        (&["--seed", "/nowhere/seed.json"], "cannot read /nowhere/seed.json"),
        (&["--bucket", "lots"], "write CAPACITY:RATE"),
        (&["--listen", "here"], "write ADDRESS:PORT or PORT"),
        (&["--control", "0.0.0.0:0", "--view", "none"], "needs a loopback address"),
    ];
    for (arguments, wanted) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_fake-bitrix24")).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(wanted), "{arguments:?}: {text}");
    }
}
