//! Other programs that take files over HTTP, as they are installed.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::cost::tree;

/// A running program that takes files from anybody. It ends when it is dropped.
pub struct Peer {
    pub name: &'static str,
    pub address: SocketAddr,
    pub pid: u32,
    _process: Child,
    folder: TempDir,
}

impl Peer {
    /// Syncs the files that it has written.
    pub fn sync(&self) {
        sync_files(self.folder.path());
    }
}

impl Drop for Peer {
    /// The process itself ends with its handle; those that it started must be told.
    fn drop(&mut self) {
        let processes = tree(self.pid);
        let processes = processes.iter().map(ToString::to_string);
        let told = std::process::Command::new("kill")
            .args(["-s", "TERM"])
            .args(processes)
            // Some may have ended with their parent.
            .stderr(Stdio::null())
            .status();
        drop(told);
    }
}

fn sync_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sync_files(&path);
        }
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.expect("what a peer has written can be synced");
    }
}

/// nginx with its DAV module, as Debian's `nginx-light` has it: no database, no sync.
pub async fn nginx() -> Option<Peer> {
    let program = find("nginx")?;
    let (folder, port) = (TempDir::new().ok()?, free_port());
    let home = folder.path().display();
    let configuration = format!(
        "daemon off; master_process on; worker_processes 2; pid {home}/pid; error_log {home}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/a; fastcgi_temp_path {home}/b;\n\
         uwsgi_temp_path {home}/c; scgi_temp_path {home}/d; sendfile on; keepalive_requests 10000000;\n\
         server {{ listen 127.0.0.1:{port}; root {home}/root; client_max_body_size 2g; client_body_buffer_size 64k;\n\
         location / {{ dav_methods PUT; create_full_put_path on; }} }} }}"
    );
    std::fs::write(folder.path().join("nginx.conf"), configuration).ok()?;
    std::fs::create_dir(folder.path().join("root")).ok()?;
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.path().join("nginx.conf"));
    // Started by root, its workers would be nobody's, who may not write here; others get a warning.
    command.args(["-g", "user root;"]);
    start("nginx-dav", command, folder, port).await
}

/// `s3s-fs`, an S3 server on files: no database, no sync.
pub async fn s3s_fs() -> Option<Peer> {
    let program = find("s3s-fs")?;
    let (folder, port) = (TempDir::new().ok()?, free_port());
    std::fs::create_dir(folder.path().join("documents")).ok()?;
    let mut command = Command::new(program);
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .arg(folder.path());
    start("s3s-fs", command, folder, port).await
}

/// rustus, a tus server on files: no database, no sync.
pub async fn rustus() -> Option<Peer> {
    let program = find("rustus")?;
    let (folder, port) = (TempDir::new().ok()?, free_port());
    let [data, info] = ["data", "info"].map(|name| folder.path().join(name));
    std::fs::create_dir(&data).ok()?;
    std::fs::create_dir(&info).ok()?;
    let mut command = Command::new(program);
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--log-level", "ERROR", "--workers", "2"])
        .args(["--max-body-size", "2147483648", "--data-dir"])
        .arg(data)
        .arg("--info-dir")
        .arg(info);
    start("rustus", command, folder, port).await
}

async fn start(
    name: &'static str,
    mut command: Command,
    folder: TempDir,
    port: u16,
) -> Option<Peer> {
    let process = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env("RUST_LOG", "error")
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_ok() {
            return Some(Peer {
                name,
                address,
                pid: process.id()?,
                _process: process,
                folder,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// In `PATH`, where Debian keeps servers, and where `benches/install` puts programs.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/peers/bin");
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), tools])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
