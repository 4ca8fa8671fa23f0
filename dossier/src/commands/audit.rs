//! `dossier audit`: prints the findings of an audit as a table or as JSON.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use domain::{Clock, SystemClock};
use ledger::ownership::Ownership;
use serde_json::json;
use settings::Resolved;
use worker::{AuditMode, AuditRequest, Deep, Finding, Summary, audit};

use crate::{cli, resources};

/// The exit code of an audit with findings.
const FINDINGS: u8 = 1;

pub async fn run(resolved: &Resolved, options: cli::Audit) -> anyhow::Result<ExitCode> {
    let db = resources::ledger(resolved).await?;
    let places = resources::places(resolved).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let request = AuditRequest {
        db: db.clone(),
        ownership: Ownership::of(db.clone(), places.clone(), Arc::clone(&clock)),
        places,
        clock,
        retention: resolved.settings.cleanup.retention(),
        mode: if options.repair {
            AuditMode::Repair
        } else {
            AuditMode::DryRun
        },
        deep: if options.deep {
            Deep::Digests(options.rate)
        } else {
            Deep::No
        },
    };
    let mut report: Box<dyn FnMut(Finding) + Send> = if options.json {
        Box::new(|finding| println!("{}", line_of(&finding)))
    } else {
        Box::new(|finding| println!("{}", row_of(&finding)))
    };
    let summary = audit(&request, &mut *report).await?;
    if options.json {
        println!("{}", summary_line(&summary));
    } else {
        tell(&summary);
    }
    db.close().await.context("failed to close the database")?;
    Ok(if summary.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FINDINGS)
    })
}

fn line_of(finding: &Finding) -> serde_json::Value {
    json!({
        "kind": finding.kind.as_str(),
        "subject": finding.subject,
        "detail": finding.detail,
        "remedy": finding.remedy.as_str(),
    })
}

fn summary_line(summary: &Summary) -> serde_json::Value {
    let findings = summary.findings.iter();
    let findings: serde_json::Map<_, _> = findings
        .map(|(kind, count)| (kind.to_string(), json!(count)))
        .collect();
    json!({
        "summary": {
            "clean": summary.is_clean(),
            "findings": findings,
            "objects": summary.objects,
            "bytes_read": summary.bytes_read,
            "quarantined": summary.quarantined,
        }
    })
}

fn row_of(finding: &Finding) -> String {
    let (kind, remedy) = (finding.kind.as_str(), finding.remedy.as_str());
    format!(
        "{kind:20} {remedy:12} {}  {}",
        finding.subject, finding.detail
    )
}

fn tell(summary: &Summary) {
    if summary.is_clean() {
        println!("No findings.");
    }
    for (kind, count) in &summary.findings {
        println!("{count:8}  {kind}");
    }
    println!(
        "{} objects checked, {} bytes read, {} objects in quarantine.",
        summary.objects, summary.bytes_read, summary.quarantined
    );
}
