//! Files of the history: archives, tables, and what comes in their place.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder},
};
use hookswitch_call::{Millis, signal::Direction};
use hookswitch_pbx::rostelecom::{Words, history};

use crate::START;

const ROWS: &str = "DEMOs7;1;1;1;sip:79990001122@192.0.2.1;;sip:74950000000@192.0.2.1;sip:admin@example.rt.ru;102;\
                    2024-03-05 10:20:30;14;false;true;false;;\n\
                    DEMOs8;1;2;2;sip:admin@example.rt.ru;102;sip:79990001122@192.0.2.1;;;1709623230;0;0;0;0;486;Busy Here\n";

/// A ZIP archive, written by hand: one local header, one entry in the directory, the end.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        packed.write_all(content).unwrap();
        let packed = packed.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut common = Vec::new();
        common.extend(20u16.to_le_bytes());
        common.extend(0u16.to_le_bytes());
        common.extend(8u16.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(&packed);
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend((files.len() as u16).to_le_bytes());
    archive.extend((files.len() as u16).to_le_bytes());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_table_without_a_header_and_one_with_are_the_same_calls() {
    let words = Words::default();
    let calls = history::read(&zip(&[("readme.txt", b"hello"), ("history.csv", ROWS.as_bytes())]), &words).unwrap();
    assert_eq!(calls.len(), 2);
    let [first, second] = calls.as_slice() else { panic!("two") };
    assert_eq!((first.call.as_str(), first.direction), ("DEMOs7", Some(Direction::Inbound)));
    assert_eq!((first.started, first.duration, first.recorded), (Some(Millis(START)), 14_000, true));
    assert_eq!((first.answerer_pin.clone(), first.accepted), (Some("102".into()), Some(true)));
    assert_eq!((second.status_code.as_str(), second.status.as_str()), ("486", "Busy Here"));

    // As the guide has it: gzip, commas, and columns in another order.
    let header = "direction,session_id,state,start_call_date,duration,orig_number\n";
    let guide = format!("\u{feff}{header}1,DEMOs7,1,2024-03-05 10:20:30,14,\"sip:79990001122@192.0.2.1\"\n");
    let calls = history::read(&gzip(guide.as_bytes()), &words).unwrap();
    assert_eq!((calls.len(), &calls[0].call, calls[0].started), (1, &first.call, first.started));
    assert_eq!(calls[0].caller.as_deref(), Some("79990001122"));
}

#[test]
fn what_is_not_ready_is_no_error_and_what_is_damaged_is_one() {
    let words = Words::default();
    for page in ["<html><body>File [42] not found</body></html>", r#"{"result":"-5","resultMessage":"not ready"}"#, ""]
    {
        assert_eq!(history::read(page.as_bytes(), &words), Err(history::Error::NotReady), "{page}");
    }
    assert!(history::read(&zip(&[]), &words).unwrap().is_empty());
    assert!(history::read(&gzip(b""), &words).unwrap().is_empty());
    let whole = zip(&[("history.csv", ROWS.as_bytes())]);
    for length in 4..whole.len() {
        assert!(history::read(&whole[..length], &words).is_err(), "the first {length} bytes");
    }
    // A stranger's bytes in a table cost their row.
    let calls = history::read(&gzip(b"\xff\xfe;1\n;;;\nDEMO s;1\nDEMOs9;1\n"), &words).unwrap();
    assert_eq!(calls.iter().map(|record| record.call.as_str()).collect::<Vec<_>>(), ["DEMOs9"]);
}

#[test]
fn a_bomb_does_not_go_off() {
    let words = Words::default();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    let million = vec![b';'; 1 << 20];
    for _ in 0..=history::LARGEST >> 20 {
        bomb.write_all(&million).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{} bytes unpack to more than is let in", bomb.len());
    assert_eq!(history::read(&bomb, &words), Err(history::Error::TooLarge));
    let rows: String = (0..100_001).map(|number| format!("s{number};1\n")).collect();
    assert_eq!(history::read(&gzip(rows.as_bytes()), &words), Err(history::Error::TooLarge));
    let files: Vec<_> = (0..17).map(|number| (format!("{number}.csv"), ROWS.as_bytes())).collect();
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    assert!(matches!(history::read(&zip(&files), &words), Err(history::Error::Damaged(_))));
}
