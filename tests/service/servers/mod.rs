//! Servers that operators bring along: object stores, `PgBouncer`, Redis within TLS, with Sentinels
//! and as a cluster, PostgreSQL alone, a provider to sign in with.

mod azure;
mod azure_identities;
mod azure_signatures;
mod checksums;
mod cut_connections;
mod direct_uploads;
mod direct_uploads_broken;
mod direct_uploads_requests;
mod each_backend;
mod gcs;
mod gcs_credentials;
mod growing;
mod hints;
mod large_objects;
mod moves;
mod moves_during_exports;
mod moves_under_load;
mod pgbouncer;
mod postgres_alone;
mod postgres_hints;
mod redirects;
mod redis_cluster;
mod redis_sentinel;
mod redis_tls;
mod s3;
mod s3_profiles;
mod s3s;
mod several_places;
mod sign_in;
mod within_tls;
