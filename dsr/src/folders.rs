//! The folders of the platform for what `dsr` keeps.

use std::path::PathBuf;

use etcetera::AppStrategyArgs;
use etcetera::app_strategy::{AppStrategy as _, choose_native_strategy};

use crate::failure::Failure;

/// Where the program keeps its files.
#[derive(Debug)]
pub struct Folders {
    /// Configuration.
    pub config: PathBuf,
    /// What is known of interrupted uploads.
    pub uploads: PathBuf,
}

impl Folders {
    /// Finds the folders of this user.
    pub fn find() -> Result<Self, Failure> {
        let strategy = choose_native_strategy(AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "Dossier".to_owned(),
            app_name: "dsr".to_owned(),
        });
        let strategy = strategy.map_err(|_| {
            Failure::usage("the home folder isn't known: set HOME, or DSR_URL and DSR_KEY")
        })?;
        let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        Ok(Self {
            config: strategy.config_dir(),
            uploads: state.join("uploads"),
        })
    }
}
