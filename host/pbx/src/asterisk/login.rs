//! From a fresh connection to a manager that is logged in.

use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Config, Error, Login,
    error::Circumstance,
    link::{Link, Response},
    request::Request,
};

/// What a login teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    /// What the PBX called itself: `Asterisk Call Manager/11.0.0`.
    pub(super) greeting: String,
    /// Whether the secret stayed here.
    pub(super) challenged: bool,
}

/// Logs in. Events that come with the response go to `other`.
pub(super) async fn log_in(link: &mut Link, config: &Config, mut other: impl FnMut(&[u8])) -> Result<Admission, Error> {
    let greeting = link.greeting(&config.address).await?;
    let challenge = match config.login {
        Login::Plain => None,
        Login::Automatic | Login::Challenge => {
            let response =
                link.ask(Request::new("Challenge").with("AuthType", "MD5"), &mut other).await.map_err(at_login)?;
            let challenge = response.header("Challenge").filter(|_| response.success);
            if challenge.is_none() && config.login == Login::Challenge {
                return Err(Error::NoChallenge { message: response.message });
            }
            challenge
        }
    };
    let login = Request::new("Login").with("Username", &config.username);
    let login = match &challenge {
        Some(challenge) => login.with("AuthType", "MD5").with("Key", &key(challenge, &config.secret)),
        None => login.with("Secret", config.secret.expose_secret()),
    };
    let Response { success, message, .. } = link.ask(login, other).await.map_err(at_login)?;
    if !success {
        return Err(Error::Refused { username: config.username.clone(), message });
    }
    Ok(Admission { greeting, challenged: challenge.is_some() })
}

/// Lower-case hexadecimal MD5 of the challenge and the secret (Asterisk reference, "Login").
fn key(challenge: &str, secret: &SecretString) -> String {
    let digest = Md5::new().chain_update(challenge).chain_update(secret.expose_secret()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn at_login(error: Error) -> Error {
    match error {
        Error::Closed(Circumstance::Unknown) => Error::Closed(Circumstance::Login),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair of a recorded login.
    #[test]
    fn the_key_is_the_one_that_a_real_server_accepted() {
        assert_eq!(key("588068629", &"Loopback-Secret-1".into()), "0c8cb9799d82f748c5dad0bd874be5f2");
    }
}
