//! Names in a phone system's own phonebook, which its phones show while they ring.

use async_trait::async_trait;

/// Keeps one group of entries in a phone system's phonebook. The group is the host's alone.
#[async_trait]
pub trait Phonebook: Send + Sync {
    /// What the group of this name holds. Makes the group if there is none yet.
    ///
    /// # Errors
    ///
    /// Why it cannot be used, for the admin: the phone system does not answer, or somebody else's entries are in it. The
    /// same holds for what follows.
    async fn open(&self, group: &str) -> Result<Group, String>;

    /// Puts `name` in for `number`, which is in E.164.
    async fn add(&self, group: &Group, number: &str, name: &str) -> Result<(), String>;

    /// Gives an entry another name.
    async fn rename(&self, entry: &Entry, name: &str) -> Result<(), String>;

    /// Takes an entry out.
    async fn remove(&self, entry: &Entry) -> Result<(), String>;
}

/// A group, as it stood when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What the phone system calls it.
    pub id: String,
    /// What it holds.
    pub entries: Vec<Entry>,
}

/// An entry of the host's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the phone system calls it.
    pub id: String,
    /// Its number, as it stands there.
    pub number: String,
    /// The name that it shows.
    pub name: String,
}
