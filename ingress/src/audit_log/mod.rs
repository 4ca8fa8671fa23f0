//! The security log as this process writes it: with changes, by their transactions; what is
//! refused or read, a moment later and counted.

mod origin;
mod trail;

pub(crate) use origin::Origin;
pub use trail::AuditTrail;
