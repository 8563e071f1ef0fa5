//! The stand-in's own strictness: it hears what is there, and refuses what the real one refuses.

mod wire;

use std::process::Command;

use anyhow::{Context, Result, ensure};
use fake_whisper::{Lesson, Segment, Sound, Whisper};
use serde_json::{Value, json};
use wire::{ask, form, post_json};

const GREETING: &str = "Good morning, this is the workshop, how can I help you?";
const ORDER: &str = "I would like to order two lamps for the kitchen, please.";

/// Speech as a WAV of 22 kHz, by the installed `espeak-ng`.
fn spoken(text: &str) -> Result<Vec<u8>> {
    let output = Command::new("espeak-ng").args(["--stdout", text]).output().context("`espeak-ng` is not installed")?;
    let sound = output.stdout;
    // Into a pipe it writes a header without lengths.
    wav(22_050, &[sound.get(44..).context("no sound")?.to_vec()])
}

/// A 16-bit WAV of channels of little-endian samples.
fn wav(rate: u32, channels: &[Vec<u8>]) -> Result<Vec<u8>> {
    let samples = channels.iter().map(Vec::len).max().context("no channel")? / 2;
    let at =
        |channel: &Vec<u8>, index: usize| channel.get(2 * index..2 * index + 2).map_or([0; 2], |two| [two[0], two[1]]);
    let data: Vec<u8> =
        (0..samples).flat_map(|index| channels.iter().flat_map(move |channel| at(channel, index))).collect();
    let count = u16::try_from(channels.len())?;
    let length = u32::try_from(data.len())?;
    let mut file = b"RIFF".to_vec();
    file.extend((length + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(count.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2 * u32::from(count)).to_le_bytes());
    file.extend((2 * count).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    Ok(file)
}

fn mp3(wav: &[u8]) -> Result<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("fake-whisper-{}-{:p}", std::process::id(), wav));
    std::fs::create_dir_all(&folder)?;
    let (from, to) = (folder.join("a.wav"), folder.join("a.mp3"));
    std::fs::write(&from, wav)?;
    let status = Command::new("lame").args(["--quiet", "-b", "32"]).args([&from, &to]).status();
    ensure!(status.context("`lame` is not installed")?.success(), "`lame` has failed");
    let bytes = std::fs::read(to)?;
    std::fs::remove_dir_all(folder)?;
    Ok(bytes)
}

async fn taught() -> Result<Whisper> {
    let whisper = Whisper::in_the_house().await?;
    for text in [GREETING, ORDER] {
        let sound = Sound::read(&spoken(text)?)?;
        let segments = vec![Segment::new(0, sound.duration_ms(), text)];
        whisper.teach(Lesson { sound, language: "en".into(), segments });
    }
    Ok(whisper)
}

fn sent<'a>(file: &'a [u8], name: &'a str, kind: &'a str, more: &[(&'a str, &'a str)]) -> Vec<u8> {
    let mut fields = vec![("model", "whisper-1"), ("response_format", "verbose_json")];
    fields.extend(more);
    form("/v1/audio/transcriptions", Some((file, name, kind)), &fields)
}

#[tokio::test]
async fn speech_is_recognised_whatever_it_was_packed_into() -> Result<()> {
    let whisper = taught().await?;
    let file = spoken(ORDER)?;
    for (bytes, name, kind) in [(file.clone(), "a.wav", "audio/wav"), (mp3(&file)?, "a.mp3", "audio/mpeg")] {
        let (status, body) = ask(&whisper.url, &sent(&bytes, name, kind, &[("language", "en")])).await?;
        let answer: Value = serde_json::from_str(&body)?;
        ensure!(status == 200 && answer["segments"][0]["text"] == format!(" {ORDER}"), "{name}: {body}");
        ensure!(answer["language"] == "english", "{body}");
    }
    let heard = whisper.heard();
    ensure!(heard[0].text == ORDER && heard[0].bytes == file && heard[1].sound.channels() == 1, "{heard:?}");
    ensure!(heard[1].sound.duration_ms().abs_diff(heard[0].sound.duration_ms()) < 100, "{heard:?}");
    whisper.verdict()
}

#[tokio::test]
async fn what_is_cut_or_another_sentence_is_not_recognised() -> Result<()> {
    let whisper = taught().await?;
    let (order, other) =
        (Sound::read(&spoken(ORDER)?)?, Sound::read(&spoken("Where have you been all these years, my friend?")?)?);
    ensure!(order.likeness(&order) > 0.999, "{}", order.likeness(&order));
    ensure!(order.likeness(&other) < 0.7, "{}", order.likeness(&other));
    let file = spoken(ORDER)?;
    let half = wav(22_050, &[file[44..file.len() / 2 / 2 * 2].to_vec()])?;
    for bytes in [half, spoken("Where have you been all these years, my friend?")?] {
        let (status, body) = ask(&whisper.url, &sent(&bytes, "a.wav", "audio/wav", &[])).await?;
        let answer: Value = serde_json::from_str(&body)?;
        ensure!(status == 200 && answer["text"] == "" && answer["segments"] == json!([]), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn both_sides_in_one_file_are_two_channels() -> Result<()> {
    let (left, right) = (spoken(GREETING)?, spoken(ORDER)?);
    let quiet = vec![0; left.len()];
    let late = [quiet, right[44..].to_vec()].concat();
    let both = Sound::read(&wav(22_050, &[left[44..].to_vec(), late])?)?;
    let begins = Sound::read(&left)?.duration_ms();
    ensure!(both.channels() == 2, "{both:?}");
    ensure!(both.energy(0, 0, begins) > 0.02 && both.energy(1, 0, begins) < 0.001, "the sides are mixed up");
    ensure!(
        both.energy(0, begins + 100, 60_000) < 0.001 && both.energy(1, begins, 60_000) > 0.02,
        "the sides are mixed up"
    );
    ensure!(both.channel(0).likeness(&Sound::read(&left)?) > 0.95, "the left side is not what it was");
    Ok(())
}

#[tokio::test]
async fn silence_is_what_whisper_makes_of_it() -> Result<()> {
    let whisper = taught().await?;
    let silence = wav(8_000, &[vec![0; 32_000]])?;
    let (_, body) = ask(&whisper.url, &sent(&silence, "a.wav", "audio/wav", &[])).await?;
    let answer: Value = serde_json::from_str(&body)?;
    ensure!(
        answer["segments"][0]["text"] == " Thank you." && answer["segments"][0]["no_speech_prob"] == 0.92,
        "{body}"
    );
    ensure!(
        whisper.heard()[0].text.is_empty() && whisper.heard()[0].sound.duration_ms() == 2_000,
        "{:?}",
        whisper.heard()
    );
    Ok(())
}

#[tokio::test]
async fn what_the_real_one_refuses_is_refused() -> Result<()> {
    let whisper = taught().await?;
    let file = spoken(ORDER)?;
    let large = wav(8_000, &[vec![0; 26 << 20]])?;
    let short = wav(8_000, &[vec![0; 200]])?;
    let path = "/v1/audio/transcriptions";
    let model = ("model", "whisper-1");
    let mut torn = sent(&file, "a.wav", "audio/wav", &[]);
    let end = torn.len() - 4;
    torn[end..].copy_from_slice(b"xx\r\n");
    for (request, wanted) in [
        (form(path, None, &[model]), 400),
        (form(path, Some((&file, "a.wav", "audio/wav")), &[]), 400),
        (form(path, Some((&file, "a.wav", "audio/wav")), &[("model", "whisper-9")]), 404),
        (form(path, Some((&file, "a.exe", "audio/wav")), &[model]), 400),
        (form(path, Some((&file, "a.mp3", "audio/mpeg")), &[model]), 400),
        (form(path, Some((&file, "a.wav", "text/plain")), &[model]), 400),
        (form(path, Some((&file[..400], "a.wav", "audio/wav")), &[model]), 400),
        (form(path, Some((&short, "a.wav", "audio/wav")), &[model]), 400),
        (form(path, Some((&large, "a.wav", "audio/wav")), &[model]), 413),
        (sent(&file, "a.wav", "audio/wav", &[("language", "en-US")]), 400),
        (sent(&file, "a.wav", "audio/wav", &[("temperature", "9")]), 400),
        (sent(&file, "a.wav", "audio/wav", &[("speed", "2")]), 400),
        (sent(&file, "a.wav", "audio/wav", &[("model", "whisper-1")]), 400),
        (torn, 400),
        (post_json(path, &json!({"file": "a"})), 400),
        (form("/v1/audio", Some((&file, "a.wav", "audio/wav")), &[model]), 404),
        (post_json("/v1/chat/completions", &json!({"model": "gpt-4o-mini", "messages": []})), 400),
        (post_json("/v1/chat/completions", &json!({"model": "gpt-4o-mini", "prompt": "x", "messages": []})), 400),
    ] {
        let (status, body) = ask(&whisper.url, &request).await?;
        ensure!(status == wanted && body.starts_with("{\"error\":"), "{status} and not {wanted}: {body}");
    }
    ensure!(whisper.heard().is_empty() && whisper.verdict().is_err(), "{:?}", whisper.heard());
    Ok(())
}

#[tokio::test]
async fn a_file_whose_name_tells_who_called_is_taken_and_remembered() -> Result<()> {
    let whisper = taught().await?;
    let file = spoken(ORDER)?;
    let (status, body) = ask(&whisper.url, &sent(&file, "2026-11-22_0915_4930123456.wav", "audio/wav", &[])).await?;
    ensure!(status == 200 && whisper.heard()[0].text == ORDER && whisper.verdict().is_err(), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_summed_up_as_it_was_told() -> Result<()> {
    let whisper = Whisper::in_the_house().await?;
    whisper.sums_up("Two lamps.");
    let messages = json!([{"role": "system", "content": "Sum up."}, {"role": "user", "content": ORDER}]);
    let asked = post_json("/v1/chat/completions", &json!({"model": "gpt-4o-mini", "messages": messages}));
    let (status, body) = ask(&whisper.url, &asked).await?;
    let answer: Value = serde_json::from_str(&body)?;
    ensure!(status == 200 && answer["choices"][0]["message"]["content"] == "Two lamps.", "{body}");
    ensure!(whisper.chats()[0].user == ORDER && whisper.chats()[0].system == "Sum up.", "{:?}", whisper.chats());
    whisper.verdict()
}

#[tokio::test]
async fn in_the_cloud_nobody_is_heard_without_the_key() -> Result<()> {
    let whisper = Whisper::in_the_house().await?;
    whisper.wants("sk-1");
    let asked = |key: &str| format!("GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\n\r\n").into_bytes();
    for (key, wanted) in [("Bearer sk-1", 200), ("Bearer sk-2", 401), ("sk-1", 401), ("Basic sk-1", 401)] {
        let (status, body) = ask(&whisper.url, &asked(key)).await?;
        ensure!(status == wanted, "{key}: {body}");
    }
    ensure!(whisper.strangers() == 3, "{}", whisper.strangers());
    Ok(())
}
