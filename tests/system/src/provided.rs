//! An office whose plugin works with tokens: a strict provider gives them, and its API takes what the plugin sends.

use anyhow::{Context, Result, ensure};
use fake_oauth::{By, ClientAuth, Profile, Provider, Refresh, Refusal};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};

use crate::{
    PATIENCE,
    http::{Answer, send},
    office::{Office, Setup},
};

/// The office and the provider.
pub struct Provided {
    pub office: Office,
    pub provider: Provider,
}

/// `hookswitch auth login`, which waits for somebody to sign in.
pub struct Login {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where the browser is to go.
    pub url: String,
    /// Where it comes back to.
    pub redirect_uri: String,
}

impl Provided {
    /// Opens with a program that is logged in at the phone system; nobody is signed in.
    pub async fn open(profile: Profile, setup: Setup) -> Result<Self> {
        let mut provided = Self::prepare(profile, setup).await?;
        provided.office.launch().await?;
        Ok(provided)
    }

    /// Everything but the program. `{api}` in the settings stands for the provider's API. The credential is `oauth`, or
    /// `token` for a provider where nobody signs in.
    pub async fn prepare(profile: Profile, mut setup: Setup) -> Result<Self> {
        setup.listens = true;
        let (mut office, provider) = (Office::prepare(setup).await?, Provider::start_plain(profile).await?);
        provider.register(&office.url("/oauth/crm/oauth"));
        // The CRM of the plugin is the provider's API.
        std::fs::write(office.folder().join("address"), format!("{}/api/", provider.origin()))?;
        std::fs::write(office.folder().join("client-secret"), provider.profile().client_secret)?;
        let setup = office.setup();
        setup.settings = setup.settings.replace("{api}", &format!("{}/api", provider.origin()));
        setup.allow.push(provider.origin().to_owned());
        // Not among `credentials`, where `CRM` is replaced: scopes are called by it.
        setup.plugin.push_str(&format!("\n{}", credential(&provider)));
        Ok(Self { office, provider })
    }

    /// Begins a sign-in.
    pub async fn login(&self) -> Result<Login> {
        let mut command = self.office.command(&["auth", "login", "crm", "--json"])?;
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.context("the command says nothing")??;
        let begun: Value = serde_json::from_str(&line.context("the command begins nothing")?)?;
        let text = |key: &str| Ok::<_, anyhow::Error>(begun[key].as_str().context(begun.to_string())?.to_owned());
        Ok(Login { child, lines, url: text("url")?, redirect_uri: text("redirect-uri")? })
    }

    /// Signs in as a person would who agrees.
    pub async fn sign_in(&self) -> Result<()> {
        let login = self.login().await?;
        let back = self.provider.approve(&login.url)?;
        let page = send("GET", &back, &[], "").await?;
        ensure!(page.status == 200, "{page:?}\n{}", self.office.log());
        let (good, told) = login.end().await?;
        ensure!(good && told.contains("\"signed-in\":true"), "{told}");
        Ok(())
    }

    /// What `auth status` says of the sign-in.
    pub async fn status(&self) -> Result<Value> {
        let output = self.office.command(&["auth", "status", "--json"])?.output().await?;
        let lines = String::from_utf8(output.stdout)?;
        let all: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let good = all.iter().all(|status| status["sign-in"]["state"] == "signed-in");
        ensure!(output.status.code() == Some(i32::from(!good)), "{all:?} with {:?}", output.status);
        let ours = all.into_iter().find(|status| status["plugin"] == "crm");
        Ok(ours.context("no sign-in")?["sign-in"].take())
    }

    /// Waits until the sign-in is in this state.
    pub async fn until(&self, state: &str) -> Result<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let status = self.status().await?;
            if status["state"] == state {
                return Ok(status);
            }
            ensure!(tokio::time::Instant::now() < deadline, "never {state}: {status}\n{}", self.office.log());
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    /// Has the plugin do what it does with a post.
    pub async fn post(&self, body: &str) -> Result<Answer> {
        send("POST", &self.office.url("/hook/crm/near"), &["content-type: text/plain"], body).await
    }

    /// Fails if the provider was asked something that it should not be, or if a token is where it should not be.
    pub fn verdict(&self) -> Result<()> {
        let complaints = self.provider.verdict().complaints;
        ensure!(complaints.is_empty(), "{complaints:#?}\n{}", self.office.log());
        ensure!(!self.provider.gave_away(&self.office.log()), "a token is in the log:\n{}", self.office.log());
        Ok(())
    }
}

impl Login {
    /// Waits for the end of the command; whether it ended well, and what it said.
    pub async fn end(mut self) -> Result<(bool, String)> {
        let mut told = Vec::new();
        while let Some(line) = timeout(PATIENCE, self.lines.next_line()).await.context("the command goes on")?? {
            told.push(line);
        }
        let output = self.child.wait_with_output().await?;
        told.push(String::from_utf8(output.stderr)?);
        Ok((output.status.success(), told.join("\n")))
    }
}

/// TOML of a credential with tokens of this provider, in the table of a plugin.
pub fn credential(provider: &Provider) -> String {
    let profile = provider.profile();
    let encoding = match profile.by {
        By::Form => "form",
        By::Json => "json",
        By::Query => "query",
    };
    let client_auth = match profile.client_auth {
        ClientAuth::Basic => "basic",
        ClientAuth::Post => "post",
        ClientAuth::Query => "query",
    };
    let url = provider.token_url();
    let (kind, handle) = if profile.refresh == Refresh::None { ("bearer", "token") } else { ("oauth2", "oauth") };
    let mut lines = vec![
        format!("kind = \"{kind}\""),
        format!("client-id = \"{}\"", profile.client_id),
        "client-secret = { file = \"client-secret\" }".to_owned(),
        format!("place = {{ header = {{ name = \"Authorization\", prefix = \"{} \" }} }}", profile.scheme),
        format!("provider.token = {{ url = \"{url}\", encoding = \"{encoding}\", client-auth = \"{client_auth}\" }}"),
    ];
    if let Refusal::Text(text) = profile.refusal {
        lines.push(format!("provider.token-error = {{ text = \"{text}\", text-in-200 = true }}"));
    }
    if kind == "oauth2" {
        lines.extend(sign_in(provider));
    }
    lines.iter().map(|line| format!("credentials.{handle}.{line}\n")).collect()
}

/// What is said of a provider where somebody signs in.
fn sign_in(provider: &Provider) -> Vec<String> {
    let profile = provider.profile();
    let comma = profile.scope.contains(',');
    let scopes: Vec<_> = profile.scope.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    let parameters: Vec<_> = profile.authorize.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    let mut lines = vec![
        format!("provider.authorize.url = \"{}\"", provider.authorize_url()),
        format!("provider.authorize.scopes = {scopes:?}"),
        format!("provider.authorize.separator = \"{}\"", if comma { "comma" } else { "space" }),
        format!("provider.authorize.parameters = {{ {} }}", parameters.join(", ")),
        format!("provider.authorize.pkce = {}", profile.pkce),
        format!("provider.authorize.redirect-uri = {}", profile.says_redirect_uri),
        "provider.answer.over = [\"invalid_code\"]".to_owned(),
        format!("provider.revoke-url = \"{}\"", provider.revoke_url()),
    ];
    if profile.says_issuer {
        lines.push(format!("provider.authorize.issuer = \"{}\"", provider.origin()));
    }
    lines.extend(profile.base.map(|base| format!("provider.answer.base = \"{base}\"")));
    lines
}
