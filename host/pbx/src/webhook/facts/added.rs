//! What is added to a call: keys, notes, recordings, texts.

use std::collections::BTreeMap;

use hookswitch_call::signal::{Fact, RecordingState};
use serde::Deserialize;

use super::{Saying, Tells, fact, one};
use crate::webhook::{
    choice::Choice,
    condition::Conditions,
    moment::Moment,
    reading::{Missing, Reading},
    value::Value,
};

fact! {
    /// The outside party pressed keys.
    Digits as "digits" { digits: Value, }
    |this, reading| Ok(one(Fact::Digits { digits: reading.needed("digits", &this.digits)? }))
}

fact! {
    /// What only this phone system says of a call, under names of one's own; what is missing is left out.
    Noted as "noted" { notes: BTreeMap<String, Value>, }
    |this, reading| {
        let note = |(name, value): (&String, &Value)| {
            let value = reading.notes(value).next()?;
            Some(Saying::Fact(Fact::Noted { name: name.clone(), value }))
        };
        Ok(this.notes.iter().filter_map(note).collect())
    }
}

fact! {
    /// The recording of the call began, paused or ended.
    Recording as "recording" {
        state: Choice<RecordingState>,
        file: Option<Value>,
    }
    |this, reading| {
        let state = this.state.of(reading.message).ok_or_else(|| reading.missing("state"))?;
        let file = this.file.as_ref().and_then(|file| reading.notes(file).next());
        Ok(one(Fact::Recording { state, file }))
    }
}

fact! {
    /// Finished recordings: paths, addresses or ids.
    Recorded as "recorded" { file: Value, }
    |this, reading| {
        let files: Vec<_> = reading.notes(&this.file).map(|file| Saying::Fact(Fact::Recorded { file })).collect();
        if files.is_empty() { Err(reading.missing("file")) } else { Ok(files) }
    }
}

fact! {
    /// What was said, in writing.
    Transcript as "transcript" { text: Value, }
    |this, reading| Ok(one(Fact::Transcript { text: reading.text("text", &this.text)? }))
}

fact! {
    /// What the call was about.
    Summary as "summary" { text: Value, }
    |this, reading| Ok(one(Fact::Summary { text: reading.text("text", &this.text)? }))
}
