//! Whose phone rings for a browser. Nothing of it is kept: personal addresses, set-up browsers and the buttons on pages
//! are each believed by a proof that only who has the door's key can make. Another key ends them all. Pure.
//!
//! A token is `EXTENSION~PBX~UNTIL~PROOF`, and made of characters that need no escape in an address, a cookie or a form.

use hookswitch_call::Millis;
use secrecy::{ExposeSecret, SecretString};

/// Longest extension.
const LONGEST: usize = 32;

/// Who an address was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) extension: String,
    /// The phone system; none: it is found by whose phone it is.
    pub(crate) pbx: Option<String>,
}

/// What a token is good for; one is not taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To set up a browser.
    Address,
    /// What a browser that is set up shows.
    Browser,
}

/// Why there is no token for an extension.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} cannot be in an address: an extension there has 1 to {LONGEST} letters, digits, `-`, `_`, `.` or `*`")]
pub(crate) struct Unfit(String);

/// Makes and proves what a door believes.
pub(crate) struct Signer<'a> {
    door: &'a str,
    key: SecretString,
}

impl<'a> Signer<'a> {
    /// `key` is the door's.
    pub(crate) fn new(door: &'a str, key: SecretString) -> Self {
        Self { door, key }
    }

    /// A token that is good until then.
    ///
    /// # Errors
    ///
    /// The extension has characters that cannot stand there.
    pub(crate) fn token(&self, purpose: Purpose, holder: &Holder, until: Millis) -> Result<String, Unfit> {
        if !is_fit(&holder.extension) {
            return Err(Unfit(holder.extension.chars().take(LONGEST).collect()));
        }
        let pbx = holder.pbx.as_deref().unwrap_or_default();
        let proof = self.holder_proof(purpose, holder, until);
        Ok(format!("{}~{pbx}~{}~{}", holder.extension, until.0, proof.to_hex()))
    }

    /// Whose token it is; none if it is not genuine, for another purpose, or too old.
    pub(crate) fn holder(&self, purpose: Purpose, token: &str, now: Millis) -> Option<Holder> {
        let mut parts = token.splitn(4, '~');
        let extension = parts.next().filter(|extension| is_fit(extension))?.to_owned();
        let pbx = Some(parts.next()?.to_owned()).filter(|pbx| !pbx.is_empty());
        let until = Millis(parts.next()?.parse().ok()?);
        let shown = blake3::Hash::from_hex(parts.next()?).ok()?;
        let holder = Holder { extension, pbx };
        // Hashes are compared in constant time.
        (self.holder_proof(purpose, &holder, until) == shown && now < until).then_some(holder)
    }

    /// A ticket for one call of this number, good until then; `id` is what the call is known by.
    pub(crate) fn ticket(&self, holder: &Holder, number: &str, id: &str, until: Millis) -> String {
        format!("{id}~{}~{}", until.0, self.ticket_proof(holder, number, id, until).to_hex())
    }

    /// The id of a ticket; none if it is not genuine, for somebody else, for another number, or too old.
    pub(crate) fn id<'t>(&self, holder: &Holder, number: &str, ticket: &'t str, now: Millis) -> Option<&'t str> {
        let mut parts = ticket.splitn(3, '~');
        let id = parts.next()?;
        let until = Millis(parts.next()?.parse().ok()?);
        let shown = blake3::Hash::from_hex(parts.next()?).ok()?;
        (self.ticket_proof(holder, number, id, until) == shown && now < until).then_some(id)
    }

    fn holder_proof(&self, purpose: Purpose, holder: &Holder, until: Millis) -> blake3::Hash {
        let purpose = match purpose {
            Purpose::Address => "hookswitch 2026-11-22 dial links: address",
            Purpose::Browser => "hookswitch 2026-11-22 dial links: browser",
        };
        self.proof(purpose, &[&holder.extension, holder.pbx.as_deref().unwrap_or_default(), &until.0.to_string()])
    }

    fn ticket_proof(&self, holder: &Holder, number: &str, id: &str, until: Millis) -> blake3::Hash {
        let pbx = holder.pbx.as_deref().unwrap_or_default();
        let parts = [&holder.extension, pbx, &until.0.to_string(), id, number];
        self.proof("hookswitch 2026-11-22 dial links: ticket", &parts)
    }

    fn proof(&self, purpose: &str, parts: &[&str]) -> blake3::Hash {
        let key = blake3::derive_key(purpose, self.key.expose_secret().as_bytes());
        let mut hash = blake3::Hasher::new_keyed(&key);
        for part in [&[self.door], parts].concat() {
            // With its length, no part can pass for another one.
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes()).update(part.as_bytes());
        }
        hash.finalize()
    }
}

/// Whether an extension can stand in a token.
fn is_fit(extension: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    (1..=LONGEST).contains(&extension.len()) && extension.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_320_913_000);
    const LATER: Millis = Millis(NOW.0 + 1);

    fn signer(door: &'static str, key: &str) -> Signer<'static> {
        Signer::new(door, SecretString::from(key))
    }

    fn holder(extension: &str, pbx: Option<&str>) -> Holder {
        Holder { extension: extension.to_owned(), pbx: pbx.map(str::to_owned) }
    }

    #[test]
    fn a_token_names_its_holder_until_its_time_and_at_its_door_only() {
        let desk = signer("desk", "key");
        for holder in [holder("201", None), holder("201", Some("office")), holder("*12.a_b-c", None)] {
            let token = desk.token(Purpose::Address, &holder, LATER).unwrap();
            assert_eq!(desk.holder(Purpose::Address, &token, NOW), Some(holder));
            assert_eq!(desk.holder(Purpose::Address, &token, LATER), None, "too old");
            assert_eq!(desk.holder(Purpose::Browser, &token, NOW), None, "another purpose");
            assert_eq!(signer("shop", "key").holder(Purpose::Address, &token, NOW), None, "another door");
            assert_eq!(signer("desk", "new").holder(Purpose::Address, &token, NOW), None, "another key");
        }
        for unfit in ["", "2 01", "201~", "201#1", "\u{661}", &"2".repeat(33)] {
            assert!(desk.token(Purpose::Address, &holder(unfit, None), LATER).is_err(), "{unfit:?}");
        }
    }

    #[test]
    fn no_changed_character_is_believed() {
        let desk = signer("desk", "key");
        let token = desk.token(Purpose::Browser, &holder("201", Some("office")), LATER).unwrap();
        for (at, byte) in token.bytes().enumerate() {
            let other = if byte == b'1' { '2' } else { '1' };
            let mut changed = token.clone();
            changed.replace_range(at..=at, &other.to_string());
            assert_eq!(desk.holder(Purpose::Browser, &changed, NOW), None, "{changed}");
        }
        for short in ["", "201", "201~~1", "201~~1~00", "~~~~~"] {
            assert_eq!(desk.holder(Purpose::Browser, short, NOW), None, "{short}");
        }
    }

    #[test]
    fn a_ticket_is_for_one_number_of_one_holder() {
        let (desk, alice) = (signer("desk", "key"), holder("201", None));
        let ticket = desk.ticket(&alice, "030 1", "a1", LATER);
        assert_eq!(desk.id(&alice, "030 1", &ticket, NOW), Some("a1"));
        assert_eq!(desk.id(&alice, "030 2", &ticket, NOW), None);
        assert_eq!(desk.id(&holder("202", None), "030 1", &ticket, NOW), None);
        assert_eq!(desk.id(&alice, "030 1", &ticket, LATER), None);
        assert_eq!(desk.id(&alice, "030 1", &ticket.replacen("a1", "a2", 1), NOW), None);
    }
}
