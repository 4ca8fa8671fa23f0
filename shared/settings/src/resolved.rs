//! Resolves the settings of one role: fills in defaults and validates combinations.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{InvalidSettings, List, OidcProvider, Settings};
use domain::{Limits, TypePolicy};
use ledger::DatabaseUrl;
use queue::QueueUrl;
use storage::{StorageUrl, StorageUrls, WatchedFolder};

/// The role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything in one process.
    Serve,
    /// Only the API.
    Ingress,
    /// Only jobs.
    Worker,
    /// An operator's command.
    Command,
}

impl Role {
    /// Returns the default port of health checks and metrics.
    #[must_use]
    pub const fn ops_port(self) -> u16 {
        match self {
            Self::Worker => 9091,
            Self::Serve | Self::Ingress | Self::Command => 9090,
        }
    }
}

/// Settings with every default filled in.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The data folder, absolute.
    pub data_dir: PathBuf,
    /// The database URL.
    pub database_url: DatabaseUrl,
    /// The place where uploads are staged.
    pub staging_url: StorageUrl,
    /// The place where documents are stored.
    pub storage_url: StorageUrl,
    /// Further places with documents.
    pub more_storage_urls: Vec<StorageUrl>,
    /// The address that serves health checks and metrics.
    pub ops_listen: SocketAddr,
    /// The operator's limits.
    pub limits: Limits,
    /// The provider that people sign in with, if there is one.
    pub oidc: Option<OidcProvider>,
    /// The other settings, as given.
    pub settings: Settings,
}

impl Resolved {
    /// Returns the local folders that grow with uploads.
    #[must_use]
    pub fn watched_folders(&self) -> Vec<WatchedFolder> {
        let local = |place, url: &StorageUrl| {
            let is_local = url.place().scheme() == "file";
            let path = is_local
                .then(|| url.place().to_file_path().ok())
                .flatten()?;
            Some(WatchedFolder { place, path })
        };
        let database = match &self.database_url {
            DatabaseUrl::Sqlite(path) => Some(WatchedFolder {
                place: "database",
                path: path.parent().unwrap_or(path).to_owned(),
            }),
            DatabaseUrl::Postgres(_) => None,
        };
        let folders = [
            local("staging", &self.staging_url),
            local("storage", &self.storage_url),
            database,
        ];
        let more = self.more_storage_urls.iter();
        let more = more.filter_map(|url| local("more", url));
        folders.into_iter().flatten().chain(more).collect()
    }
}

impl Settings {
    /// Fills in defaults and validates the combination for `role`.
    pub fn resolve(self, role: Role) -> Result<Resolved, InvalidSettings> {
        let data_dir =
            std::path::absolute(&self.data_dir).map_err(|source| InvalidSettings::DataFolder {
                path: self.data_dir.clone(),
                source,
            })?;
        let database_url = self
            .database_url
            .clone()
            .unwrap_or_else(|| DatabaseUrl::Sqlite(data_dir.join("dossier.sqlite")));
        self.check_shared(role, &database_url)?;
        if self
            .jwt
            .secret
            .as_ref()
            .is_some_and(|secret| secret.as_bytes().len() < 32)
        {
            return Err(InvalidSettings::ShortJwtSecret);
        }
        if self.jwt.jwks.is_some() && self.jwt.audience.is_none() {
            return Err(InvalidSettings::KeySetWithoutAudience);
        }
        let oidc = self.oidc.provider()?;
        let storage_url = match &self.storage_url {
            Some(url) => url.clone(),
            None => StorageUrl::from_directory(&data_dir.join("storage"))?,
        };
        let staging_url = match &self.staging_url {
            Some(url) => url.clone(),
            None if storage_url.is_object_store() => storage_url.clone(),
            None => StorageUrl::from_directory(&data_dir.join("staging"))?,
        };
        Ok(Resolved {
            database_url,
            staging_url,
            storage_url,
            more_storage_urls: self
                .more_storage_urls
                .as_ref()
                .map_or_else(Vec::new, StorageUrls::to_vec),
            ops_listen: self
                .ops_listen
                .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, role.ops_port()).into()),
            limits: Limits {
                max_document: self.max_document_bytes,
                inline: self.disk.inline_bytes,
                default_quota_bytes: self.default_quota_bytes,
                default_quota_documents: self.default_quota_documents,
                types: TypePolicy {
                    allowed: List::entries(&self.allowed_types),
                    blocked: List::entries(&self.blocked_types),
                },
                type_mismatch: self.type_mismatch.0,
                imports: self.import.limits(),
                operations: self.operations.limits(),
                uploads: self.uploads.limits(),
                allowances: self.disk.allowances(),
                rows: self.rows.limits(),
            },
            data_dir,
            oidc,
            settings: self,
        })
    }

    fn check_shared(&self, role: Role, database_url: &DatabaseUrl) -> Result<(), InvalidSettings> {
        let name = match role {
            Role::Serve | Role::Command => None,
            Role::Ingress => Some("dossier ingress"),
            Role::Worker => Some("dossier worker"),
        };
        if let Some(name) = name {
            if !database_url.is_shared() {
                return Err(InvalidSettings::DatabaseNotShared(name));
            }
            if !self.queue_url.is_shared() {
                return Err(InvalidSettings::QueueNotShared(name));
            }
        }
        if self.queue_url == QueueUrl::Postgres && !database_url.is_shared() {
            return Err(InvalidSettings::QueueNeedsPostgres);
        }
        Ok(())
    }
}
