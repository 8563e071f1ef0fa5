//! Puts recordings and their words into the call's ticket, each as a comment that only agents see. A voice comment cannot be
//! changed once it is written (sheet 1), and it is written before the recording is there.

use hookswitch_sdk::{Failure, Recording, Recordings, Reference, Transcript, info, job, recording};

use crate::account::Account;
use crate::case::{Case, Found, Opening, has_beginning};
use crate::memory::{self, TEXT, Written};
use crate::options::Options;
use crate::{Zendesk, caption, record, text, transcript};

impl Recordings for Zendesk {
    fn attach(to: Reference, file: Recording, link: Option<String>) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        if let Some(link) = &link
            && is_said(link)?
        {
            return Ok(to);
        }
        let link = match link {
            None if file.size > caption::LARGEST => Some(link_to_large(&file, &options)?),
            link => link,
        };
        let comment = caption::text(&file, link.as_deref());
        let added = Added { label: "recording", mark: &caption::mark(&file), comment: &comment };
        added.write(&account, &options, &to, || match link {
            Some(_) => Ok(vec![]),
            None if file.size == 0 => Err(Failure::rejected("empty-recording", "the recording is empty")),
            None => Ok(vec![account.upload(&file)?]),
        })
    }

    fn transcribe(to: Reference, file: Recording, words: Transcript) -> Result<Reference, Failure> {
        let (account, options) = (Account::open()?, Options::read()?);
        let Some(comment) = transcript::text(&file, &words) else { return Ok(to) };
        // A file may have words twice, the phone system's and a speech server's, which differ behind their first line.
        let added = Added { label: "words", mark: &comment, comment: &comment };
        added.write(&account, &options, &to, || Ok(vec![]))
    }
}

/// What one job adds to a ticket.
struct Added<'a> {
    label: &'a str,
    /// How the comment begins.
    mark: &'a str,
    comment: &'a str,
}

impl Added<'_> {
    /// Writes the comment once, into the follow-up of a ticket that is closed. `uploads` are fetched only when they are
    /// needed.
    fn write(
        &self,
        account: &Account,
        options: &Options,
        to: &Reference,
        uploads: impl FnOnce() -> Result<Vec<String>, Failure>,
    ) -> Result<Reference, Failure> {
        let slot = memory::added(&job::key(self.label));
        let sent = match slot.load()? {
            Some(Written::Done(ticket)) => return Ok(account.ticket(ticket)),
            Some(Written::Sent(ticket)) => Some(ticket),
            None => None,
        };
        let found = Case::look(account, options, to)?;
        if sent == Some(found.id()) && has_beginning(account, found.id(), self.mark)? {
            info!("comment was written by an earlier try, whose answer was lost");
            slot.save(&Written::Done(found.id()))?;
            return Ok(account.ticket(found.id()));
        }
        match found {
            Found::Open(case) => {
                let uploads = uploads()?;
                case.add(record::internal(self.comment, &uploads), &slot)
                    .map_err(|failure| stale(failure, &uploads))?;
                Ok(case.reference())
            }
            Found::Closed(closed) => {
                let (subject, label, body) = (String::new(), self.label, self.comment);
                let opening = Opening { subject, requester: None, assignee: None, body, label };
                let uploads = uploads()?;
                let comment = record::internal(body, &uploads);
                let case = Case::follow(account, options, &closed, &opening, &comment)
                    .map_err(|failure| stale(failure, &uploads))?;
                slot.save(&Written::Done(case.id()))?;
                Ok(case.reference())
            }
        }
    }
}

/// An upload that waited for too long is not taken any more; the next try makes another.
fn stale(failure: Failure, uploads: &[String]) -> Failure {
    match failure {
        Failure::Rejected(problem) if !uploads.is_empty() && problem.text.to_lowercase().contains("token") => {
            Failure::temporary(problem.text)
        }
        other => other,
    }
}

/// Whether the call's own text has this link already.
fn is_said(link: &str) -> Result<bool, Failure> {
    Ok(matches!(TEXT.load()?, Some(Written::Done(said)) if text::covers(&said, link)))
}

/// A link to a file that Zendesk does not take.
fn link_to_large(file: &Recording, options: &Options) -> Result<String, Failure> {
    recording::sign_link(&file.id, options.link_s, false).map_err(|failure| {
        let why = match failure {
            Failure::NotConfigured(why) => why,
            other => return other,
        };
        let text = format!(
            "recording {} is larger than the 50 MB that Zendesk takes: set `format = \"mp3\"` in [recordings], or give the \
             ticket a link, for which {why}",
            file.id
        );
        Failure::rejected("recording-too-large", text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upload_that_is_not_taken_is_made_again() {
        let refused = |text: &str| Failure::rejected("RecordInvalid", text);
        let (uploads, none) = (["t0ken".to_owned()], []);
        let failed = stale(refused("Zendesk refused tickets/7: Upload token is invalid"), &uploads);
        assert!(matches!(failed, Failure::Temporary(_)));
        assert!(matches!(stale(refused("Upload token is invalid"), &none), Failure::Rejected(_)));
        assert!(matches!(stale(refused("Group: is invalid"), &uploads), Failure::Rejected(_)));
    }
}
