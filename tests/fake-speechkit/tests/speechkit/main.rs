//! The stand-in's own strictness: it hears what is there, and refuses what the real one refuses.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use fake_speechkit::{Lesson, Segment, Sound, SpeechKit};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TEXT: &str = "Good morning, this is the workshop.";

/// Speech as a WAV of 22 kHz, by the installed `espeak-ng`, alone on one of the channels.
fn spoken(text: &str, channels: u16, channel: u16) -> Result<Vec<u8>> {
    let output = Command::new("espeak-ng").args(["--stdout", text]).output().context("`espeak-ng` is not installed")?;
    let samples = output.stdout.get(44..).context("no sound")?.chunks_exact(2);
    let data: Vec<u8> = samples
        .flat_map(|sample| {
            (0..channels).flat_map(move |one| if one == channel { [sample[0], sample[1]] } else { [0, 0] })
        })
        .collect();
    let (length, rate) = (u32::try_from(data.len())?, 22_050_u32);
    let mut file = b"RIFF".to_vec();
    file.extend((length + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    file.extend((2 * channels).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    Ok(file)
}

fn order(file: &[u8], container: &str) -> Value {
    json!({
        "content": STANDARD.encode(file),
        "recognitionModel": {
            "model": "general",
            "audioFormat": {"containerAudio": {"containerAudioType": container}},
            "textNormalization": {"textNormalization": "TEXT_NORMALIZATION_ENABLED", "literatureText": true},
            "languageRestriction": {"restrictionType": "WHITELIST", "languageCode": ["auto"]},
            "audioProcessingType": "FULL_DATA",
        },
        "speakerLabeling": {"speakerLabeling": "SPEAKER_LABELING_DISABLED"},
    })
}

async fn ask(cloud: &SpeechKit, method: &str, target: &str, key: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(cloud.url.strip_prefix("http://").context("no plain server")?).await?;
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nauthorization: Api-Key {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    Ok((head.split(' ').nth(1).context("no status")?.parse()?, body.to_owned()))
}

async fn begun(cloud: &SpeechKit, order: &Value) -> Result<(u16, Value)> {
    let (status, body) = ask(cloud, "POST", "/stt/v3/recognizeFileAsync", "K", &order.to_string()).await?;
    Ok((status, serde_json::from_str(&body)?))
}

async fn taught() -> Result<SpeechKit> {
    let cloud = SpeechKit::plainly("K", "b1g").await?;
    let sound = Sound::read(&spoken(TEXT, 1, 0)?)?;
    let segments =
        vec![Segment::new(0, 900, "Good morning,"), Segment::new(900, sound.duration_ms(), "this is the workshop.")];
    cloud.teach(Lesson { sound, language: "en-US".into(), segments });
    Ok(cloud)
}

#[tokio::test]
async fn a_recognition_is_told_when_it_is_over_and_by_channel() -> Result<()> {
    let cloud = taught().await?;
    cloud.takes(1, 1);
    let (status, operation) = begun(&cloud, &order(&spoken(TEXT, 2, 1)?, "WAV")).await?;
    let id = operation["id"].as_str().context("no id")?.to_owned();
    ensure!(status == 200 && operation["done"] == false, "{operation}");
    let mut told = Vec::new();
    for target in
        ["/operations/", "/operations/", "/stt/v3/getRecognition?operationId=", "/stt/v3/getRecognition?operation_id="]
    {
        told.push(ask(&cloud, "GET", &format!("{target}{id}"), "K", "").await?);
    }
    ensure!(told[0].1.contains("\"done\":false") && told[1].1.contains("\"done\":true"), "{told:?}");
    ensure!(told[2].0 == 404 && told[2].1.contains("operation data is not ready"), "{told:?}");
    let lines = told[3].1.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
    ensure!(told[3].0 == 200 && lines.len() == 6, "{told:?}");
    ensure!(lines.iter().all(|line| line["result"]["channelTag"] == "1"), "{lines:?}");
    ensure!(lines[0]["result"]["final"]["alternatives"][0]["text"] == "good morning", "{}", lines[0]);
    let refined = &lines[4]["result"]["finalRefinement"]["normalizedText"]["alternatives"][0];
    ensure!(refined["text"] == "this is the workshop." && refined["words"][0]["startTimeMs"] == "900", "{refined}");
    ensure!(cloud.heard()[0].channels[0].is_empty() && cloud.heard()[0].channels[1].len() == 2, "{:?}", cloud.heard());
    cloud.verdict()
}

#[tokio::test]
async fn what_the_real_one_refuses_is_refused() -> Result<()> {
    let cloud = taught().await?;
    let good = order(&spoken(TEXT, 1, 0)?, "WAV");
    for (pointer, value) in [
        ("/content", json!("@@@")),
        ("/content", json!("")),
        ("/recognitionModel/model", json!("general:new")),
        ("/recognitionModel/audioFormat/containerAudio/containerAudioType", json!("FLAC")),
        ("/recognitionModel/languageRestriction/languageCode", json!(["ru"])),
        ("/recognitionModel/languageRestriction/languageCode", json!(["en-GB"])),
        ("/recognitionModel/languageRestriction/restrictionType", json!("GREYLIST")),
        ("/speakerLabeling", json!({"enable": true})),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).context("no such place")? = value;
        let (status, body) = begun(&cloud, &wrong).await?;
        ensure!(status == 400 && body["error"]["grpcCode"] == 3, "{pointer}: {body}");
    }
    ensure!(cloud.heard().is_empty() && cloud.verdict().is_err(), "{:?}", cloud.heard());
    let large = order(&vec![0; (60 << 20) + 1], "WAV");
    ensure!(begun(&cloud, &large).await?.0 == 413, "it was taken");
    let (status, body) = ask(&cloud, "GET", "/operations/none", "K", "").await?;
    ensure!(status == 404 && body.starts_with("{\"code\":5"), "{body}");
    let (status, body) = ask(&cloud, "GET", "/operations/none", "L", "").await?;
    ensure!(status == 401 && body.starts_with("{\"code\":16") && cloud.strangers() == 1, "{body}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_what_it_was_called_fails_in_its_operation() -> Result<()> {
    let cloud = taught().await?;
    cloud.takes(0, 0);
    let mut eight_bits = spoken(TEXT, 1, 0)?;
    eight_bits[32..36].copy_from_slice(b"\x01\0\x08\0");
    for wrong in [order(&spoken(TEXT, 1, 0)?, "MP3"), order(b"hello", "WAV"), order(&eight_bits, "WAV")] {
        let (_, operation) = begun(&cloud, &wrong).await?;
        let id = operation["id"].as_str().context("no id")?;
        let (_, told) = ask(&cloud, "GET", &format!("/operations/{id}"), "K", "").await?;
        ensure!(told.contains("\"done\":true") && told.contains("\"code\":3"), "{told}");
        ensure!(
            ask(&cloud, "GET", &format!("/stt/v3/getRecognition?operationId={id}"), "K", "").await?.0 == 404,
            "{id}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so() -> Result<()> {
    let cloud = taught().await?;
    let mut stream = TcpStream::connect(cloud.url.strip_prefix("http://").context("no plain server")?).await?;
    // All at once, so that they come within one second on a slow machine too.
    let question = "GET /operations/none HTTP/1.1\r\nhost: x\r\nauthorization: Api-Key K\r\n\r\n";
    stream.write_all(question.repeat(60).as_bytes()).await?;
    stream.shutdown().await?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await?;
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
    ensure!(statuses.len() == 60 && statuses[..5] == ["404"; 5], "{statuses:?}");
    ensure!(statuses.contains(&"429") && cloud.verdict().is_err(), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_summed_up_in_the_folder() -> Result<()> {
    let cloud = taught().await?;
    cloud.sums_up("Две лампы.");
    let body = |uri: &str| {
        json!({"modelUri": uri, "completionOptions": {"stream": false, "temperature": 0.3, "maxTokens": "1000"},
            "messages": [{"role": "system", "text": "Sum up."}, {"role": "user", "text": "Алло"}]})
        .to_string()
    };
    let target = "/foundationModels/v1/completion";
    let (status, answer) = ask(&cloud, "POST", target, "K", &body("gpt://b1g/yandexgpt-lite")).await?;
    ensure!(status == 200 && answer.contains("Две лампы."), "{answer}");
    ensure!(ask(&cloud, "POST", target, "K", &body("gpt://other/yandexgpt-lite")).await?.0 == 400, "a foreign folder");
    ensure!(cloud.chats().len() == 1 && cloud.chats()[0].user == "Алло", "{:?}", cloud.chats());
    cloud.verdict()
}
