//! The page of a ticket: a form that needs no script.

use domain::TicketStatus;
use ledger::Ticket;
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Html, Json};

use crate::dto::TicketDocumentBody;

/// Nothing is loaded from anywhere, and the page may not be framed.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

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
    ),
    /// The same for a browser: it leads back to the page.
    #[oai(status = 303)]
    Page(
        /// The page.
        #[oai(header = "Location")]
        String,
    ),
}

/// The page of a ticket, also right after an upload.
pub(super) fn page(ticket: &Ticket, status: TicketStatus, received: bool) -> Page {
    let note = if received {
        "<p role=\"status\">Your file was received.</p>"
    } else {
        ""
    };
    let most = ticket.max_bytes.map_or(String::new(), |most| {
        format!("<p>At most {most} bytes.</p>")
    });
    let form = match status {
        TicketStatus::Open => format!(
            "<form method=\"post\" enctype=\"multipart/form-data\">\
             <label>File <input type=\"file\" name=\"file\" required></label>{most}\
             <button>Upload</button></form>"
        ),
        TicketStatus::Used => "<p>Nothing more can be uploaded here.</p>".to_owned(),
        TicketStatus::Expired | TicketStatus::Revoked => {
            "<p>The time for uploads here is over.</p>".to_owned()
        }
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Upload a file</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <style>:root{{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}}\
         body{{max-width:32rem;margin:10vh auto;padding:0 1rem}}form{{display:grid;gap:1rem}}\
         button{{font:inherit;padding:.5rem 1rem}}</style></head>\
         <body><main><h1>Upload a file</h1>{note}{form}</main></body></html>"
    );
    Page::Form(Html(html), POLICY.to_owned())
}
