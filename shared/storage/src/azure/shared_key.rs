//! Signatures with an account's key: of requests (Shared Key), and of texts such as those of shared
//! access signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request;
use ring::hmac;
use url::form_urlencoded;

/// The key of an account.
#[derive(Clone)]
pub(super) struct AccountKey {
    account: String,
    key: hmac::Key,
}

impl AccountKey {
    /// Reads the key as Azure shows it, in Base64; `None` if it isn't that.
    pub(super) fn read(account: &str, text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        Some(Self {
            account: account.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        })
    }

    /// Signs a text.
    pub(super) fn sign(&self, text: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, text.as_bytes()))
    }

    /// Returns the `Authorization` of a request whose other headers are complete.
    pub(super) fn authorization(&self, head: &request::Parts, length: usize) -> String {
        let signature = self.sign(&self.text(head, length));
        format!("SharedKey {}:{signature}", self.account)
    }

    /// The text to sign, as "Authorize with Shared Key" of Azure's documentation defines it.
    fn text(&self, head: &request::Parts, length: usize) -> String {
        let header = |name: &str| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let length = if length == 0 {
            String::new()
        } else {
            length.to_string()
        };
        let mut lines = vec![head.method.to_string()];
        lines.extend(["content-encoding", "content-language"].map(header));
        lines.push(length);
        lines.extend(
            [
                "content-md5",
                "content-type",
                "date",
                "if-modified-since",
                "if-match",
                "if-none-match",
                "if-unmodified-since",
                "range",
            ]
            .map(header),
        );
        let mut own: Vec<_> = head.headers.keys().map(http::HeaderName::as_str).collect();
        own.retain(|name| name.starts_with("x-ms-"));
        own.sort_unstable();
        lines.extend(own.iter().map(|name| format!("{name}:{}", header(name))));
        lines.push(self.resource(head));
        lines.join("\n")
    }

    /// The canonical resource: the account, the path, and each query parameter in a line.
    fn resource(&self, head: &request::Parts) -> String {
        let query = head.uri.query().unwrap_or_default();
        let mut parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
            .collect();
        parameters.sort_unstable();
        let mut resource = format!("/{}{}", self.account, head.uri.path());
        for (name, value) in parameters {
            resource.extend(["\n", &name, ":", &value]);
        }
        resource
    }
}

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountKey({})", self.account)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn the_text_to_sign_is_that_of_the_documentation() {
        let request = Request::get("https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20")
            .header("x-ms-version", "2015-02-21")
            .header("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT")
            .body(())
            .unwrap();
        let key = AccountKey::read("myaccount", "a2V5").unwrap();
        assert_eq!(
            key.text(&request.into_parts().0, 0),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n\
             x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\n\
             timeout:20"
        );
    }
}
