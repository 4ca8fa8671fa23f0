//! `dossier health`: what containers and units ask.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::time::Duration;

use tests::app::{Mode, TestApp};
use tests::in_both_modes;
use tests::poll::poll;
use tests::servers::{Dossier, program};

fn asks(ops: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.env_clear().arg("health").args(arguments);
    command.env("DOSSIER_OPS_LISTEN", ops).output().unwrap()
}

fn of(process: &Dossier) -> String {
    process.ops().replace("http://", "")
}

#[in_both_modes]
async fn the_program_asks_whether_a_process_is_ready(mode: Mode) {
    let app = TestApp::start(mode).await;
    let mut processes = app.workers();
    processes.push(app.ingress());
    for process in processes {
        for (arguments, status) in [(&[][..], "ready"), (&["--live"], "live")] {
            let told = asks(&of(process), arguments);
            let text = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(told.status.success(), "{told:?}");
            assert_eq!(text, format!("{{\"status\":\"{status}\"}}\n"));
        }
    }
    app.ingress().ask_to_end();
    // The address is free again once the process is gone.
    poll(Duration::from_secs(30), async || {
        let told = asks(&of(app.ingress()), &[]);
        let line = String::from_utf8_lossy(&told.stderr).into_owned();
        if line.contains("nothing listens at 127.0.0.1:") && told.status.code() == Some(1) {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await;
}

/// A process that hangs is not well, and the check doesn't hang with it.
#[test]
fn a_process_that_never_answers_is_not_healthy() {
    let hanging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let told = asks(&hanging.local_addr().unwrap().to_string(), &["--live"]);
    let line = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert_eq!(
        line,
        "dossier: no answer within 5 s: deadline has elapsed\n"
    );
}
