//! What is known of the PBX apart from its calls: what a number stands for.

use std::collections::BTreeSet;

use hookswitch_call::Extension;

use super::news::{Directory, queue_number};

/// What the admin and the PBX say of its numbers.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Numbers of at most so many digits are internal.
    pub short_up_to: usize,
    /// Numbers of queues besides those that the PBX lists.
    pub queues: BTreeSet<String>,
    /// The PBX's own lists; empty until they are read.
    pub directory: Directory,
}

impl Ground {
    /// A number of the PBX itself: an extension, a queue, a menu.
    pub(super) fn is_internal(&self, number: &str) -> bool {
        let short = (1..=self.short_up_to).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        short || self.directory.extensions.contains_key(&Extension::from(number))
    }

    /// The extension of this number. Before the list is read, every internal number that is no queue.
    pub(super) fn extension(&self, number: &str) -> Option<Extension> {
        let extension = Extension::from(number);
        let known = match self.directory.extensions.is_empty() {
            true => self.is_internal(number) && !self.is_queue(number),
            false => self.directory.extensions.contains_key(&extension),
        };
        known.then_some(extension)
    }

    fn is_queue(&self, number: &str) -> bool {
        self.queues.contains(number) || self.directory.queues.contains_key(number)
    }

    /// The queues among the numbers of a call's path, in order. How the numbers are kept apart is not documented.
    pub(super) fn queues_of<'a>(&self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let numbers = path.split(|char: char| !char.is_ascii_alphanumeric() && char != '-').map(queue_number);
        numbers.filter(|number| self.is_queue(number))
    }
}
