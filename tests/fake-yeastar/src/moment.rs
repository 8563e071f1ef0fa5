//! Times as this PBX shows them: `YYYY/MM/DD HH:mm:ss`, in UTC.

/// The Unix second of a text; none for any other format.
pub(crate) fn read(text: &str) -> Option<u64> {
    let shape: String = text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    if shape != "0000/00/00 00:00:00" {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    // Days since 1970 in the Gregorian calendar, with years that begin in March.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 719_469;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

/// A Unix second as a text.
pub(crate) fn write(second: u64) -> String {
    // The day is searched for: it is the last one that does not begin later.
    let at = |year: u64, month: u64, day: u64| read(&format!("{year:04}/{month:02}/{day:02} 00:00:00")).unwrap();
    let year = (1970..2200).rev().find(|year| at(*year, 1, 1) <= second).unwrap();
    let month = (1..=12).rev().find(|month| at(year, *month, 1) <= second).unwrap();
    let day = (1..=31).rev().find(|day| at(year, month, *day) <= second).unwrap();
    let rest = second - at(year, month, day);
    format!("{year:04}/{month:02}/{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_right() {
        for (text, second) in [
            ("1970/01/01 00:00:00", 0),
            ("2000/02/29 12:00:00", 951_825_600),
            ("2024/03/12 09:09:27", 1_710_234_567),
            ("2100/03/01 00:00:00", 4_107_542_400),
        ] {
            assert_eq!(read(text), Some(second), "{text}");
            assert_eq!(write(second), text);
        }
        assert_eq!(read("2024-03-12 09:09:27"), None);
        assert_eq!(read("1710234567"), None);
    }
}
