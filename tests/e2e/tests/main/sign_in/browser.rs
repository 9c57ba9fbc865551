//! A browser of somebody who is known to the provider without a password: keeps cookies by origin, and follows redirects one by one.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use reqwest::{RequestBuilder, Response, Url, redirect};

/// A sign-in has six.
const MOST_REDIRECTS: usize = 12;

pub(super) struct Browser {
    http: reqwest::Client,
    user: String,
    /// By origin.
    pub(super) cookies: HashMap<String, BTreeMap<String, String>>,
}

impl Browser {
    pub(super) fn of(user: &str) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .pool_max_idle_per_host(0)
                .build()?,
            user: user.to_owned(),
            cookies: HashMap::new(),
        })
    }

    /// One answer; what is set is kept.
    pub(super) async fn get(&mut self, url: &str) -> anyhow::Result<Answer> {
        self.send(url, self.http.get(url)).await
    }

    /// What a script of the page is answered.
    pub(super) async fn fetch(&mut self, url: &str) -> anyhow::Result<Answer> {
        self.send(url, self.http.get(url).header("sec-fetch-mode", "cors"))
            .await
    }

    /// What a form of the page is answered.
    pub(super) async fn post(&mut self, url: &str, form: String) -> anyhow::Result<Answer> {
        let request = self
            .http
            .post(url)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        self.send(url, request).await
    }

    /// An answer that goes on.
    pub(super) async fn stream(&mut self, url: &str) -> anyhow::Result<Response> {
        Ok(self.with_cookies(url, self.http.get(url))?.send().await?)
    }

    /// The page where it ends up.
    pub(super) async fn visit(&mut self, url: &str) -> anyhow::Result<Answer> {
        let mut url = url.to_owned();
        for _ in 0..MOST_REDIRECTS {
            let answer = self.get(&url).await?;
            match leads_to(&url, &answer)? {
                Some(next) => url = next,
                None => return Ok(answer),
            }
        }
        anyhow::bail!("it is led on and on: {url}")
    }

    /// The first address that begins so to which it is sent, where it doesn't go.
    pub(super) async fn sent_to(&mut self, url: &str, prefix: &str) -> anyhow::Result<String> {
        let mut url = url.to_owned();
        for _ in 0..MOST_REDIRECTS {
            let answer = self.get(&url).await?;
            let next = leads_to(&url, &answer)?;
            url = next.with_context(|| format!("{url}: {} {}", answer.status, answer.text))?;
            if url.starts_with(prefix) {
                return Ok(url);
            }
        }
        anyhow::bail!("it is led on and on: {url}")
    }

    fn with_cookies(&self, url: &str, request: RequestBuilder) -> anyhow::Result<RequestBuilder> {
        let jar = self.cookies.get(&origin(url)?);
        let pairs: Vec<String> = jar
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header("x-user", &self.user);
        Ok(match pairs.is_empty() {
            true => request,
            false => request.header("cookie", pairs.join("; ")),
        })
    }

    async fn send(&mut self, url: &str, request: RequestBuilder) -> anyhow::Result<Answer> {
        let answer = answer(self.with_cookies(url, request)?).await?;
        let jar = self.cookies.entry(origin(url)?).or_default();
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = line.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').with_context(|| line.clone())?;
            match value {
                "" => jar.remove(name),
                value => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(answer)
    }
}

fn leads_to(from: &str, answer: &Answer) -> anyhow::Result<Option<String>> {
    if !(300..400).contains(&answer.status) {
        return Ok(None);
    }
    let to = answer.header("location").context("no location")?;
    ensure!(!to.is_empty(), "{from} leads nowhere");
    Ok(Some(Url::parse(from)?.join(to)?.to_string()))
}

fn origin(url: &str) -> anyhow::Result<String> {
    Ok(Url::parse(url)?.origin().ascii_serialization())
}
