//! The export: a recognition is begun, asked for until it is over, and its words summed up.

use hookswitch_sdk::recording::sides;
use hookswitch_sdk::{Failure, Progress, Recording, Speech, Transcript};

use crate::operation::{self, Order};
use crate::options::{Account, Options, Summaries};
use crate::{SpeechYandex, cloud, completion, language, recognition, words};

impl Speech for SpeechYandex {
    fn start(file: Recording, language: String) -> Result<Progress, Failure> {
        let (account, options) = (Account::read()?, Options::read()?);
        let container = recognition::container(&file)?;
        file.fits(options.largest, "SpeechKit (setting `largest-mb`)")?;
        let language = language::asked(&language);
        // With two channels the service keeps them apart by itself, in one recognition.
        let label = options.label_speakers && sides(&file).is_none();
        let body = recognition::body(&file, container, &language, label, &options);
        let order = Order::begun(&cloud::recognise(&account, body)?, &file, &language)?;
        Ok(order.first(file.duration_ms))
    }

    fn poll(token: String) -> Result<Progress, Failure> {
        let (account, order) = (Account::read()?, Order::read(&token)?);
        if !operation::is_done(&cloud::operation(&account, &order.operation)?)? {
            return Ok(order.later());
        }
        let Some(answer) = cloud::recognition(&account, &order.operation)? else { return Ok(order.later()) };
        let heard =
            words::read(&answer.text, order.speakers.as_ref()).map_err(|wrong| answer.not_understood(&wrong))?;
        let language = heard.language.unwrap_or_else(|| language::tag(&order.language).to_owned());
        Ok(Progress::Done(Transcript { language, turns: heard.turns, ..Transcript::default() }))
    }

    fn summarise(words: Transcript) -> Result<String, Failure> {
        let account = Account::read()?;
        match completion::request(&words, &Summaries::read(&account)?) {
            Some(body) => completion::read(&cloud::complete(&account, &body)?),
            None => Ok(String::new()),
        }
    }
}
