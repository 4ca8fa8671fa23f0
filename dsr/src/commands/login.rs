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
    };
    let path = config.write(&folders)?;
    let text = format!("Signed in to {url} as {}.", me.name);
    screen.result(&me, &text)?;
    screen.note(&format!("The key is kept in {}.", path.display()));
    Ok(())
}

/// Forgets address and key.
pub fn logout(screen: &Screen) -> Result<(), Failure> {
    Config::remove(&Folders::find()?)?;
    screen.note("The key is forgotten here. It is still valid.");
    Ok(())
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
