//! What was said: a dialogue of a speech synthesiser goes through the whole pipe to a speech server that listens to it, and
//! its words to the portal.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use fake_speechkit::SpeechKit;
use fake_whisper::{Lesson, Segment, Sound, Whisper};
use system_tests::{PATIENCE, component, spool::CALL};

use crate::{
    others,
    scene::{Scene, Special},
};

/// Who says what, in order: the outside party on the left, the agent on the right.
const DIALOGUE: [(usize, &str); 4] = [
    (1, "Good morning, this is the service desk, how can I help you?"),
    (0, "Hello, my order number four seven one one has not arrived."),
    (1, "I am sorry, I send you a new one today."),
    (0, "Thank you very much, goodbye."),
];
const SUMMARY: &str = "An order has not arrived; a new one is sent.";
const KEY: &str = "a-key-of-the-speech-server";

/// The samples of a sentence at 22,050 Hz, one channel.
fn speak(text: &str, folder: &Path) -> Result<Vec<i16>> {
    let path = folder.join("sentence.wav");
    let spoken = Command::new("espeak-ng").args(["-v", "en", "-s", "150", "-w"]).arg(&path).arg(text).status()?;
    ensure!(spoken.success(), "espeak-ng failed");
    let bytes = std::fs::read(&path)?;
    let at = bytes.windows(4).position(|window| window == b"data").context("no data in the WAV")? + 8;
    Ok(bytes[at..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// When each sentence is said, in milliseconds.
type Times = Vec<(u64, u64)>;

/// The dialogue as an Asterisk would have recorded it: 16 bits, two channels.
fn recorded(folder: &Path) -> Result<(Vec<u8>, Times)> {
    let (mut sides, mut times) = ([Vec::<i16>::new(), Vec::new()], Vec::new());
    for (side, text) in DIALOGUE {
        let sentence = speak(text, folder)?;
        let begins = sides[0].len();
        sides[side].extend(&sentence);
        sides[1 - side].extend(vec![0; sentence.len()]);
        times.push(((begins * 1000 / 22_050) as u64, ((begins + sentence.len()) * 1000 / 22_050) as u64));
        sides.iter_mut().for_each(|side| side.extend(vec![0; 11_025]));
    }
    let samples: Vec<u8> = sides[0]
        .iter()
        .zip(&sides[1])
        .flat_map(|(left, right)| [left.to_le_bytes(), right.to_le_bytes()].concat())
        .collect();
    let size = u32::try_from(samples.len())?;
    let mut wav = [b"RIFF".as_slice(), &(size + 36).to_le_bytes(), b"WAVEfmt \x10\0\0\0\x01\0\x02\0"].concat();
    wav.extend(22_050_u32.to_le_bytes());
    wav.extend(88_200_u32.to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend(size.to_le_bytes());
    wav.extend(samples);
    Ok((wav, times))
}

/// What each side says, for who is to recognise it.
fn lessons(wav: &[u8], times: &[(u64, u64)]) -> Result<Vec<Lesson>> {
    let sound = Sound::read(wav)?;
    let lesson = |side| {
        let said = DIALOGUE.iter().zip(times).filter(|((speaker, _), _)| *speaker == side);
        let segments = said.map(|((_, text), (from, to))| Segment::new(*from, *to, text)).collect();
        Lesson { sound: sound.channel(side), language: "en".to_owned(), segments }
    };
    Ok([0, 1].map(lesson).into())
}

/// Whether the program has written down who said what, in order, and in short.
async fn written_down(scene: &Scene) -> Result<()> {
    let (listed, _) = scene.world.run(&["recordings", "list", CALL], 0).await?;
    let mut last = 0;
    for (speaker, text) in DIALOGUE {
        let turn = format!("{}: {text}", if speaker == 1 { "agent" } else { "external" });
        let place = listed.find(&turn).with_context(|| format!("{turn:?} is not in {listed}"))?;
        ensure!(place > last, "{turn:?} comes too early in {listed}");
        last = place;
    }
    ensure!(listed.contains(&format!("in short: {SUMMARY}")), "{listed}");
    Ok(())
}

/// The portal has each sentence at its time, by who said it.
fn who_said_what_when(transcript: &serde_json::Value, times: &[(u64, u64)]) -> Result<()> {
    let messages = transcript["messages"].as_array().with_context(|| format!("no messages in {transcript}"))?;
    ensure!(messages.len() == DIALOGUE.len(), "{messages:?}");
    for ((message, (speaker, text)), (from, to)) in messages.iter().zip(DIALOGUE).zip(times) {
        let side = if speaker == 1 { "User" } else { "Client" };
        ensure!(message["SIDE"] == side && message["MESSAGE"] == text, "{side} {text:?}: {message}");
        for (name, ms) in [("START_TIME", from), ("STOP_TIME", to)] {
            let seconds = message[name].as_f64().with_context(|| format!("no {name} in {message}"))?;
            ensure!((seconds - *ms as f64 / 1000.0).abs() <= 1.0, "{text:?}: {name} of {message} instead of {ms} ms");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_dialogue_is_heard_side_by_side_summed_up_and_told_to_every_crm() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (wav, times) = recorded(folder.path())?;
    let whisper = Whisper::start(KEY).await?;
    lessons(&wav, &times)?.into_iter().for_each(|lesson| whisper.teach(lesson));
    whisper.sums_up(SUMMARY);
    std::fs::write(folder.path().join("key"), KEY)?;
    std::fs::write(folder.path().join("ca.pem"), &whisper.authority)?;
    let more = format!(
        "[recordings.speech]\nplugin = \"speech\"\nlanguage = \"en\"\nsummarise = true\n\
         [plugin.speech]\ncomponent = \"{}\"\nretry = {{ first = \"100ms\", longest = \"1s\" }}\n\
         allow = {{ http = [\"{origin}\"], network = [\"127.0.0.0/8\"], ca-file = \"{}\" }}\n\
         credentials.key = {{ kind = \"bearer\", file = \"{}\" }}\nsettings = {{ url = \"{origin}\" }}\n",
        component("speech-openai.wasm")?.display(),
        folder.path().join("ca.pem").display(),
        folder.path().join("key").display(),
        origin = whisper.url,
    );
    let (account, receiver) = (others::helpdesk().await?, others::receiver().await?);
    let ticketing = others::of_helpdesk(&account, folder.path())?;
    let more = format!("{more}{ticketing}{}", others::of_receiver(&receiver, folder.path(), "")?);
    // One channel for the CRMs; who listens gets both sides.
    let recordings = "format = \"mp3\"\nchannels = \"mix\"";
    let scene = Scene::open(Special { recordings, more: &more, ..Special::default() }).await?;
    std::fs::write(scene.file(), &wav)?;
    scene.call().await?;
    whisper.until(2 * PATIENCE, 2, 1).await.with_context(|| scene.world.account())?;
    let told = |state: &serde_json::Value| {
        state["calls"][0]["transcripts"].as_array().is_some_and(|transcripts| !transcripts.is_empty())
    };
    let state = scene.world.portal_shows("the words", told).await?;
    whisper.verdict()?;
    written_down(&scene).await?;
    scene.world.work_done().await?;
    receiver.verdict()?;
    who_said_what_when(&state["calls"][0]["transcripts"][0], &times)?;
    let of = |list: &serde_json::Value| list.as_array().cloned().unwrap_or_default().into_iter();
    let posts = receiver.taken().into_iter().map(|post| post.body).filter(|body| body["type"] == "transcript");
    let comments = of(&account.state()["tickets"]).flat_map(|ticket| of(&ticket["comments"]));
    let comments = comments.filter(|comment| comment.to_string().contains(DIALOGUE[0].1));
    for (who, told) in [
        ("the portal", of(&state["calls"][0]["transcripts"]).collect::<Vec<_>>()),
        ("the ticket", comments.collect()),
        ("the receiver", posts.collect()),
    ] {
        ensure!(told.len() == 1, "{who} is told of the words {} times: {told:?}", told.len());
        let words = told[0].to_string();
        for text in DIALOGUE.iter().map(|(_, text)| *text).chain([SUMMARY]) {
            ensure!(
                who == "the portal" && text == SUMMARY || words.contains(text),
                "{who}: {text:?} is not in {words}"
            );
        }
    }
    let said = DIALOGUE[1].1;
    let traced = scene.world.run(&["trace", CALL, "--json"], 0).await?.0;
    ensure!(traced.contains(said), "the record of the jobs is there until the recording goes");
    scene.world.run(&["recordings", "erase", CALL], 0).await?;
    let (listed, _) = scene.world.run(&["recordings", "list", CALL], 0).await?;
    let traced = scene.world.run(&["trace", CALL, "--json"], 0).await?.0;
    ensure!(!listed.contains(said) && !traced.contains(said), "the words are kept: {listed}\n{traced}");
    ensure!(scene.archive().is_empty(), "{:?}", scene.archive());
    Ok(())
}

#[tokio::test]
async fn speechkit_is_asked_until_it_has_finished_and_knows_both_sides_of_one_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (wav, times) = recorded(folder.path())?;
    let cloud = SpeechKit::start(KEY, "b1gfolder").await?;
    lessons(&wav, &times)?.into_iter().for_each(|lesson| cloud.teach(lesson));
    cloud.sums_up(SUMMARY);
    cloud.takes(4, 1);
    std::fs::write(folder.path().join("key"), KEY)?;
    std::fs::write(folder.path().join("ca.pem"), &cloud.authority)?;
    let more = format!(
        "[recordings.speech]\nplugin = \"speech\"\nlanguage = \"en\"\nsummarise = true\n\
         [plugin.speech]\ncomponent = \"{}\"\nretry = {{ first = \"100ms\", longest = \"1s\" }}\n\
         allow = {{ http = [\"{url}\"], network = [\"127.0.0.0/8\"], ca-file = \"{}\" }}\n\
         credentials.key = {{ kind = \"api-key\", file = \"{}\" }}\n\
         settings = {{ folder = \"b1gfolder\", stt-url = \"{url}\", operation-url = \"{url}\", llm-url = \"{url}\" }}\n",
        component("speech-yandex.wasm")?.display(),
        folder.path().join("ca.pem").display(),
        folder.path().join("key").display(),
        url = cloud.url,
    );
    let scene = Scene::open(Special { recordings: "format = \"mp3\"", more: &more, ..Special::default() }).await?;
    std::fs::write(scene.file(), &wav)?;
    scene.call().await?;
    let told = |state: &serde_json::Value| {
        state["calls"][0]["transcripts"].as_array().is_some_and(|transcripts| !transcripts.is_empty())
    };
    let state = scene.world.portal.wait_until(told, 2 * PATIENCE).await;
    let state = state.map_err(|_| anyhow::anyhow!("no words at the portal: {}", scene.world.account()))?;
    cloud.verdict()?;
    ensure!(cloud.heard().len() == 1, "{} recognitions were paid for", cloud.heard().len());
    let jobs = scene.world.json(&["jobs", "list", "--kind", "ask", "--state", "done"]).await?;
    let ask = jobs.first().context("nobody asked")?;
    ensure!(ask["tries"].as_u64() > Some(3), "{ask}");
    let shown = scene.world.json(&["jobs", "show", &ask["job"].to_string()]).await?;
    ensure!(shown[0]["runs"].as_array().is_some_and(|runs| runs.len() == 1), "every question is kept: {shown:?}");
    ensure!(state["calls"][0]["transcripts"].as_array().is_some_and(|told| told.len() == 1));
    written_down(&scene).await
}
