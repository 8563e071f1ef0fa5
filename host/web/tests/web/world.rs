//! A server that notes what reaches its handler, and clients that say what they like.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookswitch_web::{Handler, Limits, Options, Request, Response, Server, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn options() -> Options {
    Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: None,
        trusted_proxies: vec![],
        limits: Limits { rate: 100_000.try_into().unwrap(), burst: 100_000.try_into().unwrap(), ..Limits::default() },
    }
}

pub(crate) fn with(change: impl FnOnce(&mut Limits)) -> Options {
    let mut options = options();
    change(&mut options.limits);
    options
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) handler: Arc<Recorder>,
}

/// Answers `METHOD PATH?QUERY BODY`; `/panic` panics, `/wait` waits for `go`, `/hang` waits for ever.
#[derive(Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<Request>>,
    /// Wakes who waits for requests.
    arrived: Notify,
    go: Go,
}

struct Go(Semaphore);

impl Default for Go {
    fn default() -> Go {
        Go(Semaphore::new(0))
    }
}

#[async_trait]
impl Handler for Recorder {
    async fn answer(&self, request: Request) -> Response {
        self.seen.lock().unwrap().push(request.clone());
        self.arrived.notify_waiters();
        match request.path.as_str() {
            "/panic" => panic!("as it was asked to"),
            "/hang" => std::future::pending().await,
            "/wait" => self.go.0.acquire().await.unwrap().forget(),
            "/odd" => {
                return Response::text(StatusCode::OK, "odd")
                    .with("content-length".parse().unwrap(), 99.into())
                    .with("transfer-encoding".parse().unwrap(), "chunked".parse().unwrap())
                    .with("server".parse().unwrap(), "me".parse().unwrap())
                    .with("cache-control".parse().unwrap(), "max-age=60".parse().unwrap());
            }
            "/empty" => return Response::new(StatusCode::NO_CONTENT),
            "/101" => return Response::new(StatusCode::SWITCHING_PROTOCOLS),
            _ => {}
        }
        let Request { method, path, query, body, .. } = &request;
        Response::text(StatusCode::OK, format!("{method} {path}?{query} {}", String::from_utf8_lossy(body)))
    }
}

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// What was seen since the last time.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The paths of what was seen.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.path).collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        timeout(DEADLINE, async {
            loop {
                let arrived = self.arrived.notified();
                if self.seen().len() >= count {
                    return;
                }
                // A request may have come between the two lines above.
                let _ = timeout(Duration::from_millis(50), arrived).await;
            }
        })
        .await
        .expect("the requests arrive");
    }

    pub(crate) fn go(&self) {
        self.go.0.add_permits(1);
    }
}

impl World {
    pub(crate) async fn new(options: Options) -> World {
        let server = Server::bind(options).await.unwrap();
        let (address, stop, handler) = (server.local_addr(), CancellationToken::new(), Arc::<Recorder>::default());
        let serving = tokio::spawn(server.serve(Arc::clone(&handler) as Arc<dyn Handler>, stop.clone()));
        World { address, stop, serving, handler }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        self.connect_from(Ipv4Addr::LOCALHOST.into()).await
    }

    /// Connects from another address of the loopback network.
    pub(crate) async fn connect_from(&self, source: IpAddr) -> Client<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source, 0)).unwrap();
        Client(socket.connect(self.address).await.unwrap())
    }

    /// Says something, hangs up, and gives all answers.
    pub(crate) async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        let _ = client.0.shutdown().await;
        client.rest().await
    }

    pub(crate) async fn is_well(&self) {
        let answer = self.say("GET /well HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

pub(crate) struct Client<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// What the server does not take any more is lost, as on any network.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
        let _ = self.0.flush().await;
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = async {
            let mut chunk = [0; 4096];
            // A reset after the answer is an end too.
            while let Ok(count @ 1..) = self.0.read(&mut chunk).await {
                bytes.extend_from_slice(&chunk[..count]);
            }
        };
        timeout(DEADLINE, read).await.expect("the server closes the connection");
        String::from_utf8(bytes).unwrap()
    }

    /// One answer, whose end its `content-length` says.
    pub(crate) async fn answer(&mut self) -> String {
        timeout(DEADLINE, async {
            let mut bytes = Vec::new();
            loop {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
                    if body.len() >= length.parse().unwrap() {
                        return text;
                    }
                }
                bytes.push(self.0.read_u8().await.expect("an answer"));
            }
        })
        .await
        .expect("an answer in time")
    }

    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes).await;
        self.answer().await
    }
}

/// One answer out of several.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a str,
}

/// All answers in a text, which must be well formed, each as long as it says. Not for answers to HEAD.
#[track_caller]
pub(crate) fn answers(mut text: &str) -> Vec<Answer<'_>> {
    let mut answers = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("a head without an end: {text}"));
        let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let first =
            first.strip_prefix("HTTP/1.1 ").or(first.strip_prefix("HTTP/1.0 ")).unwrap_or_else(|| panic!("{first}"));
        let status =
            first.split_once(' ').and_then(|(status, _)| status.parse().ok()).unwrap_or_else(|| panic!("{first}"));
        let headers: Vec<_> = if headers.is_empty() { vec![] } else { headers.split("\r\n").collect() };
        assert!(headers.iter().all(|line| line.contains(": ") && !line.contains(['\r', '\n'])), "{head}");
        let lengths: Vec<_> = headers.iter().filter_map(|line| line.strip_prefix("content-length: ")).collect();
        let length = match (status, lengths.as_slice()) {
            (100 | 204, []) => 0,
            (200.., [length]) => length.parse().unwrap(),
            _ => panic!("{head}"),
        };
        let (body, after) = rest.split_at_checked(length).unwrap_or_else(|| panic!("a body that breaks off: {text}"));
        answers.push(Answer { status, head, body });
        text = after;
    }
    answers
}

/// The statuses of all answers in a text.
#[track_caller]
pub(crate) fn statuses(text: &str) -> Vec<u16> {
    answers(text).iter().map(|answer| answer.status).collect()
}

/// An answer of the server itself, which closes the connection.
#[track_caller]
pub(crate) fn is_refusal(answer: &str, status: u16, reason: &str) {
    is_closing(answer, status);
    assert_eq!(answers(answer)[0].body, format!("{reason}\n"), "{answer}");
}

/// A refusal by `hyper`, which gives no reason.
#[track_caller]
pub(crate) fn is_bare_refusal(answer: &str, status: u16) {
    is_closing(answer, status);
    assert_eq!(answers(answer)[0].body, "", "{answer}");
}

/// One answer, which says that it is the last.
#[track_caller]
pub(crate) fn is_closing(answer: &str, status: u16) {
    assert_eq!(statuses(answer), [status], "{answer}");
    assert!(answers(answer)[0].head.contains("\r\nconnection: close"), "{answer}");
}
