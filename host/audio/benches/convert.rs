//! How long a WAV file takes to become an MP3 through the child, beside plain `lame` on the same file.
//!
//! `cargo bench -p hookswitch-audio`. Rounds are interleaved, so that another load on the machine meets both; the best round
//! of each is shown, and their ratio. This program starts itself again as the child.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    f64::consts::TAU,
    fs,
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use hookswitch_audio::{Bitrate, Bounds, Channels, Mp3, Wanted, process};

const CHILD: &str = "process-recording";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        return hookswitch_audio::child();
    }
    // Under `cargo test --all-targets` a bench only shows that it runs.
    let (rounds, seconds) = if std::env::args().any(|argument| argument == "--bench") { (5, 600) } else { (1, 2) };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!(
        "{:<32} {:>9} {:>9} {:>12} {:>12}",
        "WAV to MP3 of 32 kbit/s", "lame s", "ours s", "x real time", "x lame"
    );
    for (name, channels) in [("8 kHz, one channel", 1), ("8 kHz, two channels", 2)] {
        let wav = folder.path().join("in.wav");
        write(&wav, channels, seconds);
        let (mut lame, mut ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds {
            lame = lame.min(timed(|| by_lame(&wav, channels)));
            ours = ours.min(timed(|| by_us(&wav)));
        }
        let [lame, ours] = [lame, ours].map(|took| took.as_secs_f64());
        println!("{name:<32} {lame:>9.3} {ours:>9.3} {:>12.0} {:>12.2}", f64::from(seconds) / ours, lame / ours);
    }
    ExitCode::SUCCESS
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn by_lame(wav: &Path, channels: u16) {
    let mode = if channels == 1 { "m" } else { "s" };
    // Stands back as far as our child does: else a load on the machine would meet one and not the other.
    let lame = Command::new("nice")
        .args(["-n", "10", "lame", "--silent", "--noreplaygain", "-b", "32", "-m", mode])
        .args([wav, &wav.with_extension("lame.mp3")])
        .status();
    assert!(lame.unwrap().success());
}

fn by_us(wav: &Path) {
    let bitrate = Bitrate::try_from(32).unwrap();
    let wanted = Wanted::Mp3(Mp3 { bitrate, channels: Channels::Keep, encoder: "lame".into() });
    let command = [std::env::current_exe().unwrap().into(), CHILD.into()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = wav.with_extension("mp3");
    let facts = runtime.block_on(process(&command, &wanted, wav, &output, &Bounds::default())).unwrap();
    assert!(facts.converted && !facts.damaged);
}

/// Something like speech, in syllables.
fn write(path: &Path, channels: u16, seconds: u32) {
    let sample = |at: u32| {
        let t = f64::from(at) / 8_000.0;
        let phase = TAU * (140.0 * t + 4.0 * (TAU * 0.6 * t).sin());
        let tone: f64 = (1..=9).map(|n| (f64::from(n) * phase).sin() / f64::from(n)).sum();
        (9_000.0 * tone * (TAU * 2.0 * t).sin().max(0.0)) as i16
    };
    let once: Vec<u8> = (0..16_000).flat_map(|at| sample(at).to_le_bytes().repeat(channels.into())).collect();
    let data = once.repeat(seconds as usize / 2);
    let block = channels * 2;
    let mut file = [b"RIFF", &(data.len() as u32 + 36).to_le_bytes()[..], b"WAVEfmt \x10\0\0\0\x01\0"].concat();
    file.extend_from_slice(&[channels.to_le_bytes(), 8_000_u16.to_le_bytes(), [0, 0]].concat());
    file.extend_from_slice(&(8_000 * u32::from(block)).to_le_bytes());
    file.extend_from_slice(&[block.to_le_bytes(), 16_u16.to_le_bytes()].concat());
    file.extend_from_slice(&[b"data".as_slice(), &(data.len() as u32).to_le_bytes(), &data].concat());
    fs::write(path, file).unwrap();
}
