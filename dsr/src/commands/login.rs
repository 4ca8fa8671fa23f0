//! Signing in and out.

use std::io::{self, BufRead as _, IsTerminal as _};

use client::Client;
use console::Term;

use crate::cli::Login;
use crate::config::Config;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::output::Screen;

/// Where a service is that was started without settings.
const USUAL: &str = "http://127.0.0.1:8080";

/// Checks a key at the service, and keeps both.
pub async fn login(
    login: Login,
    url: Option<String>,
    key: Option<String>,
    screen: &Screen,
) -> Result<(), Failure> {
    let folders = Folders::find()?;
    let url = match login.service.or(url) {
        Some(url) => url,
        None => Config::read(&folders)?
            .url
            .unwrap_or_else(|| USUAL.to_owned()),
    };
    let key = match key {
        _ if login.browser => by_browser(&url, screen).await?,
        Some(key) => key,
        None => ask(&url)?,
    };
    let key = key.trim().to_owned();
    if key.is_empty() {
        return Err(Failure::usage("no key was given"));
    }
    let me = Client::new(&url, &key)?.me().await?;
    let config = Config {
        url: Some(url.clone()),
        key: Some(key),
        signed_in: login.browser,
    };
    let path = config.write(&folders)?;
    let text = format!("Signed in to {url} as {}.", me.name);
    screen.result(&me, &text)?;
    screen.note(&format!("The key is kept in {}.", path.display()));
    Ok(())
}

/// Forgets address and key. A key that came of signing in with a browser is removed at the service.
pub async fn logout(screen: &Screen) -> Result<(), Failure> {
    let folders = Folders::find()?;
    // One that can't be read is removed as well.
    let kept = Config::read(&folders).unwrap_or_default();
    Config::remove(&folders)?;
    let told = match (kept.url, kept.key) {
        (Some(url), Some(key)) if kept.signed_in => match remove(&url, &key).await {
            Ok(()) => "Signed out: the key is removed.".to_owned(),
            Err(failure) => format!(
                "The key is forgotten here. It could not be removed at the service ({}), and is \
                 valid until it ends.",
                failure.message()
            ),
        },
        _ => "The key is forgotten here. It is still valid.".to_owned(),
    };
    screen.note(&told);
    Ok(())
}

/// Removes a key by itself. One that the service doesn't know any more is removed.
async fn remove(url: &str, key: &str) -> Result<(), Failure> {
    let client = Client::new(url, key)?;
    match client.me().await {
        Ok(me) => match me.key {
            Some(key) => Ok(client.remove_key(None, key.id).await?),
            None => Ok(()),
        },
        Err(error) if error.code() == Some("unauthorized") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The key that somebody gets by confirming in a browser, of this machine or another.
async fn by_browser(url: &str, screen: &Screen) -> Result<String, Failure> {
    let client = Client::builder(url).build()?;
    let Some(begun) = client.begin_sign_in().await? else {
        return Err(Failure::usage(
            "this service offers no sign-in with a browser; leave out --browser and give a key",
        ));
    };
    screen.invite(&format!(
        "Open {} in a browser, check that it shows the code {}, and confirm.",
        begun.url(),
        begun.user_code()
    ));
    Ok(begun.finish().await?.key)
}

/// The key, typed unseen on a terminal or read from standard input.
fn ask(url: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let terminal = Term::stderr();
        terminal
            .write_str(&format!("API key for {url}: "))
            .map_err(Failure::Output)?;
        return terminal.read_secure_line().map_err(Failure::Output);
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(Failure::Output)?;
    Ok(line)
}
