//! The dial plan asks where callers go: by FastAGI over a real socket, as raw bytes, and by HTTP.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hookswitch_pbx::{
    Route,
    asterisk::{Agi, Config, Routing},
};
use hookswitch_web::{Bytes, HeaderMap, Method, Network, Request};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    DEADLINE, config,
    listener::{Always, Listener},
};

/// As Asterisk 22 words it, for `AGI(agi://127.0.0.1/route)`.
const HEAD: &str = "agi_network: yes\nagi_network_script: route\nagi_request: agi://127.0.0.1/route\n\
    agi_channel: PJSIP/trunk-provider-00000054\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1795230729.100\n\
    agi_version: 22.10.1\nagi_callerid: +494066969101\nagi_calleridname: unknown\nagi_callingpres: 0\n\
    agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: +493023125400\nagi_rdnis: unknown\n\
    agi_context: from-trunk\nagi_extension: +493023125400\nagi_priority: 2\nagi_enhanced: 0.0\nagi_accountcode: \n\
    agi_threadid: 139\n\n";

struct Office {
    /// Keeps the source running.
    _listener: Listener,
    agi: SocketAddr,
    router: Always,
}

fn ann() -> Always {
    Always { route: Route { name: Some("Ann \"A\" Example".into()), target: Some("201".into()) }, ..Always::default() }
}

async fn office(router: Always, network: &str, within: Duration) -> Office {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let agi = free.local_addr().expect("an address");
    drop(free);
    let networks = vec![Network::try_from(network.to_owned()).expect("a network")];
    let routing = Routing { agi: Some(Agi { listen: agi, networks }), secret: None, within };
    // Nobody is at the manager interface: questions are answered all the same.
    let config = Config { routing, ..config("127.0.0.1:9") };
    Office { _listener: Listener::with_router(config, router.clone()), agi, router }
}

impl Office {
    async fn connect(&self) -> BufReader<TcpStream> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match TcpStream::connect(self.agi).await {
                Ok(stream) => return BufReader::new(stream),
                Err(error) => assert!(Instant::now() < deadline, "nobody listens: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Plays the dial plan: each command is answered with the next of `answers`. What was commanded.
    async fn ask(&self, head: &str, answers: &[&str]) -> Vec<String> {
        let mut stream = self.connect().await;
        stream.write_all(head.as_bytes()).await.expect("an open connection");
        let mut commands = Vec::new();
        let exchange = async {
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                assert!(line.ends_with('\n') && !line.ends_with("\r\n"), "{line:?}");
                let answer = answers.get(commands.len()).copied().unwrap_or("200 result=1\n");
                commands.push(line.trim_end().to_owned());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        };
        timeout(DEADLINE, exchange).await.expect("an end");
        commands
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_question_is_answered_by_variables() {
    let office = office(ann(), "127.0.0.1", SECOND).await;
    let told = [
        r#"SET VARIABLE HOOKSWITCH_TARGET "201""#,
        r#"SET VARIABLE HOOKSWITCH_NAME "Ann \"A\" Example""#,
        r#"SET VARIABLE CALLERID(name) "Ann \"A\" Example""#,
    ];
    assert_eq!(office.ask(HEAD, &[]).await, told);
    let long = "520-Invalid command syntax.  Proper usage follows:\n Usage: SET VARIABLE <variablename> <value>\n520 End of proper usage.\n";
    assert_eq!(office.ask(HEAD, &[long, "510 Invalid or unknown command\n"]).await, told, "a refusal stops nothing");
    let question = office.router.asked.lock().unwrap()[0].clone();
    assert_eq!(question.call, Some("1795230729.100".into()));
    assert_eq!((question.external.as_deref(), question.line.as_str()), (Some("+494066969101"), "+493023125400"));
    let suppressed = HEAD.replace("agi_callerid: +494066969101", "agi_callerid: unknown");
    let with_argument = suppressed.replace("\n\n", "\nagi_arg_1: +4930\n\n");
    office.ask(&with_argument, &[]).await;
    let question = office.router.asked.lock().unwrap()[2].clone();
    assert_eq!((question.external, question.line.as_str()), (None, "+4930"));
}

#[tokio::test]
async fn nothing_known_empties_the_variables_and_leaves_the_name_alone() {
    let office = office(Always::default(), "127.0.0.0/8", SECOND).await;
    let told = office.ask(HEAD, &[]).await;
    assert_eq!(told, [r#"SET VARIABLE HOOKSWITCH_TARGET """#, r#"SET VARIABLE HOOKSWITCH_NAME """#]);
}

#[tokio::test]
async fn an_answer_that_is_late_is_the_empty_one_in_time() {
    let slow = Always { after: Some(Duration::from_secs(60)), ..ann() };
    let office = office(slow, "127.0.0.1", Duration::from_millis(200)).await;
    drop(office.connect().await);
    let began = Instant::now();
    let told = office.ask(HEAD, &[]).await;
    assert_eq!(told, [r#"SET VARIABLE HOOKSWITCH_TARGET """#, r#"SET VARIABLE HOOKSWITCH_NAME """#]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_route_that_would_mean_something_else_in_the_dial_plan_is_left_out() {
    for target in ["201&SIP/evil", "201,20,g(x)", "${SHELL(id)}", "20 1", "201\nHANGUP", ""] {
        let router = Always { route: Route { name: None, target: Some(target.into()) }, ..Always::default() };
        let office = office(router, "127.0.0.1", SECOND).await;
        let told = office.ask(HEAD, &[]).await;
        assert_eq!(told[0], r#"SET VARIABLE HOOKSWITCH_TARGET """#, "{target:?}");
    }
}

#[tokio::test]
async fn who_may_not_ask_and_who_speaks_nonsense_is_told_nothing() {
    let elsewhere = office(ann(), "192.0.2.0/24", SECOND).await;
    assert!(elsewhere.ask(HEAD, &[]).await.is_empty());
    let office = office(ann(), "127.0.0.1", SECOND).await;
    let endless = "agi_network: yes\n".repeat(5000);
    let long = HEAD.replace("\n\n", &format!("\nagi_arg_2: {}\n\n", "y".repeat(20_000)));
    for head in [
        "GET /route HTTP/1.1\r\nHost: x\r\n\r\n",
        "\n",
        endless.as_str(),
        long.as_str(),
        &HEAD.replace("script: route", "script: other"),
        &HEAD.replace("agi_network: yes\n", ""),
        // Half of it, and then silence.
        &HEAD[..100],
    ] {
        assert!(office.ask(head, &[]).await.is_empty(), "{:?}", &head[..head.len().min(80)]);
    }
    assert!(office.router.asked.lock().unwrap().is_empty());
    assert_eq!(office.ask(HEAD, &[]).await.len(), 3, "and others are answered as ever");
}

#[tokio::test]
async fn a_caller_who_hangs_up_meanwhile_ends_the_answer() {
    let office = office(ann(), "127.0.0.1", SECOND).await;
    assert_eq!(office.ask(HEAD, &["HANGUP\n"]).await.len(), 1);
    let mut stream = office.connect().await;
    stream.write_all(HEAD.as_bytes()).await.expect("an open connection");
    drop(stream);
    // An answer that goes on for ever, and one that never comes.
    assert_eq!(office.ask(HEAD, &[&" more\n".repeat(1000)]).await.len(), 1);
    let mut stream = office.connect().await;
    stream.write_all(HEAD.as_bytes()).await.expect("an open connection");
    let mut said = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut said)).await.expect("an end").expect("a close");
    assert_eq!(said.lines().count(), 1, "it waits for the answer to each command, but not for ever: {said}");
}

fn posted(method: Method, path: &str, fields: &str) -> Request {
    let (query, body) = if method == Method::GET { (fields, "") } else { ("", fields) };
    Request {
        source: [127, 0, 0, 1].into(),
        secure: true,
        method,
        path: path.into(),
        query: query.into(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

#[tokio::test]
async fn by_http_the_secret_is_needed_and_the_answer_is_a_form() {
    let routing = Routing { secret: Some("sesame".into()), ..Routing::default() };
    let router = ann();
    let listener = Listener::with_router(Config { routing, ..config("127.0.0.1:9") }, router.clone());
    let posts = listener.posts.clone().expect("posts are taken");
    let fields = "secret=sesame&caller=%2B494066969101&line=%2B4930&call=17.1";
    for method in [Method::POST, Method::GET] {
        let answer = posts.answer(posted(method, "/route", fields)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, "target=201&name=Ann+%22A%22+Example");
    }
    let question = router.asked.lock().unwrap()[0].clone();
    assert_eq!((question.external.as_deref(), question.line.as_str()), (Some("+494066969101"), "+4930"));
    assert_eq!(question.call, Some("17.1".into()));
    let many = "a=1&".repeat(2000) + fields;
    for (method, path, fields, status) in [
        (Method::POST, "/route", "caller=1", 403),
        (Method::POST, "/route", "secret=&caller=1", 403),
        (Method::POST, "/route", "secret=sesam&caller=1", 403),
        (Method::POST, "/route", "secret=wrong&secret=sesame", 403),
        (Method::POST, "/other", "caller=1", 403),
        (Method::POST, "/other", fields, 404),
        (Method::PUT, "/route", fields, 405),
        (Method::POST, "/route", many.as_str(), 400),
    ] {
        let answer = posts.answer(posted(method, path, fields)).await;
        assert_eq!(answer.status, status, "{fields}");
    }
    assert_eq!(router.asked.lock().unwrap().len(), 2, "nobody else was asked for");
}
