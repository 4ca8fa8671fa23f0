//! The words of `dsr put`.

use std::path::PathBuf;

use clap::Args;

/// Uploads.
#[derive(Args, Debug)]
#[command(after_help = "\
An interrupted upload goes on where it was when the same command is given again. Files that were
uploaded already are then not uploaded a second time. What can't be read is named, and keeps nobody
from the rest: the exit code is 1 then.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct Put {
    /// Files, and folders with all that is in them; - for standard input, which needs --name
    #[arg(required = true, value_name = "FILE")]
    pub paths: Vec<PathBuf>,

    /// The name of the document; by default that of the file. For one file
    #[arg(long)]
    pub name: Option<String>,

    #[arg(
        long,
        requires = "unique_name",
        help = "Let anybody read it at /public/UNIQUE_NAME"
    )]
    pub public: bool,

    /// A name of its own in the whole service. For one file
    #[arg(long, value_name = "UNIQUE_NAME")]
    pub unique_name: Option<String>,

    /// Metadata: KEY=VALUE, or a JSON object; may be given several times
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub metadata: Vec<String>,

    /// The declared media type; the service detects the real one
    #[arg(long = "type", value_name = "TYPE")]
    pub media_type: Option<String>,

    /// Make the file a new version of this document. For one file
    #[arg(long, value_name = "ID", conflicts_with_all = ["unique_name", "metadata", "public"])]
    pub version_of: Option<String>,

    /// Keep the path of each file below its folder as the metadata `path`
    #[arg(long, conflicts_with = "version_of")]
    pub paths_as_metadata: bool,

    /// Wait until the documents are active, and fail if one isn't
    #[arg(long, short)]
    pub wait: bool,

    /// How many files are uploaded at once
    #[arg(long, short, value_name = "COUNT", default_value_t = 4)]
    pub parallel: u8,

    /// Upload everything, also what an interrupted run has uploaded
    #[arg(long)]
    pub restart: bool,
}
