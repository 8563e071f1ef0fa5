//! The memory of child and encoder has nothing to do with the length of the recording.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use hookswitch_audio::Channels;

use crate::{
    place::{Place, mp3},
    tests, voice, wave,
};

tests!(three_and_a_half_hours_take_little_memory);

/// Both together, in KiB.
const MOST: u64 = 40 << 10;

/// 200 MiB of sound.
const REPEATS: usize = 200 * (1 << 20) / (8_000 * 2 * voice::SECONDS as usize);

/// The argument by which this program is told to convert a recording and to measure: the folder follows. In a process of its
/// own, whose only descendants are those that count.
pub(crate) const MEASURE: &str = "measure-memory";

async fn three_and_a_half_hours_take_little_memory() {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg(MEASURE).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    let peaks: Vec<u64> =
        text.lines().filter_map(|line| line.strip_suffix(" KiB")?.split(' ').next_back()?.parse().ok()).collect();
    assert!(peaks.len() == 2 && peaks.iter().sum::<u64>() < MOST, "{text}");
}

pub(crate) async fn measure() {
    let place = Place::with(b"");
    write(&place.path("recording"));
    let wanted = mp3(16, Channels::Keep);
    let work = place.process(&wanted);
    tokio::pin!(work);
    let mut peaks = BTreeMap::new();
    let facts = loop {
        tokio::select! {
            facts = &mut work => break facts,
            () = tokio::time::sleep(Duration::from_millis(20)) => peaks.extend(descendants(std::process::id())),
        }
    };
    assert!(facts.converted && !facts.damaged, "{facts:?}");
    assert_eq!(facts.duration_ms, Some(REPEATS as u64 * 1_000 * u64::from(voice::SECONDS)));
    for (name, peak) in peaks.values() {
        println!("{name} {peak} KiB");
    }
}

/// A call of which half is silent.
fn write(path: &Path) {
    let voices: Vec<u8> = voice::interleaved(8_000, 1).iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let silence = vec![0; voices.len()];
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut head = wave::file(&wave::format(1, 1, 8_000, 16), &[]);
    let length = (voices.len() * REPEATS) as u32;
    head[40..44].copy_from_slice(&length.to_le_bytes());
    file.write_all(&head).unwrap();
    for number in 0..REPEATS {
        file.write_all(if number % 2 == 0 { &voices } else { &silence }).unwrap();
    }
}

/// Children of a process and theirs: id, name and the most that was resident, in KiB.
fn descendants(of: u32) -> Vec<(u32, (String, u64))> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().map(|id| id.parse().unwrap()) {
            let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let (Some(name), Some(peak)) = (field("Name:"), field("VmHWM:")) {
                found.push((child, (name.to_owned(), peak.trim_end_matches(" kB").parse().unwrap())));
            }
            found.extend(descendants(child));
        }
    }
    found
}
