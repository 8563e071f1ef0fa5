//! Headers of MP3 frames: ISO/IEC 11172-3, section 2.4.1.3, and ISO/IEC 13818-3 for the lower sample rates.

/// In kbit/s, by their index; 0 is a free format, which nobody uses.
const BIT_RATES_1: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BIT_RATES_2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// How many frames must follow each other where the file is long enough.
const IN_A_ROW: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) sample_rate: u32,
    bytes: usize,
    version: u8,
}

impl Frame {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xff, second, third, _, ..] = bytes else { return None };
        let version = second >> 3 & 0b11;
        let layer = second >> 1 & 0b11;
        if second >> 5 != 0b111 || layer != 0b01 {
            return None;
        }
        let (rates, slots, divided) = match version {
            0b11 => (&BIT_RATES_1, 144, 1),
            0b10 => (&BIT_RATES_2, 72, 2),
            0b00 => (&BIT_RATES_2, 72, 4),
            _ => return None,
        };
        let kbit_s = *rates.get(usize::from(third >> 4)).filter(|kbit_s| **kbit_s > 0)?;
        let sample_rate = *[44_100, 48_000, 32_000].get(usize::from(third >> 2 & 0b11))? / divided;
        let bytes = slots * kbit_s * 1000 / sample_rate + u32::from(third >> 1 & 1);
        Some(Self { sample_rate, bytes: usize::try_from(bytes).ok()?, version })
    }

    fn is_like(self, other: Self) -> bool {
        (self.sample_rate, self.version) == (other.sample_rate, other.version)
    }
}

/// The first frame that is followed by others of its kind; at the very beginning of a short file it may be alone.
pub(crate) fn first_frame(head: &[u8]) -> Option<Frame> {
    (0..head.len()).find_map(|at| {
        let first = Frame::parse(head.get(at..)?)?;
        let mut next = at + first.bytes;
        for found in 1..IN_A_ROW {
            let Some(rest) = head.get(next..).filter(|rest| rest.len() >= 4) else {
                return (at == 0 || found > 1).then_some(first);
            };
            let frame = Frame::parse(rest).filter(|frame| frame.is_like(first))?;
            next += frame.bytes;
        }
        Some(first)
    })
}
