//! The real program at a 3CX with one live token, over TLS and a web socket; what the portal has afterwards is the verdict.

use anyhow::{Context, Result, ensure};
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Manner, Options, Pbx, Sound, State};
use fake_bitrix24::{Effect, Fault};
use serde_json::{Value, json};
use system_tests::{
    Setup, World,
    verdict::{Count, cards_shown, faultless, finished, list},
};

const CALLER: &str = "+4930901820";
const OTHER: &str = "+4930901821";

/// A world with a 3CX besides its Asterisk, which has nothing to say.
struct Cloud {
    world: World,
    pbx: Pbx,
}

impl Cloud {
    async fn prepare(options: Options, keys: &str) -> Result<Self> {
        let pbx = Pbx::start(options).await?;
        let more = format!(
            "\n[pbx.cloud]\nkind = \"3cx\"\nurl = \"{}\"\nca-file = \"cloud-ca.pem\"\nclient-id = \"{CLIENT_ID}\"\n\
             client-secret = {{ file = \"cloud-secret\" }}\n{keys}\n",
            pbx.url()
        );
        let world = World::prepare(Setup { more, ..Setup::default() }).await?;
        std::fs::write(world.folder().join("cloud-ca.pem"), pbx.ca_pem())?;
        std::fs::write(world.folder().join("cloud-secret"), CLIENT_SECRET)?;
        Ok(Self { world, pbx })
    }

    async fn open(keys: &str) -> Result<Self> {
        let mut cloud = Self::prepare(Options::default(), keys).await?;
        cloud.launch().await?;
        Ok(cloud)
    }

    /// Starts the program, and waits until it has taken stock of the PBX.
    async fn launch(&mut self) -> Result<()> {
        let before = self.resyncs();
        self.world.launch().await?;
        self.world.log_until("the roll call", |log| resyncs(log) > before).await
    }

    fn resyncs(&self) -> usize {
        resyncs(&self.world.log())
    }

    /// Waits until the cards of the newest call are on the screens of these users.
    async fn cards(&self, users: &[u64]) -> Result<Value> {
        let shown = |state: &Value| {
            let mut shown: Vec<_> = list(state, "calls")
                .last()
                .into_iter()
                .flat_map(|call| list(call, "visible"))
                .filter_map(Value::as_u64)
                .collect();
            shown.sort_unstable();
            shown == users
        };
        self.world.portal_shows(&format!("cards for {users:?}"), shown).await
    }

    /// A participant is so now, and the program has looked.
    async fn looked_at(&self, dn: &str, id: u64, callid: u64, status: &str, party: Value) -> Result<()> {
        let below = format!("/callcontrol/{dn}/participants/{id}");
        let before = self.pbx.state().asked("GET", &below);
        self.pbx.put(dn, id, callid, status, party);
        self.pbx.wait_until(&format!("a look at {dn} {status}"), |state| state.asked("GET", &below) > before).await
    }

    /// Waits until so many calls are finished and nothing is left to be done; the portal must be without fault.
    async fn done(&self, calls: usize) -> Result<Value> {
        self.world
            .portal_shows("all finished", move |state| finished(state) == calls && cards_shown(state) == 0)
            .await?;
        self.world.work_done().await?;
        let state = self.world.portal.state();
        let count: Count = faultless(&state)?;
        ensure!((count.calls, count.finishes) == (calls, calls), "{count:?}");
        let complaints = self.pbx.state().complaints.clone();
        ensure!(complaints.is_empty(), "{complaints:#?}");
        ensure!(
            !self.world.log().contains(CLIENT_SECRET) && !self.world.log().contains("panicked"),
            "{}",
            self.world.log()
        );
        Ok(state)
    }
}

fn resyncs(log: &str) -> usize {
    log.lines().filter(|line| line.contains("resynchronised") && line.contains("cloud")).count()
}

/// The other side of a participant who came through the queue.
fn for_queue(number: &str) -> Value {
    json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": number,
            "on_behalf_of_dn": "804", "on_behalf_of_type": "Wqueue" })
}

/// The other side of a participant who was called himself.
fn for_nobody(number: &str) -> Value {
    json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": number })
}

fn referred(number: &str, by: &str) -> Value {
    json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": number,
            "referred_by_dn": by, "referred_by_type": "Wextension" })
}

/// A row of the call log: a caller reached an extension directly, so many seconds ago.
fn row(id: &str, seconds_ago: i64, number: &str, extension: &str, talked: u32) -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds_ago);
    json!({
        "CallId": 1, "SegmentId": 1, "Indent": 1, "CallHistoryId": id, "MainCallHistoryId": id, "CdrId": id,
        "Direction": "Inbound", "Status": if talked > 0 { "Answered" } else { "Unanswered" }, "Answered": talked > 0,
        "StartTime": at.to_string(), "RingingDuration": "PT1S", "TalkingDuration": format!("PT{talked}S"), "Reason": "No answer",
        "SourceType": 1, "SourceDn": "10007", "SourceCallerId": number, "SourceDisplayName": "",
        "DestinationType": 0, "DestinationDn": extension, "DestinationCallerId": extension,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_queue_and_a_transfer_is_one_entry_though_the_program_dies_in_it() -> Result<()> {
    let mut cloud = Cloud::open("trunk-lines = { 10007 = \"+493012345\" }").await?;
    let pbx = &cloud.pbx;
    pbx.outside("804", 1, 77, "Connected", CALLER);
    pbx.put("201", 2, 77, "Ringing", for_queue(CALLER));
    pbx.put("202", 3, 77, "Ringing", for_queue(CALLER));
    cloud.cards(&[11, 12]).await?;
    pbx.put("202", 3, 77, "Connected", for_queue(CALLER));
    pbx.remove("201", 2);
    pbx.remove("804", 1);
    cloud.cards(&[12]).await?;
    cloud.world.kill().await?;
    // Nobody hears this.
    cloud.pbx.put("203", 4, 77, "Ringing", referred(CALLER, "202"));
    cloud.pbx.remove("202", 3);
    cloud.launch().await?;
    cloud.cards(&[13]).await?;
    // Somebody else takes a token: the program's is worth nothing any more.
    cloud.pbx.token_elsewhere();
    cloud.pbx.put("203", 4, 77, "Connected", referred(CALLER, "202"));
    cloud
        .pbx
        .wait_until("a participant is asked for with another token", |state: &State| {
            let own = |request: &&fake_3cx::Request| request.target == "/callcontrol/203/participants/4";
            state.requests.iter().filter(own).any(|request| request.status == 401)
                && state.requests.iter().filter(own).any(|request| request.status == 200)
        })
        .await?;
    let now = jiff::Timestamp::now().to_string();
    cloud.pbx.state().recordings = vec![json!({
        "Id": 42, "StartTime": now, "EndTime": now, "CallType": "InboundExternal", "FromDn": "10007",
        "FromCallerNumber": "004930901820", "ToDn": "203", "ToCallerNumber": "203", "IsTranscribed": true,
        "Transcription": "Hello there.", "Summary": "A greeting.",
    })];
    cloud.pbx.remove("203", 4);
    let state = cloud.done(1).await?;
    let entry = &state["calls"][0];
    ensure!(entry["finished"]["user"] == 13 && entry["finished"]["status_code"] == "200", "{entry}");
    let calls = cloud.world.json(&["calls"]).await?;
    ensure!(calls.len() == 1 && calls[0]["outcome"] == "answered", "{calls:?}");
    let chain = calls[0]["call"].as_str().unwrap_or_default().to_owned();
    ensure!(chain.ends_with("_77"), "{chain}");
    let recorded = |log: &str| log.contains("event=\"summary\"");
    cloud.world.log_until("the recording", recorded).await?;
    let (trace, _) = cloud.world.run(&["trace", &chain, "--json"], 0).await?;
    for part in ["DownloadRecording(recId=42)", "Hello there.", "A greeting.", "+493012345", "\"804\"", "blind"] {
        ensure!(trace.contains(part), "{part} is missing in\n{trace}");
    }
    // By another process, which takes the one token that lives, and so the program's.
    let sound: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 253) as u8).collect();
    cloud.pbx.state().sounds.insert(42, Sound { bytes: sound.clone(), manner: Manner::Whole });
    let file = cloud.world.folder().join("call.wav");
    let fetch = ["pbx", "recording", "cloud", "/xapi/v1/Recordings/Pbx.DownloadRecording(recId=42)", "--output"];
    let fetch = [&fetch[..], &[file.to_str().context("a path")?]].concat();
    cloud.world.run(&fetch, 0).await?;
    ensure!(std::fs::read(&file)? == sound, "the recording differs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_and_what_the_pbx_wrote_down_of_it_come_to_the_portal() -> Result<()> {
    let cloud = Cloud::open("[recordings]\n").await?;
    let pbx = &cloud.pbx;
    let sound = system_tests::spool::recorded()?;
    let second = [&sound[..], b"junk"].concat();
    pbx.state().sounds.insert(42, Sound { bytes: sound.clone(), manner: Manner::Whole });
    pbx.state().sounds.insert(43, Sound { bytes: second.clone(), manner: Manner::Whole });
    pbx.put("203", 4, 77, "Ringing", for_nobody(CALLER));
    cloud.cards(&[13]).await?;
    cloud.looked_at("203", 4, 77, "Connected", for_nobody(CALLER)).await?;
    let now = jiff::Timestamp::now().to_string();
    let part = |id: u64, words: &str, summary: &str| {
        json!({
            "Id": id, "StartTime": now, "EndTime": now, "CallType": "InboundExternal", "FromDn": "10007",
            "FromCallerNumber": "004930901820", "ToDn": "203", "ToCallerNumber": "203", "IsTranscribed": true,
            "Transcription": words, "Summary": summary,
        })
    };
    // Answers to each of the three writes are lost.
    for method in
        ["telephony.externalcall.attachrecord", "crm.timeline.comment.add", "telephony.call.attachtranscription"]
    {
        cloud.world.portal.inject(Fault::on(method, Effect::CloseAfter));
    }
    // The connection of a mobile phone was lost meanwhile: there are two files.
    pbx.state().recordings = vec![part(42, "Hello there.", "A greeting."), part(43, "Bye.", "A farewell.")];
    pbx.remove("203", 4);
    let told = |state: &Value| {
        let call = &state["calls"][0];
        let files = list(state, "comments").flat_map(|comment| list(comment, "files"));
        list(call, "records").count() == 1 && list(call, "transcripts").count() == 1 && files.count() == 1
    };
    cloud.world.portal_shows("the recording and its words", told).await?;
    cloud.world.work_done().await?;
    let state = cloud.world.portal.state();
    ensure!(told(&state), "something is there twice: {}", cloud.world.account());
    let call = &state["calls"][0];
    let file = call["records"][0]["file_id"].as_u64().and_then(|id| cloud.world.portal.file(id));
    ensure!(file.is_some_and(|file| *file == *sound), "other bytes: {call}");
    let further = list(&state, "comments").flat_map(|comment| list(comment, "files")).next().context("a file")?;
    let further = further["file_id"].as_u64().and_then(|id| cloud.world.portal.file(id));
    ensure!(further.is_some_and(|file| *file == *second), "other bytes of the second file");
    ensure!(call["transcripts"][0].to_string().contains("Hello there."), "{call}");
    let listed = cloud.world.json(&["recordings", "list"]).await?;
    ensure!(listed.len() == 2 && listed.iter().all(|one| one["state"] == "ready"), "{listed:?}");
    ensure!(
        listed.iter().any(|one| one["words"]["summary"].as_str().is_some_and(|text| text.contains("A greeting."))),
        "{listed:?}"
    );
    // With its recordings goes what the PBX wrote down, wherever that stood.
    let chain = listed[0]["call"].as_str().context("a call")?;
    cloud.world.run(&["recordings", "erase", chain], 0).await?;
    let (traced, _) = cloud.world.run(&["trace", chain, "--json"], 0).await?;
    let (listed, _) = cloud.world.run(&["recordings", "list", chain, "--json"], 0).await?;
    ensure!(traced.contains("\"transcript\"") && traced.contains("recId=42"), "what happened is known: {traced}");
    for words in ["Hello there.", "A greeting.", "Bye.", "A farewell."] {
        ensure!(!traced.contains(words) && !listed.contains(words), "{words:?} is kept: {traced}\n{listed}");
        let kept = |file: &str| std::fs::read(cloud.world.data().join(file)).unwrap_or_default();
        let journal = [kept("hookswitch.db"), kept("hookswitch.db-wal")].concat();
        let there = journal.windows(words.len()).any(|bytes| bytes == words.as_bytes());
        ensure!(!there, "{words:?} is in the files of the journal");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_listened_is_in_the_call_log() -> Result<()> {
    let mut cloud = Cloud::open("").await?;
    cloud.pbx.outside("201", 1, 5, "Ringing", CALLER);
    cloud.cards(&[11]).await?;
    cloud.world.kill().await?;
    // The first call is answered and ends, another one comes and is missed; a third one was long before our time.
    cloud.pbx.remove_silently("201", 1);
    cloud.pbx.state().log = vec![
        row("00000000-01db-a", 1, CALLER, "201", 30),
        row("00000000-01db-b", 0, OTHER, "202", 0),
        row("00000000-01db-c", 90_000, "+4930901822", "203", 30),
    ];
    cloud.launch().await?;
    let state = cloud.done(2).await?;
    let entry = |number: &str| {
        let own = |call: &&Value| call["phone"].as_str().is_some_and(|phone| phone.ends_with(&number[1..]));
        list(&state, "calls").find(own).cloned().unwrap_or_default()
    };
    let (first, second) = (entry(CALLER), entry(OTHER));
    ensure!(first["finished"]["user"] == 11 && first["finished"]["status_code"] == "200", "{first}");
    ensure!(second["finished"]["user"] == 12 && second["finished"]["status_code"] == "304", "{second}");
    // The next start asks the same log, and there is nothing new in it.
    cloud.world.kill().await?;
    cloud.launch().await?;
    cloud.done(2).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_or_says_nothing_loses_no_call() -> Result<()> {
    let cloud = Cloud::open("roll-call = \"1s\"").await?;
    // Nothing is told of this one; the roll call finds it, and that the socket is dead.
    let before = cloud.resyncs();
    cloud.pbx.put_silently("201", 1, 5, "Connected", CALLER);
    cloud.cards(&[11]).await?;
    cloud.world.log_until("another socket", |log| resyncs(log) > before).await?;
    ensure!(cloud.world.log().contains("tells nothing of what goes on"), "{}", cloud.world.log());
    cloud.pbx.remove("201", 1);
    cloud.done(1).await?;
    for text in [
        "this is no message",
        r#"{"sequence":900,"event":{"event_type":0,"entity":"/callcontrol/201/participants/999"}}"#,
        r#"{"sequence":901,"event":{"event_type":0,"entity":"/callcontrol/../connect/token"}}"#,
        r#"{"sequence":-1,"event":{"event_type":300}}"#,
        &format!(
            r#"{{"sequence":902,"event":{{"event_type":2,"attached_data":{{"dtmf_input":"{}"}}}}}}"#,
            "1".repeat(200_000)
        ),
    ] {
        cloud.pbx.say(text);
    }
    let before = cloud.resyncs();
    cloud.pbx.outside("202", 2, 6, "Ringing", OTHER);
    cloud.cards(&[12]).await?;
    cloud.pbx.cut();
    cloud.pbx.put_silently("202", 2, 6, "Connected", OTHER);
    cloud.world.log_until("the next roll call", |log| resyncs(log) > before).await?;
    cloud.pbx.wait_until("connected again", |state| state.connected() == 1).await?;
    cloud.pbx.remove("202", 2);
    let state = cloud.done(2).await?;
    ensure!(list(&state, "calls").all(|call| call["finished"]["status_code"] == "200"), "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_made_and_callers_at_the_route_point_are_sent_on() -> Result<()> {
    let route = "[[pbx.cloud.route]]\nfrom = \"+4930*\"\nto = \"203\"";
    let mut cloud = Cloud::open(route).await?;
    let dial = ["dial", CALLER, "--from", "201", "--pbx", "cloud", "--json"];
    let (out, _) = cloud.world.run(&dial, 0).await?;
    let dialled: Value = serde_json::from_str(&out)?;
    let chain = dialled["call"].as_str().unwrap_or_default().to_owned();
    let (id, callid) = (1, 1);
    ensure!(chain.ends_with("_1") && cloud.pbx.state().participant("201", id).is_some(), "{dialled}");
    let menu = json!({ "party_dn": "MakeCall", "party_dn_type": "Wspecialmenu" });
    cloud.looked_at("201", id, callid, "Connected", menu).await?;
    cloud.world.kill().await?;
    cloud.launch().await?;
    for status in ["Dialing", "Connected"] {
        cloud.looked_at("201", id, callid, status, for_nobody(CALLER)).await?;
    }
    cloud.pbx.remove("201", id);
    let state = cloud.done(1).await?;
    let entry = &state["calls"][0];
    ensure!(
        entry["type"] == 1 && entry["finished"]["user"] == 11 && entry["finished"]["status_code"] == "200",
        "{entry}"
    );
    let (trace, _) = cloud.world.run(&["trace", &chain], 0).await?;
    ensure!(trace.contains("answered"), "{trace}");

    cloud.pbx.state().barred = vec![OTHER.to_owned()];
    let barred = ["dial", OTHER, "--from", "201", "--pbx", "cloud"];
    let (_, err) = cloud.world.run(&barred, 1).await?;
    ensure!(err.contains("does not take the number"), "{err}");
    let (_, err) = cloud.world.run(&["dial", CALLER, "--from", "299", "--pbx", "cloud"], 1).await?;
    ensure!(err.contains("cannot be reached"), "{err}");
    cloud.pbx.state().devices.clear();
    let (_, err) = cloud.world.run(&dial, 1).await?;
    ensure!(err.contains("cannot be reached"), "{err}");
    let before = cloud.resyncs();
    cloud.pbx.go_down();
    cloud.world.log_until("the loss", |log| log.contains("no connection to the PBX")).await?;
    let (_, err) = cloud.world.run(&dial, 1).await?;
    ensure!(err.contains("not connected") && !err.contains(CALLER), "{err}");
    cloud.pbx.come_back();
    cloud.world.log_until("the connection", |log| resyncs(log) > before).await?;

    cloud.pbx.outside("900", 20, 30, "Connected", OTHER);
    cloud
        .pbx
        .wait_until("the caller is sent on", |state| {
            state.asked("POST", "/callcontrol/900/participants/20/routeto") == 1
        })
        .await?;
    cloud.cards(&[13]).await?;
    let at = {
        let state = cloud.pbx.state();
        (21..40).find(|id| state.participant("203", *id).is_some()).unwrap_or_default()
    };
    cloud.looked_at("203", at, 30, "Connected", for_nobody(OTHER)).await?;
    cloud.pbx.remove("203", at);
    let state = cloud.done(2).await?;
    ensure!(list(&state, "calls").any(|call| call["finished"]["user"] == 13), "{state}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_and_queues_are_shown_and_missing_rights_are_named() -> Result<()> {
    let cloud = Cloud::open("directory = \"1s\"").await?;
    let shows = async |part: &str| {
        for _ in 0..300 {
            let (out, _) = cloud.world.run(&["pbx", "status", "cloud"], 0).await?;
            if out.contains(part) {
                return Ok(out);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("{part} is never shown; {}", cloud.world.log())
    };
    shows("804 (logged-in)").await?;
    cloud.pbx.state().users[1]["CurrentProfileName"] = json!("Away");
    cloud.pbx.state().users[2]["QueueStatus"] = json!("LoggedOut");
    let out = shows("804 (logged-out)").await?;
    ensure!(out.contains("+4930999") && out.contains("Away") && out.contains("Agent 201"), "{out}");
    // One leaves, another one comes, and the queue has other agents.
    {
        let mut state = cloud.pbx.state();
        let gone = state.users.remove(0);
        ensure!(gone["Number"] == "201", "{gone}");
        state.users[0]["QueueStatus"] = json!("LoggedIn");
        state.users.push(json!({ "Number": "204", "FirstName": "Dora", "LastName": "New", "IsRegistered": false }));
        state.queues[0]["Agents"] = json!([{ "Number": "202", "QueueStatus": "LoggedIn" }]);
        state
            .queues
            .push(json!({ "Id": 2, "Number": "805", "Agents": [{ "Number": "204", "QueueStatus": "LoggedOut" }] }));
    }
    let out = shows("805 (logged-out)").await?;
    let line = |extension: &str| out.lines().find(|line| line.starts_with(extension)).unwrap_or_default().to_owned();
    ensure!(
        line("201").is_empty() && line("204").contains("Dora New") && line("204").contains("not registered"),
        "{out}"
    );
    ensure!(line("202").contains("804 (logged-in)") && !line("203").contains("804"), "{out}");

    let (out, _) = cloud.world.run(&["pbx", "test", "cloud"], 0).await?;
    ensure!(out.contains("monitored extensions: 3, queues: 1, route points: 1") && !out.contains("warning"), "{out}");
    cloud.pbx.state().xapi = false;
    let (out, _) = cloud.world.run(&["pbx", "test", "cloud"], 0).await?;
    for part in ["`Recordings`", "`Users`", "`Queues`", "`ReportCallLogData`", "Configuration API Access"] {
        ensure!(out.contains(part), "{part} is missing in\n{out}");
    }
    cloud.pbx.state().call_control = false;
    let (out, _) = cloud.world.run(&["pbx", "test", "cloud"], 0).await?;
    ensure!(out.contains("no calls are seen"), "{out}");
    std::fs::write(cloud.world.folder().join("cloud-secret"), "wrong")?;
    let (out, _) = cloud.world.run(&["pbx", "test", "cloud"], 1).await?;
    ensure!(out.contains("client-secret") && !out.contains("wrong"), "{out}");
    Ok(())
}
