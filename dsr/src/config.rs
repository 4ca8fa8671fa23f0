//! The file in which `dsr login` keeps address and key, readable by its user alone.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::folders::Folders;
use crate::json::read_json;

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Config {
    /// The service.
    pub url: Option<String>,
    /// The API key.
    pub key: Option<String>,
    /// Whether the key came of signing in with a browser, so that nobody else has it.
    #[serde(default)]
    pub signed_in: bool,
}

impl Config {
    /// Reads the file; without one nothing is configured.
    pub fn read(folders: &Folders) -> Result<Self, Failure> {
        let path = path(folders);
        match fs::read(&path) {
            Ok(text) => read_json(&text).map_err(|error| Failure::File {
                path,
                source: io::Error::new(ErrorKind::InvalidData, error),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::file(&path)(error)),
        }
    }

    /// Writes the file (mode 0600), and returns where it is.
    pub fn write(&self, folders: &Folders) -> Result<PathBuf, Failure> {
        let path = path(folders);
        let write = || {
            fs::create_dir_all(&folders.config)?;
            // Such a file is private from the beginning.
            let mut aside = tempfile::NamedTempFile::new_in(&folders.config)?;
            aside.write_all(&serde_json::to_vec_pretty(self)?)?;
            aside.write_all(b"\n")?;
            aside.as_file().sync_all()?;
            aside.persist(&path).map_err(|error| error.error)?;
            Ok::<(), io::Error>(())
        };
        write().map_err(Failure::file(&path))?;
        Ok(path)
    }

    /// Removes the file.
    pub fn remove(folders: &Folders) -> Result<(), Failure> {
        let path = path(folders);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file(&path)(error)),
            _ => Ok(()),
        }
    }
}

fn path(folders: &Folders) -> PathBuf {
    folders.config.join("config.json")
}
