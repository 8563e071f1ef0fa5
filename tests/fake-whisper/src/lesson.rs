//! What it was taught: which words a sound holds.

use crate::Sound;

/// Below this two sounds are not the same speech. Two different sentences of the same length come to less than 0.6.
const ALIKE: f64 = 0.8;

/// Some words of a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Both from the beginning of the sound.
    pub start_ms: u64,
    pub end_ms: u64,
    /// The words, with their marks.
    pub text: String,
}

impl Segment {
    /// Words between two times.
    pub fn new(start_ms: u64, end_ms: u64, text: &str) -> Self {
        Self { start_ms, end_ms, text: text.to_owned() }
    }
}

/// A sound and its words.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// What it is recognised by.
    pub sound: Sound,
    /// The code of its language: `de`.
    pub language: String,
    /// Its words, in order.
    pub segments: Vec<Segment>,
}

/// All that was taught.
#[derive(Clone, Debug, Default)]
pub struct Lessons(Vec<Lesson>);

impl Lessons {
    /// One more.
    pub fn add(&mut self, lesson: Lesson) {
        self.0.push(lesson);
    }

    /// The lesson whose sound this is.
    pub fn recognise(&self, sound: &Sound) -> Option<&Lesson> {
        let alike = self.0.iter().map(|lesson| (lesson, lesson.sound.likeness(sound)));
        alike
            .filter(|(_, likeness)| *likeness >= ALIKE)
            .max_by(|(_, one), (_, two)| one.total_cmp(two))
            .map(|(lesson, _)| lesson)
    }
}
