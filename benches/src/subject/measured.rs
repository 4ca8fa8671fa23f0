//! A running subject: what it is asked, which processes it costs, and when it has done its work.

use std::net::SocketAddr;
use std::ops::Range;

use tests::app::Carrier;
use tests::servers::S3;

use super::dossier::{Dossier, Keeps};
use super::peers::{self, Peer};
use super::presigned;
use super::requests::Requests;
use crate::cost::Cost;
use crate::http::Answer;

/// A running program that takes documents and gives them back. It ends when it is dropped.
pub struct Subject {
    pub name: String,
    pub address: SocketAddr,
    /// Groups of processes, each by its root, whose cost is told.
    pub groups: Vec<(&'static str, u32)>,
    requests: Requests,
    running: Running,
}

/// What keeps a subject running.
enum Running {
    Peer(Box<Peer>),
    Dossier(Box<Dossier>),
    S3 { _server: S3 },
}

impl Subject {
    /// Every name, in the order of tables.
    pub const NAMES: [&'static str; 10] = [
        "nginx-dav",
        "rustus",
        "s3s-fs",
        "s3-alone",
        "embedded",
        "files",
        "files2",
        "postgres",
        "postgres2",
        "s3",
    ];

    /// The names of Dossier in its ways to run; `postgres` is PostgreSQL without Redis.
    pub const SERVICES: [&'static str; 6] =
        ["embedded", "files", "files2", "postgres", "postgres2", "s3"];

    /// Starts the subject of that name; none if its program isn't installed.
    pub async fn start(name: &str) -> Option<Self> {
        match name {
            "nginx-dav" => Some(Self::peer(peers::nginx().await?, Requests::Files)),
            "s3s-fs" => Some(Self::peer(peers::s3s_fs().await?, Requests::Files)),
            "rustus" => Some(Self::peer(peers::rustus().await?, Requests::Tus)),
            "s3-alone" => Some(Self::s3_alone().await),
            "embedded" => Some(Self::dossier(Dossier::embedded().await)),
            "files" => Some(Self::distributed(Keeps::Files, 1, Carrier::Redis).await),
            "files2" => Some(Self::distributed(Keeps::Files, 2, Carrier::Redis).await),
            "postgres" => Some(Self::distributed(Keeps::Files, 1, Carrier::Postgres).await),
            "postgres2" => Some(Self::distributed(Keeps::Files, 2, Carrier::Postgres).await),
            "s3" => Some(Self::distributed(Keeps::S3, 1, Carrier::Redis).await),
            _ => None,
        }
    }

    async fn distributed(keeps: Keeps, workers: usize, carrier: Carrier) -> Self {
        Self::dossier(Dossier::distributed(keeps, workers, carrier).await)
    }

    fn peer(peer: Peer, requests: Requests) -> Self {
        Self {
            name: peer.name.to_owned(),
            address: peer.address,
            groups: vec![("server", peer.pid)],
            requests,
            running: Running::Peer(Box::new(peer)),
        }
    }

    fn dossier(service: Dossier) -> Self {
        Self {
            name: service.name.clone(),
            address: service.address(),
            groups: service.groups.clone(),
            requests: Requests::Dossier {
                token: service.token.clone(),
            },
            running: Running::Dossier(Box::new(service)),
        }
    }

    /// The S3 server of the tests, as Dossier uses it.
    async fn s3_alone() -> Self {
        let server = S3::private().await;
        let requests = presigned::bucket(&server).await;
        Self {
            name: "the S3 server alone".to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], server.port())),
            groups: vec![("server", server.pid())],
            requests: Requests::Presigned(requests),
            running: Running::S3 { _server: server },
        }
    }

    /// Does what a client does before it sends these documents, so that it isn't measured.
    pub async fn prepare(&mut self, indices: Range<usize>) {
        if let Requests::Presigned(requests) = &mut self.requests {
            requests.sign(indices).await;
        }
    }

    /// The head of the request that uploads a document of so many bytes.
    pub fn upload(&self, index: usize, size: usize) -> String {
        self.requests.upload(index, size)
    }

    /// Where an upload is found, by what was answered.
    pub fn path(&self, index: usize, answer: &Answer) -> String {
        self.requests.path(index, answer)
    }

    /// The head of the request that gives back what is at a path.
    pub fn download(&self, path: &str) -> String {
        self.requests.download(path)
    }

    /// What the subject has cost so far.
    pub fn cost(&self) -> Cost {
        Cost::of(&self.groups)
    }

    /// Waits until nothing is pending; with a peer nothing ever is.
    pub async fn is_settled(&self) {
        if let Running::Dossier(service) = &self.running {
            service.is_settled().await;
        }
    }

    /// Whether a document did not become active.
    pub async fn failed(&self) -> bool {
        match &self.running {
            Running::Dossier(service) => service.failed().await,
            Running::Peer(_) | Running::S3 { .. } => false,
        }
    }

    /// Syncs what a peer has written to files; Dossier does so by itself.
    pub fn sync(&self) {
        if let Running::Peer(peer) = &self.running {
            peer.sync();
        }
    }

    /// Gives the user so many documents that are active.
    pub async fn seed(&self, documents: u32) {
        if let Running::Dossier(service) = &self.running {
            service.seed(documents).await;
        }
    }

    /// PostgreSQL's own account of what its statements cost for `count` documents, the dearest
    /// first; starts again with each call.
    pub async fn statements(&self, count: usize) -> Vec<String> {
        match &self.running {
            Running::Dossier(service) => service.statements(count).await,
            Running::Peer(_) | Running::S3 { .. } => Vec::new(),
        }
    }
}
