//! The three roles of a process.

use shared::settings::Resolved;

pub async fn serve(_resolved: Resolved) -> anyhow::Result<()> {
    Ok(())
}
pub async fn ingress(_resolved: Resolved) -> anyhow::Result<()> {
    Ok(())
}
pub async fn worker(_resolved: Resolved) -> anyhow::Result<()> {
    Ok(())
}
