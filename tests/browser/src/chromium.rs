//! One window of Chromium, without a screen.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::appearance::{Appearance, Device};
use crate::devtools::Extension;
use crate::driver::Driver;
use crate::shown::Shown;

const PROGRAM: &str = "/usr/bin/chromium";
/// No test waits longer for one thing; on an idle machine it takes a second or two.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The longest that chromedriver may take for one command: axe's look at a long page takes seconds.
const COMMAND: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// A window. The page's server is the only one that it reaches.
pub struct Chromium {
    client: Client,
    driver: Driver,
    /// The origin of the page's server.
    origin: String,
}

impl Chromium {
    /// Starts it for the pages of the server at this URL.
    ///
    /// # Errors
    /// When chromedriver or Chromium can't be started.
    pub async fn start(server: &str) -> anyhow::Result<Self> {
        let server = Url::parse(server)?;
        let driver = Driver::start().await?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = ClientBuilder::new(connector);
        builder.capabilities(capabilities(&server, &driver)?);
        let client = timeout(COMMAND, builder.connect(&driver.url)).await;
        let client = client.context("Chromium does not start")??;
        let chromium = Self {
            client,
            driver,
            origin: server.origin().ascii_serialization(),
        };
        chromium.appear(Appearance::FIRST).await?;
        // The page that a new window shows is Chromium's own.
        chromium.open("about:blank").await?;
        chromium.asked().await?;
        chromium.complaints().await?;
        Ok(chromium)
    }

    /// Opens an address anew, and waits until it is loaded.
    ///
    /// # Errors
    /// When nothing answers there.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        within(url, self.client.goto(url)).await
    }

    /// Sends a name and a password with every request from now on, as a browser does that was told them.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn log_in(&self, name: &str, password: &str) -> anyhow::Result<()> {
        let given = STANDARD.encode(format!("{name}:{password}"));
        self.devtools("Network.enable", &json!({})).await?;
        let headers = json!({"headers": {"Authorization": format!("Basic {given}")}});
        self.devtools("Network.setExtraHTTPHeaders", &headers).await?;
        Ok(())
    }

    /// The window's title.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn title(&self) -> anyhow::Result<String> {
        within("the title", self.client.title()).await
    }

    /// What the page shows now.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn shown(&self) -> anyhow::Result<Shown> {
        self.value(include_str!("shown.js"), Vec::new()).await
    }

    /// Opens an address again and again until it shows what is wanted.
    ///
    /// # Errors
    /// When it doesn't in time, with what it showed last.
    pub async fn shows(&self, url: &str, wanted: &str, is_wanted: impl Fn(&Shown) -> bool) -> anyhow::Result<Shown> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.open(url).await?;
            let shown = self.shown().await?;
            if is_wanted(&shown) {
                return Ok(shown);
            }
            ensure!(
                Instant::now() < deadline,
                "never shown: {wanted}; last (HTTP {}):\n{}",
                shown.status,
                shown.text
            );
            sleep(POLL).await;
        }
    }

    /// The value that a script returns, which runs although the page's own may not.
    ///
    /// # Errors
    /// When the script fails, or its value is of another type.
    pub async fn value<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<T> {
        let value = within("a script", self.client.execute(script, arguments)).await?;
        serde_json::from_value(value).with_context(|| format!("the value of {script}"))
    }

    /// The value that a script hands to its last argument, a function.
    ///
    /// # Errors
    /// When the script fails, or its value is of another type.
    pub(crate) async fn later_value<T: DeserializeOwned>(&self, script: &str) -> anyhow::Result<T> {
        let value = within("a script", self.client.execute_async(script, Vec::new())).await?;
        serde_json::from_value(value).with_context(|| format!("the value of {script}"))
    }

    /// Clicks on the first element that a CSS selector finds.
    ///
    /// # Errors
    /// When there is none, or it can't be clicked.
    pub async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let element = within(selector, self.client.find(Locator::Css(selector))).await?;
        within(selector, element.click()).await
    }

    /// Presses a key, and lets it go.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn press(&self, key: Key) -> anyhow::Result<()> {
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key.into() })
            .then(KeyAction::Up { value: key.into() });
        within("a key", self.client.perform_actions(actions)).await
    }

    /// Whether the scripts of pages that are opened from now on run.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn run_scripts(&self, run: bool) -> anyhow::Result<()> {
        let parameters = json!({"value": !run});
        self.devtools("Emulation.setScriptExecutionDisabled", &parameters)
            .await?;
        Ok(())
    }

    /// Changes the screen and its colours. Nothing moves on it: an element that is still being scrolled to can't be clicked.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn appear(&self, appearance: Appearance) -> anyhow::Result<()> {
        let Appearance { device, scheme } = appearance;
        let (width, height) = device.size();
        let screen = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": device.density(),
            "mobile": device == Device::Phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen).await?;
        let preferences = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme.name()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", &preferences).await?;
        Ok(())
    }

    /// A picture of the page from its top, down to so many pixels of CSS; `format` is `webp` or `png`.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn picture(&self, format: &str, most: u32) -> anyhow::Result<Vec<u8>> {
        let metrics = self.devtools("Page.getLayoutMetrics", &json!({})).await?;
        let size = &metrics["cssContentSize"];
        let (width, height) = (size["width"].as_f64(), size["height"].as_f64());
        let (width, height) = width.zip(height).context("a page without a size")?;
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height.min(f64::from(most)), "scale": 1});
        let parameters = json!({"format": format, "quality": 50, "captureBeyondViewport": true, "clip": clip});
        let answer = self.devtools("Page.captureScreenshot", &parameters).await?;
        let picture = answer["data"].as_str().context("no picture")?;
        Ok(STANDARD.decode(picture)?)
    }

    /// What was asked of any server since this was last called.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn asked(&self) -> anyhow::Result<Vec<Url>> {
        let mut asked = Vec::new();
        for entry in self.log("performance").await? {
            let event: Value = serde_json::from_str(&entry.message)?;
            let event = &event["message"];
            let url = match event["method"].as_str() {
                Some("Network.requestWillBeSent") => event["params"]["request"]["url"].as_str(),
                Some("Network.webSocketCreated") => event["params"]["url"].as_str(),
                _ => None,
            };
            // Others (data:, chrome:) leave nobody's machine.
            let url = url.and_then(|url| Url::parse(url).ok());
            asked.extend(url.filter(|url| matches!(url.scheme(), "http" | "https" | "ws" | "wss")));
        }
        Ok(asked)
    }

    /// Whether an address is at the page's own server.
    pub fn is_own(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.origin
    }

    /// What was refused since this was last called, because the page's content security policy forbids it.
    ///
    /// # Errors
    /// When chromedriver fails.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.log("browser").await?.into_iter();
        let messages = entries.map(|entry| entry.message);
        Ok(messages
            .filter(|said| said.contains("Content Security Policy"))
            .collect())
    }

    /// Ends it. Every test ends by this, so that none passes in which anybody but the page's server was asked for anything.
    ///
    /// # Errors
    /// When somebody else was asked, or something was refused by policy.
    pub async fn close(self) -> anyhow::Result<()> {
        let mut elsewhere = self.asked().await?;
        elsewhere.retain(|url| !self.is_own(url));
        let complaints = self.complaints().await?;
        within("the end", self.client.close()).await?;
        self.driver.stop().await?;
        ensure!(elsewhere.is_empty(), "others were asked: {elsewhere:?}");
        ensure!(complaints.is_empty(), "{complaints:?}");
        Ok(())
    }

    async fn devtools(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        within(command, self.client.issue_cmd(Extension::devtools(command, parameters))).await
    }

    async fn log(&self, kind: &str) -> anyhow::Result<Vec<Entry>> {
        let entries = within(kind, self.client.issue_cmd(Extension::log(kind))).await?;
        serde_json::from_value(entries).with_context(|| format!("the log {kind}"))
    }
}

/// An entry of chromedriver's logs.
#[derive(Deserialize)]
struct Entry {
    message: String,
}

fn capabilities(server: &Url, driver: &Driver) -> anyhow::Result<Capabilities> {
    let host = server.host_str().context("a server without a name")?;
    let profile = driver.folder().join("profile");
    let arguments = [
        "--headless=new".to_owned(),
        // Root, and whoever runs in a container, has no sandbox; the pages are our own.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        // Containers have 64 MB there.
        "--disable-dev-shm-usage".to_owned(),
        // It ends when chromedriver does, however that ends.
        "--remote-debugging-pipe".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // Nor does Chromium itself reach anybody else.
        format!("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {host}"),
        // Around every screen that is pretended.
        "--window-size=1400,1100".to_owned(),
        "--hide-scrollbars".to_owned(),
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": PROGRAM, "args": arguments},
        "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        "timeouts": {"script": 100_000, "pageLoad": 60_000, "implicit": 0},
    });
    Ok(serde_json::from_value(capabilities)?)
}

/// A command's result, in time.
async fn within<T>(what: &str, command: impl Future<Output = Result<T, CmdError>>) -> anyhow::Result<T> {
    let result = timeout(COMMAND, command).await;
    let result = result.with_context(|| format!("{what}: chromedriver does not answer"))?;
    result.with_context(|| what.to_owned())
}
