//! Recordings of phone systems that want a token for them, before the source is started and beside its work.

use std::{io::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Manner, Sound};
use hookswitch_pbx::{
    Begin, Outlet, Question, Reach, Route, Router, Source, Unfetched,
    rostelecom::{self, Rostelecom},
    three_cx::{self, DialWith, Rules, Steps, ThreeCx},
    yeastar::{self, Directory, Events, Ground, Times, Yeastar},
};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use crate::links::fetch;

struct Nobody;

#[async_trait]
impl Router for Nobody {
    async fn route(&self, _: Question) -> Route {
        Route::default()
    }
}

/// Starts the source, and takes in what it says, until it is stopped.
fn start(source: Box<dyn Source>) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let (outlet, mut batches) = Outlet::new(16);
    let stop = CancellationToken::new();
    let begin = Begin {
        open: Vec::new(),
        recent: Vec::new(),
        newest: None,
        outlet,
        router: Arc::new(Nobody),
        stop: stop.clone(),
    };
    let work = source.start(begin).work;
    tokio::spawn(async move { while batches.recv().await.is_some() {} });
    (stop, tokio::spawn(work))
}

fn file_of(ca: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(ca.as_bytes()).unwrap();
    file
}

fn three_cx(pbx: &fake_3cx::Pbx, ca: &NamedTempFile, secret: &str) -> ThreeCx {
    ThreeCx::new(three_cx::Config {
        reach: Reach { base: pbx.url().parse().unwrap(), ca_file: Some(ca.path().to_owned()) },
        client_id: CLIENT_ID.to_owned(),
        client_secret: secret.to_owned().into(),
        rules: Rules::default(),
        dial_with: DialWith::Extension,
        steps: Steps::default(),
        patience: three_cx::Patience::default(),
        directory_every: None,
        recordings: false,
        transcripts: false,
        history: None,
    })
    .unwrap()
}

fn reference(id: u64) -> String {
    format!("/xapi/v1/Recordings/Pbx.DownloadRecording(recId={id})")
}

#[tokio::test]
async fn a_3cx_gives_a_recording_for_the_token_that_its_line_uses_and_a_refused_one_is_renewed_once() {
    let pbx = fake_3cx::Pbx::start(fake_3cx::Options::default()).await.unwrap();
    let ca = file_of(pbx.ca_pem());
    let sound: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 253) as u8).collect();
    let bytes = sound.len() as u64;
    pbx.state().sounds.insert(42, Sound { bytes: sound.clone(), manner: Manner::Whole });
    let source = three_cx(&pbx, &ca, CLIENT_SECRET);
    let recordings = source.recordings().unwrap();
    assert_eq!(fetch(&*recordings, &reference(42)).await, (Ok(bytes), sound.clone()));
    let (stop, work) = start(Box::new(source));
    pbx.wait_until("a socket", |state| state.connected() == 1).await.unwrap();
    assert_eq!(fetch(&*recordings, &reference(42)).await.0, Ok(bytes));
    assert_eq!(pbx.state().tokens_given, 1, "the line and recordings share it");
    // Somebody else took one, and ours is worth nothing: one new one.
    pbx.token_elsewhere();
    assert_eq!(fetch(&*recordings, &reference(42)).await, (Ok(bytes), sound));
    assert_eq!(pbx.state().tokens_given, 3);
    stop.cancel();
    work.await.unwrap();
    assert_eq!(fetch(&*recordings, &reference(42)).await.0, Ok(bytes), "after the end as well");
    assert!(pbx.state().complaints.is_empty(), "{:?}", pbx.state().complaints);
}

#[tokio::test]
async fn a_3cx_that_has_none_gives_none_or_breaks_off_is_told_apart() {
    let pbx = fake_3cx::Pbx::start(fake_3cx::Options::default()).await.unwrap();
    let ca = file_of(pbx.ca_pem());
    for (id, manner) in [(1, Manner::Cut), (2, Manner::Page)] {
        pbx.state().sounds.insert(id, Sound { bytes: vec![7; 100_000], manner });
    }
    let recordings = three_cx(&pbx, &ca, CLIENT_SECRET).recordings().unwrap();
    let of = async |file: &str| fetch(&*recordings, file).await.0;
    assert!(matches!(of(&reference(3)).await, Err(Unfetched::Missing(_))));
    assert!(matches!(of(&reference(1)).await, Err(Unfetched::Failed(text)) if text.contains("broke off")));
    assert!(matches!(of(&reference(2)).await, Err(Unfetched::Failed(text)) if text.contains("text/html")));
    pbx.state().faults.push(("DownloadRecording".to_owned(), 503));
    assert!(matches!(of(&reference(1)).await, Err(Unfetched::Failed(text)) if text.contains("503")));
    // Twice refused: the second time with a token that was given a moment ago.
    pbx.state().faults.extend(["DownloadRecording", "DownloadRecording"].map(|part| (part.to_owned(), 401)));
    assert!(matches!(of(&reference(1)).await, Err(Unfetched::Forbidden(text)) if text.contains("HTTP 401")));
    pbx.state().xapi = false;
    let forbidden = of(&reference(1)).await;
    assert!(
        matches!(&forbidden, Err(Unfetched::Forbidden(text)) if text.contains("Integrations > API")),
        "{forbidden:?}"
    );
    let before = pbx.state().requests.len();
    for file in ["7", "/xapi/v1/Users", "https://evil.example.com/a.wav", &format!("{}/../Users", reference(1))] {
        assert!(matches!(of(file).await, Err(Unfetched::Forbidden(_))), "{file}");
    }
    assert_eq!(pbx.state().requests.len(), before, "what is no recording is not asked for");
    let stranger = three_cx(&pbx, &ca, "wrong").recordings().unwrap();
    let refused = fetch(&*stranger, &reference(1)).await.0;
    assert!(matches!(&refused, Err(Unfetched::Forbidden(text)) if text.contains("client-secret")), "{refused:?}");
}

fn yeastar(pbx: &fake_yeastar::Pbx, ca: &NamedTempFile) -> Yeastar {
    Yeastar::new(yeastar::Config {
        reach: Reach { base: pbx.url().parse().unwrap(), ca_file: Some(ca.path().to_owned()) },
        client_id: "client-of-the-api".to_owned(),
        client_secret: "s3cr3t-of-the-api".into(),
        events: Events::WebSocket,
        topics: yeastar::Config::TOPICS.to_vec(),
        confirm: false,
        ground: Ground { short_up_to: 6, queues: [].into(), directory: Directory::default() },
        times: Times { format: "%Y/%m/%d %H:%M:%S".to_owned(), zone: jiff::tz::TimeZone::UTC },
        patience: yeastar::Patience::default(),
    })
    .unwrap()
}

/// A PBX with a recording.
async fn recorded() -> (fake_yeastar::Pbx, NamedTempFile, String) {
    let pbx = fake_yeastar::Pbx::start(fake_yeastar::Options::default()).await.unwrap();
    let ca = file_of(pbx.ca_pem().unwrap());
    let record = pbx.end_quietly(&pbx.next_call(), "Inbound", "+4930123456", "201", 20);
    let file = record["recording"].as_str().unwrap().to_owned();
    (pbx, ca, file)
}

#[tokio::test]
async fn a_yeastar_gives_a_recording_by_a_new_link_each_time_and_is_left_without_a_token_of_ours() {
    let (pbx, ca, file) = recorded().await;
    let source = yeastar(&pbx, &ca);
    let recordings = source.recordings().unwrap();
    let whole = (Ok(pbx.sound(&file).len() as u64), pbx.sound(&file));
    // More often than there may be tokens.
    for _ in 0..10 {
        assert_eq!(fetch(&*recordings, &file).await, whole);
        assert_eq!(pbx.tokens().2, 0, "nobody works with the source, and the token is given back");
    }
    let links = pbx.requests().into_iter().filter(|request| request.what == "recording/download").count();
    assert_eq!(links, 10);
    let log_ins = pbx.tokens().0;
    let (stop, work) = start(Box::new(source));
    pbx.subscribed(1).await.unwrap();
    for _ in 0..3 {
        assert_eq!(fetch(&*recordings, &file).await, whole);
    }
    assert_eq!((pbx.tokens().0, pbx.tokens().2), (log_ins + 1, 1), "the line and recordings share it");
    // It ends between the link and what lies there.
    pbx.end_tokens_after_link();
    let (fetched, to) = fetch(&*recordings, &file).await;
    assert!(matches!(&fetched, Err(Unfetched::Failed(_))) && to.is_empty(), "{fetched:?}");
    assert_eq!(fetch(&*recordings, &file).await, whole, "the next try has another");
    pbx.skip(Duration::from_secs(3600));
    assert_eq!(fetch(&*recordings, &file).await, whole);
    stop.cancel();
    work.await.unwrap();
    assert_eq!(pbx.tokens().2, 0);
    assert!(pbx.complaints().is_empty(), "{:?}", pbx.complaints());
}

#[tokio::test]
async fn a_yeastar_that_has_none_gives_none_or_leads_elsewhere_is_told_apart() {
    let (pbx, ca, file) = recorded().await;
    let recordings = yeastar(&pbx, &ca).recordings().unwrap();
    let of = async |file: &str| fetch(&*recordings, file).await.0;
    assert!(matches!(of("another.wav").await, Err(Unfetched::Missing(text)) if text.contains("NOT EXIST")));
    assert!(matches!(of("a&access_token=b#.wav").await, Err(Unfetched::Missing(_))));
    let lie = |answer| pbx.lie("recording/download", answer);
    lie(json!({ "errcode": 10007, "errmsg": "NO PERMISSION" }));
    assert!(matches!(of(&file).await, Err(Unfetched::Forbidden(_))));
    lie(json!({ "errcode": 10009, "errmsg": "REQUESTS EXCEED LIMIT" }));
    assert!(matches!(of(&file).await, Err(Unfetched::Failed(_))));
    for link in [
        "https://evil.example.com/x.wav",
        "//evil.example.com/x.wav",
        "@evil.example.com/x.wav",
        "/\\evil.example.com/x.wav",
        "/x.wav#",
        "/x y.wav",
        "",
    ] {
        lie(json!({ "errcode": 0, "errmsg": "SUCCESS", "file": file, "download_resource_url": link }));
        let fetched = of(&file).await;
        assert!(
            matches!(&fetched, Err(Unfetched::Failed(text)) if text.contains("lies on the PBX")),
            "{link}: {fetched:?}"
        );
    }
    // A link that has ended.
    let gone = json!({ "errcode": 0, "errmsg": "", "file": file, "download_resource_url": "/api/download/old.wav" });
    lie(gone);
    assert!(matches!(of(&file).await, Err(Unfetched::Missing(_))));
    assert_eq!(of(&file).await, Ok(pbx.sound(&file).len() as u64));
}

fn rostelecom(pbx: &fake_rostelecom::Pbx, ca: &NamedTempFile, key: &str) -> Rostelecom {
    let known = fake_rostelecom::Options::default();
    Rostelecom::new(rostelecom::Config {
        reach: Reach { base: pbx.url().parse().unwrap(), ca_file: Some(ca.path().to_owned()) },
        domain: known.domain,
        client_id: known.client_id,
        sign_key: key.to_owned().into(),
        source_networks: Vec::new(),
        answer_within: Duration::from_secs(2),
        pin_as: rostelecom::PinAs::default(),
        words: rostelecom::Words::default(),
        patience: rostelecom::Patience::default(),
        history: rostelecom::History::default(),
        rules: rostelecom::RuleWords::default(),
    })
    .unwrap()
}

#[tokio::test]
async fn a_rostelecom_gives_a_recording_by_a_link_that_works_once_and_from_here_alone() {
    let pbx = fake_rostelecom::Pbx::start(fake_rostelecom::Options::default()).await.unwrap();
    let ca = file_of(pbx.authority());
    let sound: Vec<u8> = (0..100_000_u32).map(|at| (at % 253) as u8).collect();
    let key = fake_rostelecom::Options::default().sign_key;
    let recordings = rostelecom(&pbx, &ca, &key).recordings().unwrap();
    let missing = fetch(&*recordings, "DEMOs7").await.0;
    assert!(matches!(&missing, Err(Unfetched::Missing(text)) if text.contains("half a minute")), "{missing:?}");
    pbx.promise_recording("DEMOs7");
    let promised = fetch(&*recordings, "DEMOs7").await.0;
    assert!(matches!(&promised, Err(Unfetched::Missing(text)) if text.contains("HTTP 404")), "{promised:?}");
    pbx.add_recording("DEMOs7", &sound);
    for _ in 0..2 {
        assert_eq!(fetch(&*recordings, "DEMOs7").await, (Ok(100_000), sound.clone()));
    }
    pbx.fail("get_record", 1);
    assert!(matches!(fetch(&*recordings, "DEMOs7").await.0, Err(Unfetched::Failed(_))));
    pbx.bind_links_to("192.0.2.7");
    let bound = fetch(&*recordings, "DEMOs7").await.0;
    assert!(matches!(&bound, Err(Unfetched::Forbidden(text)) if text.contains("one address")), "{bound:?}");
    assert!(pbx.complaints().is_empty(), "{:?}", pbx.complaints());
    let stranger = rostelecom(&pbx, &ca, "another").recordings().unwrap();
    let refused = fetch(&*stranger, "DEMOs7").await.0;
    assert!(matches!(&refused, Err(Unfetched::Forbidden(text)) if text.contains("sign-key")), "{refused:?}");
}
