//! Recordings of an Asterisk: files that grow, and links that lead out of the folder.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    pin::Pin,
    process::{Child, Command, Stdio},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use hookswitch_pbx::{
    Links, Pass, Pattern, Recordings, Slot, Source as _, Unfetched,
    asterisk::{self, Archive, Asterisk, Config, Login, Patience, Routing, Site},
};
use tempfile::TempDir;
use tokio::io::AsyncWrite;

use crate::{
    links::fetch,
    server::{Server, answer, good, sound},
};

/// What the PBX calls its folder.
const FOLDER: &str = "/var/spool/asterisk/monitor";
const SETTLE: Duration = Duration::from_millis(200);

/// An Asterisk that is never reached: its recordings lie elsewhere.
fn asterisk(recordings: asterisk::Recordings, archive: &Archive) -> Arc<dyn Recordings> {
    let config = Config {
        address: "192.0.2.1:5038".to_owned(),
        username: "hookswitch".to_owned(),
        secret: "s3cr3t".into(),
        login: Login::Automatic,
        tls: None,
        site: Site { recordings, ..Site::default() },
        dialling: None,
        routing: Routing::default(),
        patience: Patience::default(),
    };
    Asterisk::new(config).with_archive(archive).unwrap().recordings().unwrap()
}

/// Its folder is seen here.
fn mounted(at: &Path) -> Arc<dyn Recordings> {
    let recordings = asterisk::Recordings { folder: Some(FOLDER.to_owned()), ..asterisk::Recordings::default() };
    asterisk(recordings, &Archive::Folder { mounted: at.to_owned(), settle: SETTLE })
}

/// A WAV as Asterisk leaves it behind.
fn wav(bytes: usize) -> Vec<u8> {
    let length = u32::try_from(bytes).unwrap();
    let format = b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data";
    let head = [b"RIFF".as_slice(), &(length + 36).to_le_bytes(), b"WAVE", format, &length.to_le_bytes()].concat();
    [head, (0..bytes).map(|at| (at % 249) as u8).collect()].concat()
}

fn is_missing(fetched: &Result<u64, Unfetched>, says: &str) -> bool {
    matches!(fetched, Err(Unfetched::Missing(text)) if text.contains(says))
}

#[tokio::test]
async fn a_finished_file_is_fetched_by_every_name_that_the_host_may_know_it_by() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("2026/11")).unwrap();
    let (whole, other) = (wav(300_000), sound(5000));
    fs::write(folder.path().join("2026/11/in 1+2.wav"), &whole).unwrap();
    fs::write(folder.path().join("b.gsm"), &other).unwrap();
    let recordings = mounted(folder.path());
    for file in ["2026/11/in 1+2.wav".to_owned(), format!("{FOLDER}/2026/11/in 1+2.wav")] {
        assert_eq!(fetch(&*recordings, &file).await, (Ok(whole.len() as u64), whole.clone()), "{file}");
    }
    assert_eq!(fetch(&*recordings, "b.gsm").await, (Ok(other.len() as u64), other));
    // CRMs are told an address, and the file is had from the disk.
    let by_url = asterisk::Recordings {
        folder: Some(FOLDER.to_owned()),
        url: Pattern::new("https://pbx.example.com/rec/{path}?x", Slot::Path).ok(),
        cdr_field: None,
    };
    let archive = Archive::Folder { mounted: folder.path().to_owned(), settle: SETTLE };
    let file = "https://pbx.example.com/rec/2026/11/in%201%2B2.wav?x";
    assert_eq!(fetch(&*asterisk(by_url, &archive), file).await.0, Ok(whole.len() as u64));
    let gone = fetch(&*recordings, "2026/11/c.wav").await.0;
    assert!(is_missing(&gone, "it is not in"), "{gone:?}");
}

/// A program that would write for ever.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        // It may be done.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_file_that_a_program_still_writes_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.ulaw");
    // It writes a little again and again, until it is told to say its last words.
    let script = "while [ ! -e \"$0\" ]; do printf 'sound '; sleep 0.02; done; printf END";
    let stop = folder.path().join("stop");
    let output = File::create(&path).unwrap();
    let program = Command::new("sh").args(["-c", script]).arg(&stop).stdin(Stdio::null()).stdout(output).spawn();
    let mut program = Writer(program.unwrap());
    let recordings = mounted(folder.path());
    let mut waited = false;
    // A machine that is busy with other things may let the program sleep for once.
    for _ in 0..10 {
        let (fetched, to) = fetch(&*recordings, "a.ulaw").await;
        if is_missing(&fetched, "still being written") {
            assert!(to.is_empty(), "nothing of it is given");
            waited = true;
            break;
        }
    }
    assert!(waited, "it grew all the while");
    File::create(stop).unwrap();
    assert!(program.0.wait().unwrap().success());
    let (fetched, to) = fetch(&*recordings, "a.ulaw").await;
    let written = fs::read(&path).unwrap();
    assert!(fetched == Ok(written.len() as u64) && to == written && to.ends_with(b"END"), "{fetched:?}");
}

#[tokio::test]
async fn a_wav_whose_head_is_not_written_yet_is_waited_for_unless_nobody_has_touched_it_for_long() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wav");
    // As while it is recorded: the lengths in the head are those of no sound at all.
    let mut young = wav(64_000);
    young[..44].copy_from_slice(&wav(0)[..44]);
    fs::write(&path, &young).unwrap();
    let recordings = mounted(folder.path());
    let (fetched, to) = fetch(&*recordings, "a.wav").await;
    assert!(is_missing(&fetched, "still being written") && to.is_empty(), "{fetched:?}");
    // A recorder that died, or a program that writes no lengths.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    assert_eq!(fetch(&*recordings, "a.wav").await, (Ok(young.len() as u64), young));
    fs::write(&path, wav(64_000)).unwrap();
    assert_eq!(fetch(&*recordings, "a.wav").await.0, Ok(64_044));
    fs::write(folder.path().join("empty.wav"), b"").unwrap();
    assert!(is_missing(&fetch(&*recordings, "empty.wav").await.0, "still being written"));
}

fn meddle(how: &str, path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    match how {
        "shortened" => file.set_len(1000).unwrap(),
        "longer" => file.set_len(2 << 20).unwrap(),
        _ => {
            fs::write(path.with_extension("new"), b"another").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }
    }
}

/// Takes in what is written, and does something when the first of it comes.
struct Meddling<F>(Vec<u8>, Option<F>);

impl<F: FnOnce() + Unpin> AsyncWrite for Meddling<F> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, part: &[u8]) -> Poll<std::io::Result<usize>> {
        if let Some(first) = self.1.take() {
            first();
        }
        self.0.extend_from_slice(part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

// The clocks stand while a disk is asked, and jump to what is waited for.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_changed_or_replaced_while_it_is_looked_at_or_read_is_not_given_in_part() {
    let whole = sound(1 << 20);
    for name in ["shortened", "longer", "replaced"] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.ulaw");
        fs::write(&path, &whole).unwrap();
        let recordings = mounted(folder.path());
        let look = fetch(&*recordings, "a.ulaw");
        let meddler = async {
            tokio::time::sleep(SETTLE / 2).await;
            meddle(name, &path);
        };
        let ((fetched, to), ()) = tokio::join!(look, meddler);
        match name {
            // What was opened is whole, whatever its name means now.
            "replaced" => assert!(fetched == Ok(whole.len() as u64) && to == whole, "{fetched:?}"),
            _ => assert!(is_missing(&fetched, "still being written") && to.is_empty(), "{name}: {fetched:?}"),
        }

        fs::write(&path, &whole).unwrap();
        let mut to = Meddling(Vec::new(), Some(|| meddle(name, &path)));
        let fetched = recordings.fetch("a.ulaw", &mut to).await.map(|fetched| fetched.bytes);
        match name {
            "replaced" => assert!(fetched == Ok(whole.len() as u64) && to.0 == whole, "{fetched:?}"),
            _ => assert!(is_missing(&fetched, "changed while it was read"), "{name}: {fetched:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder_and_only_files_are_given() {
    let all = TempDir::new().unwrap();
    let (folder, outside) = (all.path().join("monitor"), all.path().join("secret"));
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("key"), b"the key").unwrap();
    fs::write(folder.join("sub/real.ulaw"), b"sound").unwrap();
    symlink(outside.join("key"), folder.join("absolute")).unwrap();
    symlink("../secret/key", folder.join("relative")).unwrap();
    symlink("../secret", folder.join("way")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    symlink("/proc/self/environ", folder.join("process")).unwrap();
    symlink("sub/real.ulaw", folder.join("inside")).unwrap();
    let pipe = Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(pipe.success());
    let recordings = mounted(&folder);
    for file in [
        "absolute",
        "relative",
        "way/key",
        "loop",
        "process",
        "pipe",
        "sub",
        "../secret/key",
        "sub/../../secret/key",
        "/etc/passwd",
        &format!("{FOLDER}/../../../../etc/passwd"),
        &format!("{}/key", outside.display()),
    ] {
        let (fetched, to) = fetch(&*recordings, file).await;
        assert!(matches!(fetched, Err(Unfetched::Forbidden(_))) && to.is_empty(), "{file}: {fetched:?}");
    }
    assert_eq!(fetch(&*recordings, "inside").await, (Ok(5), b"sound".to_vec()), "a link within the folder is its own");
    // The folder itself may be a link.
    symlink(&folder, all.path().join("elsewhere")).unwrap();
    assert_eq!(fetch(&*mounted(&all.path().join("elsewhere")), "sub/real.ulaw").await.0, Ok(5));
}

#[tokio::test]
async fn what_an_admin_has_to_do_is_said() {
    let folder = TempDir::new().unwrap();
    let nowhere = asterisk(asterisk::Recordings::default(), &Archive::Unknown);
    let Err(Unfetched::NotConfigured(text)) = fetch(&*nowhere, "a.wav").await.0 else { panic!("it is known") };
    assert!(text.contains("recordings.folder = \"/var/spool/asterisk/monitor\""), "{text}");
    let missing = mounted(&folder.path().join("mnt"));
    let Err(Unfetched::NotConfigured(text)) = fetch(&*missing, "a.wav").await.0 else { panic!("it is there") };
    assert!(text.contains("recordings.mounted = "), "{text}");
    // Root may read everything, and has nothing to be told.
    let path = folder.path().join("a.wav");
    fs::write(&path, wav(100)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_err() {
        let Err(Unfetched::Forbidden(text)) = fetch(&*mounted(folder.path()), "a.wav").await.0 else { panic!("read") };
        assert!(text.contains("group"), "{text}");
    }
}

#[tokio::test]
async fn a_web_server_beside_the_pbx_gives_them_out_with_a_password_and_a_young_file_is_waited_for() {
    let young = |modified: &str, size: u32| {
        let head = format!(
            "content-type: audio/x-wav\r\ncontent-length: 64044\r\ndate: Tue, 05 Mar 2024 09:15:30 GMT\r\n\
             last-modified: {modified}\r\n"
        );
        let mut file = wav(64_000);
        file[4..8].copy_from_slice(&size.to_le_bytes());
        answer(200, &head, &file)
    };
    let server = Server::start(true, move |head| match head.split(' ').nth(1).unwrap() {
        _ if !head.contains("authorization: Basic cmVjOnA0c3M=\r\n") => answer(401, "content-length: 0\r\n", b""),
        "/rec/2026/in%201%2B2.wav" => good(&wav(100)),
        "/rec/young.wav" => young("Tue, 05 Mar 2024 09:15:29 GMT", 36),
        "/rec/old.wav" => young("Tue, 05 Mar 2024 09:10:29 GMT", 36),
        _ => answer(404, "content-length: 0\r\n", b""),
    })
    .await;
    let recordings = asterisk::Recordings {
        folder: Some(FOLDER.to_owned()),
        url: Pattern::new(&format!("{}/rec/{{path}}", server.origin), Slot::Path).ok(),
        cdr_field: None,
    };
    let pass = Some(Pass::Basic { user: "rec".into(), password: "p4ss".into() });
    let ca_file = Some(server.ca.path().to_owned());
    let links = Links { from: Vec::new(), url: recordings.url.clone(), pass, ca_file };
    let recordings = asterisk(recordings, &Archive::Web(links));
    let named = format!("{}/rec/2026/in%201%2B2.wav", server.origin);
    for file in [named.as_str(), "2026/in 1+2.wav", &format!("{FOLDER}/2026/in 1+2.wav")] {
        assert_eq!(fetch(&*recordings, file).await, (Ok(144), wav(100)), "{file}");
    }
    let (fetched, to) = fetch(&*recordings, "young.wav").await;
    assert!(is_missing(&fetched, "still being written") && to.is_empty(), "{fetched:?}");
    assert_eq!(fetch(&*recordings, "old.wav").await.0, Ok(64_044));
    assert!(is_missing(&fetch(&*recordings, "gone.wav").await.0, "404"));
    let before = server.asked().len();
    for file in ["../x.wav", "/etc/passwd"] {
        assert!(matches!(fetch(&*recordings, file).await.0, Err(Unfetched::Forbidden(_))), "{file}");
    }
    assert_eq!(server.asked().len(), before);
}
