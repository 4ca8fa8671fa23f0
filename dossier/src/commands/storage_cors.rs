//! `dossier storage cors`: prints the rules by which scripts of browsers may read and write buckets.

use anyhow::bail;
use serde_json::json;
use settings::{CorsOrigin, List, Resolved};
use storage::StorageRouter;
use url::Url;

/// Fields that scripts set: those of signed uploads, and ranges.
const HEADERS: [&str; 4] = [
    "content-type",
    "range",
    "x-ms-blob-type",
    "x-goog-content-length-range",
];

/// Those of signed uploads to S3 whose place has options for how objects are written.
const S3_HEADERS: [&str; 3] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
];

/// Fields that scripts read: those that uploads in parts tell us, and those of downloads.
const EXPOSED: [&str; 4] = [
    "etag",
    "content-range",
    "content-disposition",
    "content-length",
];

/// How long browsers may cache a preflight, in seconds.
const MAX_AGE: u32 = 600;

pub fn run(resolved: &Resolved, places: &StorageRouter) -> anyhow::Result<()> {
    let origins = List::entries(&resolved.settings.cors_origins);
    let mut origins: Vec<_> = origins.into_iter().map(written).collect();
    if origins.is_empty() {
        origins.push("*".to_owned());
    }
    for place in places_to_print(places.staging().place(), places.store().place()) {
        println!("{}", rules(place, &origins)?);
    }
    Ok(())
}

/// The places whose buckets sign URLs, one for each service: all buckets of a service take the same
/// rules.
fn places_to_print<'p>(staging: &'p Url, store: &'p Url) -> Vec<&'p Url> {
    if staging.scheme() == store.scheme() || store.scheme() == "file" {
        return vec![staging];
    }
    if staging.scheme() == "file" {
        return vec![store];
    }
    vec![staging, store]
}

fn written(origin: CorsOrigin) -> String {
    match origin {
        CorsOrigin::Any => "*".to_owned(),
        CorsOrigin::One(origin) => origin,
    }
}

/// The rules as the tools of each service take them.
fn rules(place: &Url, origins: &[String]) -> anyhow::Result<String> {
    let methods = ["GET", "HEAD", "PUT"];
    Ok(match place.scheme() {
        "s3" => {
            let headers: Vec<_> = HEADERS.into_iter().chain(S3_HEADERS).collect();
            let rule = json!({
                "AllowedOrigins": origins, "AllowedMethods": methods, "AllowedHeaders": headers,
                "ExposeHeaders": EXPOSED, "MaxAgeSeconds": MAX_AGE,
            });
            format!("{:#}", json!({"CORSRules": [rule]}))
        }
        "gs" => {
            // One list for what is sent and what is read.
            let fields: Vec<_> = HEADERS.into_iter().chain(EXPOSED).collect();
            let rule = json!({
                "origin": origins, "method": methods, "responseHeader": fields,
                "maxAgeSeconds": MAX_AGE,
            });
            format!("{:#}", json!([rule]))
        }
        "azure" => format!(
            "<Cors><CorsRule><AllowedOrigins>{}</AllowedOrigins><AllowedMethods>{}</AllowedMethods>\
             <AllowedHeaders>{}</AllowedHeaders><ExposedHeaders>{}</ExposedHeaders>\
             <MaxAgeInSeconds>{MAX_AGE}</MaxAgeInSeconds></CorsRule></Cors>",
            origins.join(","),
            methods.join(","),
            HEADERS.join(","),
            EXPOSED.join(",")
        ),
        _ => bail!("{place} is no bucket: its bytes pass through the service"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_own_form() {
        let of = |place: &str| {
            let place = place.parse().unwrap();
            rules(&place, &["https://app.example".to_owned()])
        };
        let s3: serde_json::Value = domain::read_json(of("s3://b/p/").unwrap().as_bytes()).unwrap();
        assert_eq!(
            s3["CORSRules"][0]["AllowedOrigins"],
            json!(["https://app.example"])
        );
        let headers = s3["CORSRules"][0]["AllowedHeaders"].as_array().unwrap();
        assert!(headers.contains(&json!("x-amz-storage-class")), "{s3}");
        let gs: serde_json::Value = domain::read_json(of("gs://b/p/").unwrap().as_bytes()).unwrap();
        assert_eq!(gs[0]["method"], json!(["GET", "HEAD", "PUT"]));
        assert!(
            of("azure://c/p/")
                .unwrap()
                .contains("<AllowedMethods>GET,HEAD,PUT<")
        );
        of("file:///data/").unwrap_err();
    }

    #[test]
    fn every_service_that_signs_is_told_its_rules() {
        let [file, s3, other, gs]: [Url; 4] =
            ["file:///d/", "s3://b/", "s3://c/", "gs://b/"].map(|url| url.parse().unwrap());
        assert_eq!(places_to_print(&s3, &s3), [&s3]);
        assert_eq!(places_to_print(&s3, &other), [&s3]);
        assert_eq!(places_to_print(&file, &s3), [&s3]);
        assert_eq!(places_to_print(&s3, &file), [&s3]);
        assert_eq!(places_to_print(&s3, &gs), [&s3, &gs]);
    }
}
