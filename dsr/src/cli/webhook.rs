//! The words of `dsr webhook`.

use clap::Subcommand;
use client::Uuid;

/// Webhooks.
#[derive(Subcommand, Debug)]
pub enum WebhookCommand {
    /// Have events delivered to an address, and print the secret that signs them
    #[command(visible_alias = "add")]
    New {
        /// Where: an https URL
        #[arg(value_name = "URL")]
        to: String,
        /// Only these types of events, such as document.activated
        #[arg(long, short, value_name = "TYPE", value_delimiter = ',')]
        types: Vec<String>,
        /// Words of your own
        #[arg(long)]
        description: Option<String>,
    },
    /// List webhooks
    #[command(visible_alias = "list")]
    Ls,
    /// Show a webhook
    Show {
        /// The webhook
        id: Uuid,
    },
    /// Change where and what is delivered
    Edit {
        /// The webhook
        id: Uuid,
        /// Another https URL
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Only these types of events; * for all
        #[arg(long, short, value_name = "TYPE", value_delimiter = ',')]
        types: Vec<String>,
        /// Words of your own
        #[arg(long)]
        description: Option<String>,
    },
    /// Deliver again after it was disabled
    Enable {
        /// The webhook
        id: Uuid,
    },
    /// Deliver nothing until it is enabled
    Disable {
        /// The webhook
        id: Uuid,
    },
    /// Print another secret; for a day both sign
    Rotate {
        /// The webhook
        id: Uuid,
    },
    /// Deliver a webhook.test
    Test {
        /// The webhook
        id: Uuid,
    },
    /// List what was delivered, the newest first
    Deliveries {
        /// The webhook
        id: Uuid,
        /// The most that are listed
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
    },
    /// Deliver something again
    Retry {
        /// The webhook
        id: Uuid,
        /// The delivery
        delivery: Uuid,
    },
    /// Deliver the events after a cursor again
    Replay {
        /// The webhook
        id: Uuid,
        /// The cursor of the feed
        #[arg(long, value_name = "CURSOR")]
        after: String,
    },
    /// Delete a webhook
    Rm {
        /// The webhook
        id: Uuid,
    },
}
