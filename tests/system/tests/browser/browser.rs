//! A real browser: Chromium, told what to do by its WebDriver.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use system_tests::{PATIENCE, http::free_port};
use tempfile::TempDir;
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, SessionId, WebDriver, WebElement,
    common::{command::FormatRequestData, requestdata::RequestData},
};
use tokio::{
    process::{Child, Command},
    time::{Duration, Instant, sleep},
};

/// Chromium without a screen, and without anything that it does of its own accord.
const FLAGS: [&str; 8] = [
    "--headless=new",
    // Tests may run as root, who gets no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// Between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);

/// A browser with a profile of its own; closed when it is dropped.
pub(crate) struct Browser {
    /// Dropped before its driver: that closes the browser.
    web: WebDriver,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub(crate) async fn start() -> Result<Self> {
        let port = free_port()?;
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("tests in a browser need the packages chromium and chromium-driver")?;
        let profile = tempfile::tempdir()?;
        let mut wanted = DesiredCapabilities::chrome();
        for flag in FLAGS {
            wanted.add_arg(flag)?;
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        let deadline = Instant::now() + PATIENCE;
        let web = loop {
            match WebDriver::new(format!("http://127.0.0.1:{port}"), wanted.clone()).await {
                Ok(web) => break web,
                Err(error) if Instant::now() > deadline => return Err(error).context("no browser starts"),
                Err(_) => sleep(LOOK).await,
            }
        };
        Ok(Self { web, _driver: driver, _profile: profile })
    }

    /// Says yes to whatever page asks to be told of clicked links, in place of the person at the browser
    /// (HTML, section 8.9.1.3, "User agent automation").
    pub(crate) async fn accept_handlers(&self) -> Result<()> {
        self.web.cmd(AcceptHandlers).await?;
        Ok(())
    }

    /// Opens an address.
    pub(crate) async fn open(&self, url: &str) -> Result<()> {
        Ok(self.web.goto(url).await?)
    }

    /// Where it is.
    pub(crate) async fn url(&self) -> Result<String> {
        Ok(self.web.current_url().await?.to_string())
    }

    /// Goes back.
    pub(crate) async fn back(&self) -> Result<()> {
        Ok(self.web.back().await?)
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) -> Result<()> {
        Ok(self.web.refresh().await?)
    }

    /// The visible element that a CSS selector names, as soon as it is there.
    pub(crate) async fn find(&self, selector: &str) -> Result<WebElement> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(element) = self.web.find(By::Css(selector)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return Ok(element);
            }
            ensure!(Instant::now() < deadline, "there is no {selector} on the page:\n{}", self.text().await?);
            sleep(LOOK).await;
        }
    }

    /// Clicks what a CSS selector names.
    pub(crate) async fn click(&self, selector: &str) -> Result<()> {
        Ok(self.find(selector).await?.click().await?)
    }

    /// Clicks it twice, as some people do with everything.
    pub(crate) async fn double_click(&self, selector: &str) -> Result<()> {
        let element = self.find(selector).await?;
        Ok(self.web.action_chain().double_click_element(&element).perform().await?)
    }

    /// Types into a field, in place of what was there.
    pub(crate) async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let field = self.find(selector).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// What JavaScript in the page returns.
    pub(crate) async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.web.execute(script, Vec::new()).await?.json().clone())
    }

    /// All visible text of the page.
    pub(crate) async fn text(&self) -> Result<String> {
        Ok(self.web.find(By::Tag("body")).await?.text().await?)
    }

    /// Waits until the page shows a text.
    pub(crate) async fn shows(&self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Between two pages there is no text for a moment.
            let shown = self.text().await.unwrap_or_default();
            if shown.contains(text) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{text:?} is not on the page {}:\n{shown}", self.url().await?);
            sleep(LOOK).await;
        }
    }
}

#[derive(Debug)]
struct AcceptHandlers;

impl FormatRequestData for AcceptHandlers {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let address = format!("session/{session}/custom-handlers/set-mode");
        RequestData::new(Method::POST, address).add_body(json!({ "mode": "autoAccept" }))
    }
}
