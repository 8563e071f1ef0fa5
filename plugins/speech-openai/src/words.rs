//! What a server has heard (reference, *Create transcription*, "Returns").

use hookswitch_sdk::Turn;
use serde::Deserialize;

use crate::language;
use crate::options::Form;

/// A server that says more than this of one file, or of a time beyond it, is not believed.
const MOST_TURNS: usize = 20_000;
const LONGEST: f64 = 24.0 * 60.0 * 60.0;

/// Whisper's own measure of what it took for words where nobody spoke.
const NO_SPEECH: f64 = 0.6;
const UNSURE: f64 = -1.0;

/// The words of one file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heard {
    /// BCP 47, or empty.
    pub(crate) language: String,
    /// In order of time.
    pub(crate) turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Answer {
    text: Option<String>,
    language: Option<String>,
    segments: Option<Vec<Segment>>,
}

#[derive(Deserialize)]
struct Segment {
    start: f64,
    end: f64,
    text: String,
    no_speech_prob: Option<f64>,
    avg_logprob: Option<f64>,
}

/// Reads an answer: JSON of either form whatever was asked for, plain text only where that was. `speaker` is whose words they
/// are, `duration_ms` how long the file is. None: it is none of these, or half of one.
pub(crate) fn read(text: &str, form: Form, speaker: &str, duration_ms: u64) -> Option<Heard> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let whole = |words: &str| {
        let turn =
            Turn { speaker: speaker.to_owned(), start_ms: 0, end_ms: duration_ms, text: words.trim().to_owned() };
        if turn.text.is_empty() { Vec::new() } else { vec![turn] }
    };
    if form == Form::Text && !text.starts_with('{') {
        return Some(Heard { language: String::new(), turns: whole(text) });
    }
    let answer: Answer = serde_json::from_str(text).ok()?;
    let language = language::tag(answer.language.as_deref().unwrap_or_default());
    let turns = match (answer.segments, answer.text) {
        (Some(segments), _) if !segments.is_empty() => turns(&segments, speaker),
        (_, Some(words)) => whole(&words),
        (Some(_), None) => Vec::new(),
        (None, None) => return None,
    };
    Some(Heard { language, turns })
}

fn turns(segments: &[Segment], speaker: &str) -> Vec<Turn> {
    let spoken = segments.iter().take(MOST_TURNS).filter(|segment| !is_invented(segment));
    let turns = spoken.map(|segment| {
        let start_ms = milliseconds(segment.start);
        let end_ms = milliseconds(segment.end).max(start_ms);
        Turn { speaker: speaker.to_owned(), start_ms, end_ms, text: segment.text.trim().to_owned() }
    });
    let mut turns: Vec<Turn> = turns.filter(|turn| !turn.text.is_empty()).collect();
    turns.sort_by_key(|turn| turn.start_ms);
    turns
}

/// Models write "Thank you." under silence, of which one side of a conversation is full. Not every server leaves it out.
fn is_invented(segment: &Segment) -> bool {
    segment.no_speech_prob.is_some_and(|silence| silence > NO_SPEECH)
        && segment.avg_logprob.is_some_and(|sureness| sureness < UNSURE)
}

fn milliseconds(seconds: f64) -> u64 {
    let bounded = if seconds.is_finite() { seconds.clamp(0.0, LONGEST) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between nothing and a day")]
    let milliseconds = (bounded * 1000.0).round() as u64;
    milliseconds
}

/// What both sides have said, in order of time.
pub(crate) fn merge(sides: impl IntoIterator<Item = Heard>) -> Heard {
    let mut all = Heard::default();
    for side in sides {
        // A side that said nothing is taken for whatever the model likes.
        if all.language.is_empty() && !side.turns.is_empty() {
            all.language = side.language;
        }
        all.turns.extend(side.turns);
    }
    all.turns.sort_by_key(|turn| turn.start_ms);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(speaker: &str, start_ms: u64, end_ms: u64, text: &str) -> Turn {
        Turn { speaker: speaker.into(), start_ms, end_ms, text: text.into() }
    }

    #[test]
    fn segments_become_turns_with_their_times() {
        let answer = r#"{"task":"transcribe","language":"german","duration":4.2,"text":" Guten Tag. Wer ist da?","segments":[
            {"id":1,"start":2.0,"end":4.2,"text":" Wer ist da?","no_speech_prob":0.01,"avg_logprob":-0.2},
            {"id":0,"start":0.25,"end":1.5,"text":" Guten Tag."}]}"#;
        let turns = vec![turn("agent", 250, 1_500, "Guten Tag."), turn("agent", 2_000, 4_200, "Wer ist da?")];
        assert_eq!(read(answer, Form::Verbose, "agent", 4_200), Some(Heard { language: "de".into(), turns }));
    }

    #[test]
    fn without_times_the_words_are_one_turn() {
        let turns = vec![turn("", 0, 9_000, "Hello there.")];
        let said = Some(Heard { language: String::new(), turns });
        assert_eq!(read(r#"{"text":" Hello there.\n"}"#, Form::Json, "", 9_000), said);
        assert_eq!(read("Hello there.\n", Form::Text, "", 9_000), said);
        assert_eq!(read(r#"{"text":"Hello there.","segments":[]}"#, Form::Verbose, "", 9_000), said);
        // A page that a proxy has put in between is nobody's words.
        assert_eq!(read("<html>Please sign in</html>", Form::Verbose, "", 9_000), None);
    }

    #[test]
    fn nothing_said_is_no_turn_and_half_an_answer_none() {
        for nothing in ["", "\n", r#"{"text":""}"#, r#"{"segments":[]}"#] {
            assert_eq!(read(nothing, Form::Text, "", 1), Some(Heard::default()), "{nothing}");
        }
        for wrong in ["", r#"{"text":"Hel"#, "{}", r#"{"segments":[{"start":"now"}]}"#] {
            assert_eq!(read(wrong, Form::Json, "", 1), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_model_invents_under_silence_is_left_out() {
        let segment = |silence: f64, sureness: f64| {
            format!(r#"{{"start":0,"end":1,"text":"Thank you.","no_speech_prob":{silence},"avg_logprob":{sureness}}}"#)
        };
        let heard = |silence, sureness| {
            let answer = format!(r#"{{"segments":[{}]}}"#, segment(silence, sureness));
            read(&answer, Form::Verbose, "", 1).map(|heard| heard.turns.len())
        };
        assert_eq!((heard(0.9, -1.4), heard(0.9, -0.2), heard(0.1, -1.4)), (Some(0), Some(1), Some(1)));
    }

    #[test]
    fn impossible_times_are_bounded() {
        let answer = r#"{"segments":[{"start":-3,"end":1e300,"text":"a"},{"start":5,"end":2,"text":"b"}]}"#;
        let turns = vec![turn("", 0, 86_400_000, "a"), turn("", 5_000, 5_000, "b")];
        assert_eq!(read(answer, Form::Verbose, "", 1).map(|heard| heard.turns), Some(turns));
    }

    #[test]
    fn two_sides_become_one_conversation() {
        let agent =
            Heard { language: "en".into(), turns: vec![turn("agent", 10, 20, "Hello"), turn("agent", 50, 60, "Yes")] };
        let caller = Heard { language: "de".into(), turns: vec![turn("external", 30, 40, "Is it you?")] };
        let both = merge([agent, caller]);
        assert_eq!(both.language, "en");
        let said: Vec<_> = both.turns.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(said, ["Hello", "Is it you?", "Yes"]);
        let silent = Heard { language: "cy".into(), turns: vec![] };
        assert_eq!(merge([silent, both]).language, "en");
    }
}
