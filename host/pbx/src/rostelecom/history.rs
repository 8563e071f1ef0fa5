//! A downloaded history: a ZIP archive or gzip with one table of calls (section 4). Whatever it claims to be, no more
//! is unpacked than [`LARGEST`].

use std::io::{Cursor, Read};

use csv::{ByteRecord, ReaderBuilder};
use hookswitch_call::Chain;

use super::{Record, Words};

/// Bytes that are unpacked at most.
pub const LARGEST: u64 = 64 << 20;
/// Calls that are read at most.
const MOST: usize = 100_000;
/// Files in an archive. There should be one.
const MOST_FILES: usize = 16;
/// The columns where no header names them, in order.
const COLUMNS: [&str; 16] = [
    "session_id",
    "call_type",
    "direction",
    "state",
    "orig_number",
    "orig_pin",
    "dest_number",
    "answering_sipuri",
    "answering_pin",
    "start_call_date",
    "duration",
    "is_voicemail",
    "is_record",
    "is_fax",
    "status_code",
    "status_string",
];

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A page or an error came in its place: it is not ready yet.
    #[error("it is not ready")]
    NotReady,
    /// The file is damaged, or not what it should be.
    #[error("the file cannot be read: {0}")]
    Damaged(String),
    /// It unpacks to more than it may.
    #[error("it is larger than {} MiB when it is unpacked, or has more than {MOST} calls", LARGEST >> 20)]
    TooLarge,
}

/// The calls in a file as it was downloaded. Rows that name no call are left out.
///
/// # Errors
///
/// What is wrong with it.
pub fn read(file: &[u8], words: &Words) -> Result<Vec<Record>, Error> {
    let table = match file {
        [b'P', b'K', 3, 4, ..] => unzip(file)?,
        [0x1f, 0x8b, ..] => limited(flate2::read::MultiGzDecoder::new(file))?,
        // An archive without files.
        [b'P', b'K', 5, 6, ..] => Vec::new(),
        _ => return Err(Error::NotReady),
    };
    rows(&table, words)
}

fn damaged(error: impl ToString) -> Error {
    Error::Damaged(error.to_string())
}

fn unzip(file: &[u8]) -> Result<Vec<u8>, Error> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
    if archive.len() > MOST_FILES {
        return Err(damaged(format!("{} files in an archive that should have one", archive.len())));
    }
    // The table, whatever else is there.
    let table = archive.file_names_raw().position(|name| name.to_ascii_lowercase().ends_with(b".csv"));
    match archive.len() {
        0 => Ok(Vec::new()),
        _ => limited(archive.by_index(table.unwrap_or(0)).map_err(damaged)?),
    }
}

fn limited(packed: impl Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    packed.take(LARGEST + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > LARGEST { Err(Error::TooLarge) } else { Ok(bytes) }
}

fn rows(table: &[u8], words: &Words) -> Result<Vec<Record>, Error> {
    let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table);
    let line = table.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| line.iter().filter(|byte| **byte == mark).count();
    let delimiter = if count(b';') >= count(b',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(table);
    let mut columns: Vec<String> = COLUMNS.map(str::to_owned).into();
    let mut row = ByteRecord::new();
    let mut records = Vec::new();
    let cell = |row: &ByteRecord, at: usize| {
        row.get(at).map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).filter(|cell| !cell.is_empty())
    };
    while reader.read_byte_record(&mut row).map_err(damaged)? {
        let Some(id) = cell(&row, 0) else { continue };
        if records.is_empty() && row.iter().any(|cell| cell.trim_ascii().eq_ignore_ascii_case(b"session_id")) {
            columns = row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_ascii_lowercase()).collect();
            continue;
        }
        let field = |name: &str| columns.iter().position(|column| column == name).and_then(|at| cell(&row, at));
        let id = field("session_id").unwrap_or(id);
        if id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            if records.len() >= MOST {
                return Err(Error::TooLarge);
            }
            records.push(Record::read(Chain::from(id), &field, words));
        }
    }
    Ok(records)
}
