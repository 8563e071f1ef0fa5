//! No signature, but what the simplest of servers take in its place: a user and a password (RFC 7617).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;

/// What stands behind `Basic ` in `Authorization` or `Proxy-Authorization`; both texts are sent in UTF-8 (section 2.1).
///
/// A user with a colon in it would lose to the password what stands behind that (section 2): the caller refuses it.
pub fn basic(user: &str, password: &str) -> SecretString {
    STANDARD.encode(format!("{user}:{password}")).into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    #[test]
    fn the_examples_of_the_standard() {
        for (user, password, sent) in
            [("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("test", "123\u{a3}", "dGVzdDoxMjPCow==")]
        {
            assert_eq!(super::basic(user, password).expose_secret(), sent);
        }
    }
}
