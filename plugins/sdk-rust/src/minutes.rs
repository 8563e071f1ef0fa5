/// A length of time for people: `1:02`, minutes and seconds.
pub fn minutes(ms: u64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_minutes_and_parts_of_a_second_are_left_out() {
        assert_eq!([0, 62_999, 3_600_000].map(minutes), ["0:00", "1:02", "60:00"]);
    }
}
