//! How each kind of subject is asked for an upload and a download.

use super::presigned::Presigned;
use crate::http::Answer;

/// The protocol of a subject.
pub enum Requests {
    /// PUT and GET of a path, from anybody.
    Files,
    /// tus 1.0 with `creation-with-upload`: one request for each upload.
    Tus,
    /// An S3 server, by URLs that carry a signature.
    Presigned(Presigned),
    /// The API of Dossier.
    Dossier { token: String },
}

impl Requests {
    /// The head of the request that uploads a document of so many bytes.
    pub fn upload(&self, index: usize, size: usize) -> String {
        match self {
            Self::Files => format!("PUT /documents/{index}.bin HTTP/1.1\r\nhost: benches\r\n"),
            Self::Tus => format!(
                "POST /files HTTP/1.1\r\nhost: benches\r\ntus-resumable: 1.0.0\r\nupload-length: {size}\r\n\
                 content-type: application/offset+octet-stream\r\n"
            ),
            Self::Presigned(signed) => signed.upload(index),
            Self::Dossier { token } => format!(
                "POST /v1/documents?name={index}.bin HTTP/1.1\r\nhost: benches\r\n\
                 content-type: application/octet-stream\r\nauthorization: Bearer {token}\r\n"
            ),
        }
    }

    /// Where an upload is found, by what was answered.
    pub fn path(&self, index: usize, answer: &Answer) -> String {
        match self {
            Self::Files => format!("/documents/{index}.bin"),
            Self::Tus => path_of(&answer.location),
            Self::Presigned(signed) => signed.path(index),
            Self::Dossier { .. } => {
                let document: serde_json::Value =
                    domain::read_json(&answer.body).expect("an accepted document is JSON");
                let id = document["id"].as_str().expect("a document has an id");
                format!("/v1/documents/{id}/content")
            }
        }
    }

    /// The head of the request that gives back what is at a path.
    pub fn download(&self, path: &str) -> String {
        match self {
            Self::Files | Self::Tus => format!("GET {path} HTTP/1.1\r\nhost: benches\r\n"),
            Self::Presigned(signed) => signed.download(path),
            Self::Dossier { token } => {
                format!("GET {path} HTTP/1.1\r\nhost: benches\r\nauthorization: Bearer {token}\r\n")
            }
        }
    }
}

/// The path and query of a URL.
pub(super) fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/')
        .map_or_else(|| "/".to_owned(), |begin| rest[begin..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_path() {
        assert_eq!(path_of("http://127.0.0.1:80/files/a?b=c"), "/files/a?b=c");
        assert_eq!(path_of("/files/a"), "/files/a");
        assert_eq!(path_of("http://127.0.0.1"), "/");
    }

    #[test]
    fn an_upload_is_found_where_the_answer_says() {
        let answer = Answer {
            status: 201,
            location: "http://benches/files/abc".to_owned(),
            body: br#"{"id":"7"}"#.to_vec(),
        };
        assert_eq!(Requests::Tus.path(1, &answer), "/files/abc");
        let token = String::new();
        let path = Requests::Dossier { token }.path(1, &answer);
        assert_eq!(path, "/v1/documents/7/content");
    }
}
