//! Tickets: uploads by somebody without a key.

/// The status of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketStatus {
    /// Uploads may begin.
    Open,
    /// It has no use left.
    Used,
    /// Its time is over; uploads that have begun may end.
    Expired,
    /// Its owner has revoked it.
    Revoked,
}
