//! The source at a 3CX behind a real socket with TLS: its token, its orders, and what becomes of a line that breaks.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Options, Pbx};
use hookswitch_call::{
    Chain, Millis,
    signal::{Direction, Fact, Report},
    site::News,
};
use hookswitch_pbx::{
    Begin, Control, Dial, Dialled, Outlet, Question, Reach, Refused, Route, Router, Source,
    three_cx::{Config, DialWith, Patience, Rules, Steps, ThreeCx},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const CALLER: &str = "+4930901820";
const OTHER: &str = "+4930901821";

/// Every caller goes to 203.
struct To203;

#[async_trait]
impl Router for To203 {
    async fn route(&self, _: Question) -> Route {
        Route { name: None, target: Some("203".to_owned()) }
    }
}

struct Line {
    pbx: Pbx,
    control: Arc<dyn Control>,
    reports: Arc<Mutex<Vec<Report>>>,
    stop: CancellationToken,
    /// Certificates are read for every connection.
    _folder: tempfile::TempDir,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// The other side of a phone that rings because a call was ordered.
fn ordered() -> Value {
    json!({ "party_dn": "MakeCall", "party_dn_type": "Wspecialmenu", "party_caller_id": "201" })
}

/// A row of the call log: a caller reached an extension directly, so many seconds ago.
fn row(id: &str, seconds_ago: i64, number: &str, extension: &str, talked: i64) -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds_ago);
    json!({
        "CallHistoryId": id, "MainCallHistoryId": id, "Direction": "Inbound", "Answered": talked > 0,
        "StartTime": at.to_string(), "RingingDuration": "PT1S", "TalkingDuration": format!("PT{talked}S"),
        "SourceType": 1, "SourceDn": "10007", "SourceCallerId": number,
        "DestinationType": 0, "DestinationDn": extension, "DestinationCallerId": extension,
    })
}

impl Line {
    async fn open(change: impl FnOnce(&mut Config)) -> Self {
        Self::open_at(Pbx::start(Options::default()).await.unwrap(), None, change).await
    }

    /// A line to this PBX; `newest` is when the newest call began that the host knows of.
    async fn open_at(pbx: Pbx, newest: Option<Millis>, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, pbx.ca_pem()).unwrap();
        let mut config = Config {
            reach: Reach { base: pbx.url().parse().unwrap(), ca_file: Some(ca_file) },
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned().into(),
            rules: Rules { end_after: Duration::from_millis(100), ..Rules::default() },
            dial_with: DialWith::Extension,
            steps: Steps::default(),
            patience: Patience {
                retry_first: Duration::from_millis(50),
                retry_longest: Duration::from_millis(200),
                ..Patience::default()
            },
            directory_every: None,
            recordings: true,
            transcripts: false,
            history: Some(Duration::from_secs(3600)),
        };
        change(&mut config);
        let source = ThreeCx::new(config).unwrap();
        let (outlet, mut batches) = Outlet::new(16);
        let (stop, router) = (CancellationToken::new(), Arc::new(To203));
        let begin = Begin { open: Vec::new(), recent: Vec::new(), newest, outlet, router, stop: stop.clone() };
        let started = Box::new(source).start(begin);
        let reports = Arc::<Mutex<Vec<Report>>>::default();
        tokio::spawn(started.work);
        let kept = reports.clone();
        tokio::spawn(async move {
            while let Some(batch) = batches.recv().await {
                kept.lock().unwrap().extend(batch.reports);
            }
        });
        let line = Self { pbx, control: started.control.unwrap(), reports, stop, _folder: folder };
        line.resynced(1).await;
        line
    }

    fn reports(&self) -> Vec<Report> {
        self.reports.lock().unwrap().clone()
    }

    fn count(&self, counted: impl Fn(&Report) -> bool) -> usize {
        self.reports().iter().filter(|report| counted(report)).count()
    }

    fn disconnected(&self) -> usize {
        self.count(|report| matches!(report, Report::Disconnected { .. }))
    }

    /// Waits until this is so.
    async fn until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !wanted(self) {
            assert!(tokio::time::Instant::now() < deadline, "never {what}: {:#?}", self.reports());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the source has taken stock so many times.
    async fn resynced(&self, times: usize) {
        let resynced = |report: &Report| matches!(report, Report::Resynced { .. });
        self.until("the roll call", |line| line.count(resynced) >= times).await;
    }

    /// Waits until the source has asked for all calls so many times more.
    async fn roll_calls(&self, times: usize) {
        let asked = |pbx: &Pbx| pbx.state().requests.iter().filter(|one| one.target == "/callcontrol").count();
        let before = asked(&self.pbx);
        self.until("more roll calls", |line| asked(&line.pbx) >= before + times).await;
    }

    /// Waits until something like this was told of a call; the call's id.
    async fn told(&self, what: &str, wanted: impl Fn(&Fact) -> bool) -> Chain {
        let found = |line: &Self| {
            line.reports().into_iter().find_map(|report| match report {
                Report::Call(signal) | Report::Past(signal) => wanted(&signal.fact).then_some(signal.chain),
                _ => None,
            })
        };
        self.until(what, |line| found(line).is_some()).await;
        found(self).unwrap()
    }

    async fn dial(&self, from: &str, number: &str) -> Result<Dialled, Refused> {
        let dial = Dial { from: from.into(), number: number.to_owned(), crm_call: Some("crm-1".to_owned()) };
        tokio::time::timeout(Duration::from_secs(20), self.control.dial(&dial)).await.unwrap()
    }
}

fn from(number: &str) -> impl Fn(&Fact) -> bool {
    move |fact| matches!(fact, Fact::Arrived(arrival) if arrival.external.as_deref() == Some(number))
}

#[tokio::test]
async fn an_order_that_is_not_taken_says_why() {
    let line = Line::open(|_| {}).await;
    let chain = line.dial("201", CALLER).await.unwrap().call.unwrap();
    assert_eq!(line.told("the ordered call", from(CALLER)).await, chain);
    line.pbx.state().barred = vec![OTHER.to_owned()];
    let refused = line.dial("201", OTHER).await.unwrap_err();
    assert!(matches!(refused, Refused::BadNumber(_)), "{refused:?}");
    for nobody in ["299", "2/1", ""] {
        let refused = line.dial(nobody, CALLER).await.unwrap_err();
        assert!(matches!(refused, Refused::Unreachable(_)), "{nobody}: {refused:?}");
    }
    line.pbx.state().devices.clear();
    let refused = line.dial("201", CALLER).await.unwrap_err();
    assert!(matches!(&refused, Refused::Unreachable(why) if why.contains("NotRegistered")), "{refused:?}");
    (line.pbx.state().call_control, line.pbx.state().xapi) = (false, false);
    let refused = line.dial("201", CALLER).await.unwrap_err();
    assert!(matches!(refused, Refused::NotPermitted(_)), "{refused:?}");
    line.pbx.go_down();
    // An order on a connection whose end was not noticed yet would be in doubt.
    line.until("that it stays away", |line| line.disconnected() > 1).await;
    let refused = line.dial("201", CALLER).await.unwrap_err();
    assert!(matches!(refused, Refused::Offline(_)), "{refused:?}");
    assert!(!format!("{refused}").contains(CALLER), "{refused}");
    assert_eq!(line.pbx.state().complaints, [""; 0]);
}

#[tokio::test]
async fn an_extension_that_is_not_monitored_is_rung_by_the_xapi_and_a_phone_is_chosen_by_its_name() {
    let line = Line::open(|config| config.dial_with = DialWith::Device("Desk".to_owned())).await;
    line.dial("202", CALLER).await.unwrap();
    let rung = line.pbx.state().requests.iter().rev().find(|one| one.method == "POST").cloned().unwrap();
    assert!(
        rung.target.contains("/callcontrol/202/devices/sip:202@") && rung.target.ends_with("/makecall"),
        "{rung:?}"
    );
    line.pbx.state().devices.get_mut("202").unwrap()[0].1 = "Browser".to_owned();
    let refused = line.dial("202", CALLER).await.unwrap_err();
    assert!(matches!(&refused, Refused::Unreachable(why) if why.contains("Desk")), "{refused:?}");

    let line = Line::open(|_| {}).await;
    line.pbx.state().numbers.remove("203");
    line.dial("203", CALLER).await.unwrap();
    assert_eq!(line.pbx.state().asked("POST", "/xapi/v1/Users/Pbx.MakeCall"), 1);
}

#[tokio::test]
async fn an_order_without_an_answer_is_in_doubt_and_its_call_is_known_when_it_comes() {
    let line = Line::open(|_| {}).await;
    line.pbx.state().faults = vec![("/makecall".to_owned(), 0)];
    let refused = line.dial("201", CALLER).await.unwrap_err();
    assert!(matches!(refused, Refused::InDoubt(_)), "{refused:?}");
    assert_eq!(line.pbx.state().asked("POST", "/makecall"), 1, "an order is given once");
    line.pbx.put("201", 5, 6, "Ringing", ordered());
    let own = |fact: &Fact| {
        matches!(fact, Fact::Arrived(arrival) if arrival.crm_call.as_deref() == Some("crm-1")
            && arrival.direction == Direction::Outbound)
    };
    let chain = line.told("the call of the CRM", own).await;
    assert!(chain.as_str().ends_with("_6"), "{chain}");
}

#[tokio::test]
async fn whatever_is_asked_at_once_after_a_token_died_one_new_one_serves_all() {
    let line = Line::open(|_| {}).await;
    line.pbx.token_elsewhere();
    let before = line.pbx.state().tokens_given;
    let all = futures::future::join_all((0..20).map(|_| line.dial("201", CALLER))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(line.pbx.state().tokens_given, before + 1);
    assert_eq!(line.disconnected(), 0, "the web socket does not need it");
}

#[tokio::test]
async fn a_call_is_hung_up_once() {
    let line = Line::open(|_| {}).await;
    line.pbx.outside("201", 1, 7, "Connected", CALLER);
    let chain = line.told("the call", from(CALLER)).await;
    line.control.hang_up(&chain).await.unwrap();
    assert!(line.pbx.state().participant("201", 1).is_none());
    line.told("its end", |fact| matches!(fact, Fact::Ended { .. })).await;
    assert_eq!(line.control.hang_up(&chain).await, Err(Refused::NoSuchCall));
    assert_eq!(line.control.hang_up(&"240305091500_8".into()).await, Err(Refused::NoSuchCall));
}

#[tokio::test]
async fn a_socket_that_says_nothing_of_what_goes_on_is_opened_anew_and_a_quiet_one_is_not() {
    let line = Line::open(|config| config.patience.roll_call = Duration::from_millis(100)).await;
    line.roll_calls(5).await;
    line.pbx.outside("201", 1, 7, "Ringing", CALLER);
    line.told("what the socket tells", from(CALLER)).await;
    line.roll_calls(5).await;
    assert_eq!(line.disconnected(), 0, "nothing to tell is no fault");
    line.pbx.put_silently("202", 2, 8, "Ringing", OTHER);
    line.told("what the roll call finds", from(OTHER)).await;
    line.resynced(2).await;
    assert_eq!(line.disconnected(), 1);
    assert_eq!(
        line.count(|report| matches!(report, Report::Call(signal) if matches!(signal.fact, Fact::Ended { .. }))),
        0
    );
}

#[tokio::test]
async fn an_answer_that_goes_wrong_costs_neither_the_connection_nor_the_call() {
    let line = Line::open(|config| config.patience.roll_call = Duration::from_millis(200)).await;
    for (id, status) in [(1, 500), (2, 403), (3, 429)] {
        line.pbx.state().faults = vec![(format!("/participants/{id}"), status)];
        let number = format!("+493090182{id}");
        line.pbx.outside("201", id, 10 + id, "Ringing", &number);
        line.told("the call", from(&number)).await;
    }
    assert_eq!((line.disconnected(), line.pbx.state().faults.len()), (0, 0));
}

#[tokio::test]
async fn while_the_pbx_is_away_it_is_tried_again_and_what_is_there_then_is_reported() {
    let line = Line::open(|_| {}).await;
    line.pbx.outside("201", 1, 7, "Ringing", CALLER);
    line.told("the call", |fact| matches!(fact, Fact::Ringing { .. })).await;
    line.pbx.go_down();
    line.until("that it is away", |line| line.disconnected() > 0).await;
    line.pbx.remove_silently("201", 1);
    line.pbx.put_silently("202", 2, 8, "Ringing", OTHER);
    line.pbx.come_back();
    line.resynced(2).await;
    let chain = line.told("the other call", from(OTHER)).await;
    let alive = |report: &Report| matches!(report, Report::Resynced { alive, .. } if *alive == [chain.clone()]);
    assert_eq!(line.count(alive), 1, "{:#?}", line.reports());
}

#[tokio::test]
async fn the_log_is_asked_until_it_answers_and_a_call_that_was_seen_late_is_no_second_one() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    pbx.put_silently("201", 1, 7, "Connected", CALLER);
    pbx.state().faults = vec![("GetCallLogData".to_owned(), 503), ("GetCallLogData".to_owned(), 503)];
    let newest = Some(Millis(now() - 120_000));
    let line = Line::open_at(pbx, newest, |config| config.patience.history_again = Duration::from_millis(300)).await;
    let live = line.told("the call that goes on", from(CALLER)).await;
    line.pbx.remove("201", 1);
    line.told("its end", |fact| matches!(fact, Fact::Ended { .. })).await;
    // It began a minute before the host was started; and then there is one that nobody saw.
    line.pbx.state().log =
        vec![row("00000000-01db-a", 60, CALLER, "201", 62), row("00000000-01db-b", 30, OTHER, "202", 0)];
    let missed = line.told("the call of the gap", from(OTHER)).await;
    assert!(missed.as_str().ends_with("_h00000000-01db-b"), "{missed}");
    let of_caller = |report: &Report| match report {
        Report::Call(signal) | Report::Past(signal) => from(CALLER)(&signal.fact) && signal.chain != live,
        _ => false,
    };
    assert_eq!(line.count(of_caller), 0, "{:#?}", line.reports());
}

#[tokio::test]
async fn recordings_are_looked_for_until_the_pbx_answers_and_are_told_once() {
    let line = Line::open(|config| {
        config.patience.recordings = [100, 200, 300, 400, 500, 600, 700].map(Duration::from_millis)
    })
    .await;
    let at = jiff::Timestamp::now().to_string();
    line.pbx.outside("201", 1, 7, "Connected", CALLER);
    line.told("the call", from(CALLER)).await;
    line.pbx.state().recordings = [41, 42]
        .map(|id| {
            json!({ "Id": id, "StartTime": at, "FromDn": "10007", "FromCallerNumber": CALLER, "ToDn": "201",
                    "ToCallerNumber": "201" })
        })
        .to_vec();
    line.pbx.remove("201", 1);
    for id in [41, 42] {
        let file = format!("/xapi/v1/Recordings/Pbx.DownloadRecording(recId={id})");
        line.told("a recording", |fact| matches!(fact, Fact::Recorded { file: known } if *known == file)).await;
    }
    let recorded =
        |report: &Report| matches!(report, Report::Call(signal) if matches!(signal.fact, Fact::Recorded { .. }));
    assert_eq!(line.count(recorded), 2);
}

#[tokio::test]
async fn a_caller_at_the_route_point_whose_order_was_lost_is_asked_for_again() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    pbx.state().faults = vec![("/routeto".to_owned(), 0)];
    // He has been there before the host was started, and nothing else happens.
    pbx.put_silently("900", 1, 7, "Connected", CALLER);
    let line = Line::open_at(pbx, None, |config| config.patience.roll_call = Duration::from_secs(3600)).await;
    line.until("the lost order", |line| line.pbx.state().asked("POST", "/routeto") == 1).await;
    line.pbx.cut();
    line.resynced(2).await;
    line.until("the second order", |line| line.pbx.state().asked("POST", "/routeto") == 2).await;
    line.told(
        "the phone that rings",
        |fact| matches!(fact, Fact::Ringing { extension, .. } if extension.as_str() == "203"),
    )
    .await;
}

#[tokio::test]
async fn keys_are_told_and_lists_are_read_to_their_end() {
    let pbx = Pbx::start(Options::default()).await.unwrap();
    let user = |number: usize| json!({ "Number": number.to_string(), "FirstName": "Agent", "LastName": "X" });
    pbx.state().users = (1000..1450).map(user).collect();
    let line = Line::open_at(pbx, None, |config| config.directory_every = Some(Duration::from_secs(3600))).await;
    let added = |report: &Report| matches!(report, Report::Site(News::Added { .. }));
    line.until("all users", |line| line.count(added) == 450).await;
    // He stays, and a menu asks him.
    line.pbx.state().faults = vec![("/routeto".to_owned(), 403)];
    line.pbx.outside("900", 1, 7, "Connected", CALLER);
    line.told("the caller", from(CALLER)).await;
    line.pbx.digits("900", 1, "42#");
    line.told("his keys", |fact| matches!(fact, Fact::Digits { digits } if digits == "42#")).await;
}
