//! What was asked for and given: codes, tokens, and which of them are good.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::http::{Answer, Request};
use crate::params::encoded;
use crate::profile::{Life, Profile, Refresh, Refusal};
use crate::verdict::Verdict;

mod judge;

/// A code lives as long as the shortest one of the sheet (Bitrix24).
const CODE_LIFE: Duration = Duration::from_secs(30);

pub(crate) struct Ledger {
    pub(crate) profile: Profile,
    pub(crate) origin: String,
    /// Where the API is said to be.
    pub(crate) base: String,
    codes: HashMap<String, Code>,
    /// One for each sign-in.
    families: Vec<Family>,
    /// Until when each is good.
    access: HashMap<String, Instant>,
    /// Everything that was ever given.
    given: Vec<String>,
    /// Path and body of each request to the API with a good token.
    taken: Vec<(String, String)>,
    skipped: Duration,
    random: RandomState,
    verdict: Verdict,
}

struct Code {
    redirect_uri: Option<String>,
    challenge: Option<String>,
    made: Instant,
    family: Option<usize>,
}

struct Family {
    alive: bool,
    refresh: String,
    /// The ones before, the newest last.
    used: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(profile: Profile, origin: String) -> Ledger {
        Ledger {
            profile,
            base: format!("{origin}/api"),
            origin,
            codes: HashMap::new(),
            families: Vec::new(),
            access: HashMap::new(),
            given: Vec::new(),
            taken: Vec::new(),
            skipped: Duration::ZERO,
            random: RandomState::new(),
            verdict: Verdict::default(),
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/authorize" => match self.authorize(&request.query, true) {
                Ok(location) => Answer { status: 302, headers: vec![("location", location)], body: String::new() },
                Err(complaint) => Answer::json(400, complaint),
            },
            "/token" => {
                self.called();
                match self.judge_token(request) {
                    Ok(offer) => self.token(offer),
                    Err(complaint) => self.complain(complaint),
                }
            }
            "/revoke" => match self.judge_revocation(request) {
                Ok(token) => {
                    self.verdict.revocations += 1;
                    if let Some(family) = self.families.iter_mut().find(|family| family.refresh == token) {
                        family.alive = false;
                    }
                    Answer::json(200, "")
                }
                Err(complaint) => self.complain(complaint),
            },
            path if path.starts_with("/api/") => self.api(request),
            _ => Answer::error(404, "not_found"),
        }
    }

    fn complain(&mut self, complaint: String) -> Answer {
        self.verdict.complaints.push(complaint);
        Answer::error(400, "invalid_request")
    }

    /// A browser comes; it is sent back with a code or an error.
    pub(crate) fn authorize(&mut self, query: &str, agrees: bool) -> Result<String, String> {
        let (state, code) =
            self.judge_authorize(query).inspect_err(|complaint| self.verdict.complaints.push(complaint.clone()))?;
        let back = if agrees {
            let name = self.fresh("code");
            self.codes.insert(name.clone(), code);
            format!("code={}", encoded(&name))
        } else {
            "error=access_denied&error_description=%1B%5B31mNo%21".to_owned()
        };
        let issuer = if self.profile.says_issuer { format!("&iss={}", encoded(&self.origin)) } else { String::new() };
        Ok(format!("{}?{back}&state={}{issuer}", self.profile.redirect_uri, encoded(&state)))
    }

    fn token(&mut self, offer: judge::Offer) -> Answer {
        match offer {
            judge::Offer::Client => {
                self.verdict.for_clients += 1;
                self.issue(None, true)
            }
            judge::Offer::Code { code, redirect_uri, challenge } => {
                let now = self.now();
                let Some(known) = self.codes.get_mut(&code) else { return Answer::error(400, "invalid_grant") };
                if let Some(family) = known.family {
                    // RFC 6749, section 4.1.2: a code that is seen twice ends what it gave.
                    self.families[family].alive = false;
                    self.verdict.complaints.push("a code was used twice".into());
                    return Answer::error(400, "invalid_grant");
                }
                let fits = known.redirect_uri == redirect_uri && known.challenge == challenge;
                if !fits || now - known.made > CODE_LIFE {
                    return Answer::error(400, "invalid_grant");
                }
                known.family = Some(self.families.len());
                self.verdict.exchanges += 1;
                let refresh = self.fresh("rt/");
                self.families.push(Family { alive: true, refresh, used: Vec::new() });
                self.issue(Some(self.families.len() - 1), true)
            }
            judge::Offer::Refresh(token) => self.refresh(&token),
        }
    }

    fn refresh(&mut self, token: &str) -> Answer {
        let (status, error) = self.profile.unknown;
        let refused = Answer::error(status, error);
        let lenient = self.profile.refresh == Refresh::Lenient;
        let found = self
            .families
            .iter()
            .position(|family| family.refresh == token || family.used.iter().any(|used| used == token));
        let Some(at) = found.filter(|&at| self.families[at].alive) else {
            self.verdict.refused_refreshes += 1;
            return refused;
        };
        let again = self.families[at].refresh != token;
        if again && !(lenient && self.families[at].used.last().is_some_and(|last| last == token)) {
            self.families[at].alive = false;
            self.verdict.families_killed += 1;
            self.verdict.refused_refreshes += 1;
            return refused;
        }
        self.verdict.refreshes += 1;
        if matches!(self.profile.refresh, Refresh::Rotating | Refresh::Lenient) {
            let next = self.fresh("rt/");
            let family = &mut self.families[at];
            let present = std::mem::replace(&mut family.refresh, next);
            if !again {
                family.used.push(present);
            }
        }
        self.issue(Some(at), false)
    }

    /// Gives an access token. `first` says that it comes from a sign-in and not from a renewal.
    fn issue(&mut self, family: Option<usize>, first: bool) -> Answer {
        let access = self.fresh("at-");
        let until = self.now() + Duration::from_secs(self.profile.life.seconds());
        self.access.insert(access.clone(), until);
        let mut fields = vec![format!(r#""access_token":"{access}","token_type":"Bearer""#)];
        match self.profile.life {
            Life::Number(seconds) => fields.push(format!(r#""expires_in":{seconds}"#)),
            Life::Text(seconds) => fields.push(format!(r#""expires_in":"{seconds}""#)),
            Life::Untold(_) => {}
        }
        if let Some(family) = family
            && (self.profile.refresh != Refresh::Static || first)
        {
            fields.push(format!(r#""refresh_token":"{}""#, self.families[family].refresh));
        }
        if let Some(base) = self.profile.base {
            fields.push(format!(r#""{base}":"{}""#, self.base));
        }
        if !self.profile.scope.is_empty() {
            fields.push(format!(r#""scope":"{}""#, self.profile.scope));
        }
        Answer::json(200, format!("{{{}}}", fields.join(",")))
    }

    fn api(&mut self, request: &Request) -> Answer {
        let scheme = self.profile.scheme;
        let token = request.header("authorization").and_then(|value| value.strip_prefix(scheme)?.strip_prefix(' '));
        let good = token.and_then(|token| self.access.get(token)).is_some_and(|until| self.now() < *until);
        if good {
            self.verdict.api_good += 1;
            self.taken.push((request.path.clone(), request.body.clone()));
            return Answer::json(200, r#"{"me":"Alice"}"#);
        }
        self.verdict.api_refused += 1;
        match self.profile.refusal {
            Refusal::Status(status) => Answer::json(status, r#"{"message":"the token is not good"}"#),
            Refusal::Text(text) => Answer::json(200, format!(r#"{{"status":"error","code":"{text}"}}"#)),
        }
    }

    fn now(&self) -> Instant {
        Instant::now() + self.skipped
    }

    /// A text that nobody can guess, with characters that must be encoded on the wire.
    fn fresh(&mut self, kind: &str) -> String {
        let parts = [0, 1].map(|part| self.random.hash_one((self.given.len(), part)));
        let access = kind == "at-";
        let text =
            format!("{kind}{}{}{:016x}{:016x}", self.given.len(), if access { "-" } else { "+=" }, parts[0], parts[1]);
        self.given.push(text.clone());
        text
    }

    pub(crate) fn called(&mut self) {
        self.verdict.token_calls += 1;
    }

    pub(crate) fn lost(&mut self) {
        self.verdict.lost_answers += 1;
    }

    pub(crate) fn end_access(&mut self) {
        self.access.clear();
    }

    pub(crate) fn end_sign_ins(&mut self) {
        self.families.iter_mut().for_each(|family| family.alive = false);
        self.access.clear();
    }

    pub(crate) fn forget_last_rotation(&mut self) {
        for family in &mut self.families {
            if let Some(before) = family.used.pop() {
                family.refresh = before;
            }
        }
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.skipped += time;
    }

    pub(crate) fn taken(&self, path: &str) -> Vec<String> {
        let at = |taken: &&(String, String)| taken.0.strip_prefix("/api/") == Some(path);
        self.taken.iter().filter(at).map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn gave_away(&self, text: &str) -> bool {
        self.given.iter().any(|given| text.contains(given.as_str())) || text.contains(self.profile.client_secret)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }
}
