//! The page of a ticket: a form that needs no script, and a script that sends large files in pieces.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Sha256, TicketStatus};
use ledger::Ticket;
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Html, Json};

use crate::dto::TicketDocumentBody;
use crate::http::Wait;

/// The script, which every page loads by this path.
pub(super) const SCRIPT: &str = include_str!("ticket_upload.js");

const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
     body{max-width:32rem;margin:10vh auto;padding:0 1rem}form{display:grid;gap:1rem}\
     form[hidden]{display:none}input,button,progress{font:inherit;max-width:100%}\
     button{padding:.5rem 1rem}progress{width:100%}progress[hidden]{display:none}";

/// Nothing is loaded from elsewhere, no script or style is in the page but the known one, and the
/// page may not be framed.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::of(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; script-src 'self'; style-src 'sha256-{style}'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// The page.
#[derive(ApiResponse)]
pub(super) enum Page {
    /// A form, or why there is none.
    #[oai(status = 200)]
    Form(
        Html<String>,
        #[oai(header = "Content-Security-Policy")] String,
    ),
}

/// What was uploaded with a ticket.
#[derive(ApiResponse)]
pub(super) enum Shown {
    /// `Prefer: wait` was honored: the document is active.
    #[oai(status = 201)]
    Active(
        Json<TicketDocumentBody>,
        /// Where its status is.
        #[oai(header = "Location")]
        String,
        /// `wait=<seconds>`
        #[oai(header = "Preference-Applied")]
        String,
    ),
    /// The bytes are accepted and durable.
    #[oai(status = 202)]
    Document(
        Json<TicketDocumentBody>,
        /// Where its status is.
        #[oai(header = "Location")]
        String,
        /// Seconds to wait before polling again.
        #[oai(header = "Retry-After")]
        u32,
        /// `wait=<seconds>`, if the client asked to wait.
        #[oai(header = "Preference-Applied")]
        Option<String>,
    ),
    /// The same for a browser: it leads back to the page.
    #[oai(status = 303)]
    Page(
        /// The page.
        #[oai(header = "Location")]
        String,
    ),
}

/// How an upload in one request is answered.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The URL of the ticket.
    pub(super) url: String,
    /// Whether the client is a browser that shows a page.
    pub(super) as_page: bool,
    /// How long the client waits for the document.
    pub(super) wait: Option<Wait>,
}

impl Reply {
    /// Returns where the status of a document is.
    pub(super) fn location(&self, document: &TicketDocumentBody) -> String {
        format!("{}/documents/{}", self.url, document.id.0)
    }

    /// Answers that the bytes are accepted.
    pub(super) fn accepted(&self, document: TicketDocumentBody) -> Shown {
        if self.as_page {
            return Shown::Page(format!("{}?received={}", self.url, document.id.0));
        }
        let location = self.location(&document);
        let applied = self.wait.map(|wait| wait.to_string());
        Shown::Document(Json(document), location, 1, applied)
    }
}

/// The page of a ticket, also right after an upload.
pub(super) fn page(ticket: &Ticket, status: TicketStatus, received: bool) -> Page {
    let mut main = String::from("<h1>Upload a file</h1>");
    if received {
        main.push_str("<p role=\"status\">Your file was received.</p>");
    }
    match status {
        TicketStatus::Open => {}
        TicketStatus::Used => main.push_str("<p>Nothing more can be uploaded here.</p>"),
        TicketStatus::Expired | TicketStatus::Revoked => {
            main.push_str("<p>The time for uploads here is over.</p>");
        }
    }
    // An upload that has begun may go on, also when no other one may begin.
    let is_open = status == TicketStatus::Open;
    form(&mut main, ticket, if is_open { "" } else { " hidden" });
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Upload a file</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <style>{STYLE}</style><script type=\"module\" src=\"/ticket.js\"></script></head>\
         <body><main>{main}</main></body></html>"
    );
    Page::Form(Html(html), POLICY.clone())
}

fn form(main: &mut String, ticket: &Ticket, hidden: &str) {
    let (mut data, mut most) = (String::new(), String::new());
    if let Some(bytes) = ticket.max_bytes {
        // Writing to a string never fails.
        let _ = write!(data, " data-most=\"{}\"", bytes.bytes());
        let _ = write!(most, "<p>At most {bytes} bytes.</p>");
    }
    let _ = write!(
        main,
        "<form method=\"post\" enctype=\"multipart/form-data\"{data}{hidden}>\
         <label>File <input type=\"file\" name=\"file\" required></label>{most}\
         <button>Upload</button></form>\
         <progress aria-label=\"Uploaded\" value=\"0\" hidden></progress>\
         <p id=\"status\" role=\"status\"></p>"
    );
}
