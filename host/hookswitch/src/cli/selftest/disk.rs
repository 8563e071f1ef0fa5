//! The disk under a folder: what it is, how much room there is, and how long it takes to make something durable.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::verdict::Percentiles;

/// Most syncs that are measured.
const SYNCS: usize = 500;
/// What was not measured by then is not measured.
const SYNC_TIME: Duration = Duration::from_secs(2);
/// No drive confirms faster than this what would survive a power cut, unless a battery or capacitors stand behind it.
const TOO_FAST_MS: f64 = 0.1;

/// Where a folder lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Mount {
    /// The kind of file system: `ext4`.
    pub(super) kind: String,
    /// What is mounted: `/dev/sda1`.
    pub(super) source: String,
    /// Where.
    pub(super) at: PathBuf,
    /// How.
    options: String,
}

/// The disk under a folder. What this system does not say is none.
#[derive(Debug, Serialize)]
pub(super) struct Disk {
    pub(super) mount: Option<Mount>,
    /// Bytes that this user may still write.
    pub(super) free: u64,
    /// What the drive says of its cache: `write back` forgets at a power cut what was not flushed.
    pub(super) cache: Option<String>,
    /// Milliseconds to write 4 KiB and to have it confirmed (`fdatasync`).
    pub(super) sync_ms: Percentiles,
}

impl Disk {
    /// Looks at the disk under `folder`, which must be writable.
    pub(super) fn look(folder: &Path) -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Ok(Self {
            mount: mount_of(&folder.canonicalize()?, &mounts),
            free: free(folder)?,
            cache: cache(folder),
            sync_ms: measure(folder)?,
        })
    }

    /// What speaks against keeping a journal here, or casts doubt on what was measured.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.mount.iter().flat_map(Mount::warnings).collect();
        if self.sync_ms.p50 < TOO_FAST_MS && warnings.is_empty() {
            warnings.push(format!(
                "a sync of {:.3} ms is faster than a drive alone can be: either a cache with a battery or capacitors \
                 stands behind it, or something here confirms what it does not have yet; find out which",
                self.sync_ms.p50
            ));
        }
        warnings
    }
}

impl Mount {
    fn warnings(&self) -> Vec<String> {
        let kind = self.kind.as_str();
        let network = ["nfs", "cifs", "smb", "fuse", "9p", "ceph", "glusterfs", "virtiofs", "afs", "vboxsf"];
        let about_kind = if ["tmpfs", "ramfs"].contains(&kind) {
            Some("lies in memory: everything is gone when the machine restarts; choose a folder on a disk")
        } else if kind == "overlay" {
            Some("is the layer of a container: it goes with the container; mount a volume and keep the data there")
        } else if network.iter().any(|name| kind.starts_with(name)) {
            Some(
                "is shared over a network or with another system: locks and shared memory of the journal are not \
                 reliable there; choose a local disk",
            )
        } else {
            None
        };
        let careless = ["nobarrier", "barrier=0"];
        let option = self.options.split(',').find(|option| careless.contains(option));
        let about_kind = about_kind.map(|text| format!("{} ({kind}) {text}", self.at.display()));
        let about_option = option.map(|option| {
            format!(
                "{} is mounted with `{option}`: the drive is not told to empty its cache, and a power cut can damage \
                 the journal; mount it without",
                self.at.display()
            )
        });
        about_kind.into_iter().chain(about_option).collect()
    }
}

/// The mount that holds the absolute path `folder`, out of `mounts` as Linux lists them (proc(5), `mountinfo`).
fn mount_of(folder: &Path, mounts: &str) -> Option<Mount> {
    let read = |line: &str| {
        let (place, device) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(4);
        let at = PathBuf::from(unescape(place.next()?));
        let own = place.next()?;
        let mut device = device.split(' ');
        let (kind, source) = (device.next()?.to_owned(), unescape(device.next()?));
        let options = format!("{own},{}", device.next().unwrap_or_default());
        Some(Mount { kind, source, at, options })
    };
    let holding = mounts.lines().filter_map(read).filter(|mount| folder.starts_with(&mount.at));
    // Of several on the same place the last one counts: it covers the others.
    holding.max_by_key(|mount| mount.at.components().count())
}

/// Blanks and the like stand in the list as `\040`.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, char)| text.replace(code, char))
}

fn free(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What the drive under a folder says of its cache (Linux, `queue/write_cache`).
fn cache(folder: &Path) -> Option<String> {
    let device = std::fs::metadata(folder).ok()?.dev();
    let name = format!("/sys/dev/block/{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let folder = Path::new(&name).canonicalize().ok()?;
    // A partition has no queue of its own, its drive has.
    let read = |folder: &Path| std::fs::read_to_string(folder.join("queue/write_cache")).ok();
    Some(read(&folder).or_else(|| read(folder.parent()?))?.trim().to_owned())
}

fn measure(folder: &Path) -> io::Result<Percentiles> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let mut took = Vec::with_capacity(SYNCS);
    let began = Instant::now();
    while took.len() < SYNCS && began.elapsed() < SYNC_TIME {
        let start = Instant::now();
        file.write_all(&[0xa5; 4096])?;
        file.sync_data()?;
        took.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(Percentiles::of(took))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,barrier=0
35 22 0:31 / /srv rw,nosuid - nfs4 filer:/srv rw,vers=4.2
36 22 0:32 /sub /srv/my\\040calls rw - btrfs /dev/sdb rw
37 22 0:33 / /tmp rw - ext4 /dev/sdc rw
38 22 0:34 / /tmp rw - tmpfs tmpfs rw,size=1g
39 22 0:35 / /var/lib/docker rw - overlay overlay rw";

    #[test]
    fn the_mount_of_a_folder_is_the_deepest_and_last_one() {
        let cases = [
            ("/var/lib/hookswitch", "ext4", "/dev/vda1"),
            ("/srv/data", "nfs4", "filer:/srv"),
            ("/srv/my calls/data", "btrfs", "/dev/sdb"),
            ("/tmp/x", "tmpfs", "tmpfs"),
            ("/tmpfiles", "ext4", "/dev/vda1"),
        ];
        for (folder, kind, source) in cases {
            let mount = mount_of(Path::new(folder), MOUNTS).unwrap();
            assert_eq!((mount.kind.as_str(), mount.source.as_str()), (kind, source), "{folder}");
        }
        assert_eq!(mount_of(Path::new("/data"), ""), None);
    }

    #[test]
    fn places_where_a_journal_is_not_safe_are_named() {
        let cases =
            [("/srv", "network"), ("/tmp", "memory"), ("/var/lib/docker/x", "container"), ("/home", "`barrier=0`")];
        for (folder, word) in cases {
            let warnings = mount_of(Path::new(folder), MOUNTS).unwrap().warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(word), "{folder}: {warnings:?}");
        }
        assert_eq!(mount_of(Path::new("/srv/my calls"), MOUNTS).unwrap().warnings(), Vec::<String>::new());
    }
}
