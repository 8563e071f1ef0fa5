//! Links to recordings: each is believed by a proof that only this host can make, and says nothing of any other one. Pure.
//!
//! A token is `ID-UNTIL-ONCE-PROOF`; `ONCE` is empty, or a text that no other link has.

use hookswitch_call::Millis;
use hookswitch_journal::RecordingId;

/// Makes and proves links.
#[derive(Clone)]
pub(crate) struct Signer {
    key: [u8; 32],
}

/// What a link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) recording: RecordingId,
    /// The file for a part of it; none: all of it.
    pub(crate) part: Option<String>,
    /// It works until then.
    pub(crate) until: Millis,
    /// What it is known by where it works once.
    pub(crate) once: Option<String>,
}

impl Signer {
    /// `key` is the host's own.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key("hookswitch 2026-11-22 links to recordings", key) }
    }

    /// The token of a link.
    pub(crate) fn token(&self, grant: &Grant) -> String {
        let Grant { recording, part, until, once } = grant;
        let part = part.as_deref().map(|part| format!(".{part}")).unwrap_or_default();
        let once = once.as_deref().unwrap_or_default();
        let said = format!("{recording}{part}-{}-{once}", until.0);
        format!("{said}-{}", self.proof(&said).to_hex())
    }

    /// What a token is good for; none if it is not genuine. Whether it is too old is for others to say.
    pub(crate) fn grant(&self, token: &str) -> Option<Grant> {
        let (said, shown) = token.rsplit_once('-')?;
        // Hashes are compared in constant time.
        if self.proof(said) != blake3::Hash::from_hex(shown).ok()? {
            return None;
        }
        let mut parts = said.splitn(3, '-');
        let file = parts.next()?;
        let (id, part) = match file.split_once('.') {
            Some((id, part)) => (id, Some(part.to_owned())),
            None => (file, None),
        };
        let until = Millis(parts.next()?.parse().ok()?);
        let once = Some(parts.next()?.to_owned()).filter(|once| !once.is_empty());
        Some(Grant { recording: RecordingId(id.parse().ok()?), part, until, once })
    }

    fn proof(&self, said: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.key, said.as_bytes())
    }
}

/// A few characters by which a link is known in a record without being given away.
pub(crate) fn known_by(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(part: Option<&str>, once: Option<&str>) -> Grant {
        Grant { recording: RecordingId(17), part: part.map(Into::into), until: Millis(5), once: once.map(Into::into) }
    }

    #[test]
    fn a_link_opens_what_it_was_made_for_and_nothing_else() {
        let signer = Signer::new(&[1; 32]);
        for made in
            [grant(None, None), grant(Some("left"), None), grant(None, Some("abc")), grant(Some("right"), Some("x"))]
        {
            let token = signer.token(&made);
            assert_eq!(signer.grant(&token), Some(made));
            assert_eq!(Signer::new(&[2; 32]).grant(&token), None, "another host");
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
                assert_eq!(signer.grant(&String::from_utf8(changed).unwrap()), None, "{at}");
            }
        }
        for odd in ["", "-", "---", "1-2-3-", "17-5--", &"0".repeat(64)] {
            assert_eq!(signer.grant(odd), None, "{odd}");
        }
    }
}
