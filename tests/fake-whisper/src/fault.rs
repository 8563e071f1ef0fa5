//! Trouble to order.

use std::{collections::VecDeque, time::Duration};

/// What goes wrong at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429, with so many seconds in `retry-after`; nothing is done.
    Busy(Option<u32>),
    /// 429 because nobody has paid; nothing is done.
    Unpaid,
    /// A server before it answers this status with a page of HTML; nothing is done.
    Down(u16),
    /// The connection ends after so many bytes of the body were read; nothing is done.
    CutOff(usize),
    /// The work is done, and the connection ends without an answer.
    LostAnswer,
    /// The work is done, and the connection ends within the answer.
    HalfAnswer,
    /// The work is done, and the answer comes so much later.
    Late(Duration),
}

#[derive(Default)]
pub(crate) struct Faults(VecDeque<Option<Fault>>);

impl Faults {
    pub(crate) fn order(&mut self, after: usize, faults: impl IntoIterator<Item = Fault>) {
        self.0 = std::iter::repeat_n(None, after).chain(faults.into_iter().map(Some)).collect();
    }

    pub(crate) fn strike(&mut self) -> Option<Fault> {
        self.0.pop_front().flatten()
    }
}
