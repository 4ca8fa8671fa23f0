//! Parses the manifest entry of one document independently of the others, so that an error affects
//! only that document. Pure; treats the input as hostile.

use std::collections::HashMap;
use std::fmt;

use domain::read_json;
use serde::Deserialize;
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

/// The most versions of a document.
const MOST_VERSIONS: usize = 10_000;

/// A document as described by a manifest.
#[derive(Debug)]
pub(super) enum Description<'a> {
    /// Well-formed.
    Whole(Described<'a>),
    /// Malformed.
    Broken(BrokenDescription),
}

/// A well-formed description.
#[derive(Debug)]
pub(super) struct Described<'a> {
    /// The entry of the current version.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) declared_type: Option<String>,
    pub(super) sha256: String,
    /// Unparsed: parsed JSON may take far more memory.
    pub(super) metadata: Option<&'a RawValue>,
    pub(super) versions: Vec<DescribedVersion>,
}

/// A version described by a manifest.
#[derive(Debug, Deserialize)]
pub(super) struct DescribedVersion {
    pub(super) number: u32,
    pub(super) path: String,
    #[serde(default)]
    pub(super) declared_type: Option<String>,
    pub(super) sha256: String,
}

/// What could be recovered from a malformed description.
#[derive(Debug)]
pub(super) struct BrokenDescription {
    pub(super) path: Option<String>,
    pub(super) name: Option<String>,
    /// The entries of versions.
    pub(super) others: Vec<String>,
}

impl<'a> Description<'a> {
    /// Parses the description of a document.
    pub(super) fn read(written: &'a RawValue) -> Self {
        let members = Members::of(written);
        match members.described() {
            Some(described) => Self::Whole(described),
            None => Self::Broken(members.broken()),
        }
    }
}

/// The relevant members, unparsed.
#[derive(Debug, Default)]
struct Members<'a> {
    written: HashMap<&'static str, &'a RawValue>,
    /// A member occurs more than once.
    is_ambiguous: bool,
}

const NAMES: [&str; 6] = [
    "path",
    "name",
    "declared_type",
    "sha256",
    "metadata",
    "versions",
];

impl<'a> Members<'a> {
    /// Anything but an object has none.
    fn of(written: &'a RawValue) -> Self {
        parts(written).unwrap_or_default()
    }

    fn written(&self, name: &str) -> Option<&'a RawValue> {
        let written = self.written.get(name).copied();
        written.filter(|written| written.get() != "null")
    }

    fn text(&self, name: &str) -> Option<String> {
        value(self.written(name)?)
    }

    fn described(&self) -> Option<Described<'a>> {
        let declared_type = self.written("declared_type").map(value);
        let described = Described {
            path: self.text("path")?,
            name: self.text("name")?,
            declared_type: match declared_type {
                Some(declared_type) => Some(declared_type?),
                None => None,
            },
            sha256: self.text("sha256")?,
            metadata: self.written("metadata"),
            versions: self
                .versions()?
                .into_iter()
                .map(value)
                .collect::<Option<_>>()?,
        };
        Some(described).filter(|_| !self.is_ambiguous)
    }

    fn broken(&self) -> BrokenDescription {
        let versions = self.versions().unwrap_or_default().into_iter();
        BrokenDescription {
            path: self.text("path"),
            name: self.text("name"),
            others: versions
                .filter_map(|version| Members::of(version).text("path"))
                .collect(),
        }
    }

    /// `None` if there are too many, or if it isn't an array.
    fn versions(&self) -> Option<Vec<&'a RawValue>> {
        let Some(written) = self.written("versions") else {
            return Some(Vec::new());
        };
        let Versions(versions) = parts(written)?;
        Some(versions)
    }
}

/// The elements of an array, each unparsed.
#[expect(
    clippy::disallowed_methods,
    reason = "no values are made of the parts here"
)]
fn parts<'a, T: Deserialize<'a>>(written: &'a RawValue) -> Option<T> {
    serde_json::from_str(written.get()).ok()
}

fn value<T: DeserializeOwned>(written: &RawValue) -> Option<T> {
    read_json(written.get().as_bytes()).ok()
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a document or a version")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(MemberName(name)) = map.next_key()? {
                    let Some(name) = name else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let former = members.written.insert(name, map.next_value()?);
                    members.is_ambiguous |= former.is_some();
                }
                Ok(members)
            }
        }

        json.deserialize_map(Object)
    }
}

/// The name of a member, if relevant. Read as bytes, since an irrelevant one may not be valid text.
struct MemberName(Option<&'static str>);

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = MemberName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<MemberName, E> {
                let mut names = NAMES.into_iter();
                Ok(MemberName(names.find(|name| name.as_bytes() == bytes)))
            }
        }

        json.deserialize_bytes(Bytes)
    }
}

/// At most [`MOST_VERSIONS`] versions, unparsed.
struct Versions<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Versions<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Versions<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST_VERSIONS} versions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut versions = Vec::new();
                while let Some(version) = list.next_element()? {
                    if versions.len() == MOST_VERSIONS {
                        return Err(A::Error::invalid_length(MOST_VERSIONS + 1, &self));
                    }
                    versions.push(version);
                }
                Ok(Versions(versions))
            }
        }

        json.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"path":"p","name":"n","sha256":"x","metadata":{"a":1e400},
        "versions":[{"number":1,"path":"v","sha256":"y"}]}"#;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn a_description_is_read() {
        let written = raw(WHOLE);
        let Description::Whole(described) = Description::read(&written) else {
            panic!("broken");
        };
        assert_eq!(
            (described.path.as_str(), described.name.as_str()),
            ("p", "n")
        );
        assert_eq!(
            described.metadata.map(RawValue::get),
            Some(r#"{"a":1e400}"#)
        );
        assert_eq!(described.versions[0].path, "v");
        let more = WHOLE.replace(
            r#""path":"p""#,
            r#""path":"p","\ud800":"\udfff","declared_type":null"#,
        );
        assert!(matches!(
            Description::read(&raw(&more)),
            Description::Whole(_)
        ));
    }

    #[test]
    fn what_is_wrong_with_one_member_is_told_with_what_the_others_say() {
        for (from, to) in [
            (r#""name":"n""#, r#""name":"\ud800""#),
            (r#""name":"n""#, r#""other":"n""#),
            (r#""number":1"#, r#""number":1.0"#),
            (r#""number":1"#, r#""number":4294967296"#),
            (
                r#""number":1"#,
                r#""number":{"$serde_json::private::Number":"1"}"#,
            ),
            (
                r#""sha256":"x""#,
                r#""sha256":"x","declared_type":"\ud800""#,
            ),
            (r#""sha256":"x""#, r#""sha256":7"#),
            (r#""sha256":"x""#, r#""sha256":"x","sha256":"x""#),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            let Description::Broken(broken) = Description::read(&raw(&text)) else {
                panic!("{text}");
            };
            assert_eq!(
                (broken.path.as_deref(), broken.others),
                (Some("p"), vec!["v".to_owned()])
            );
            assert_eq!(broken.name.is_some(), from != r#""name":"n""#, "{text}");
        }
        for text in ["1", "[]", "null", "{}"] {
            assert!(
                matches!(Description::read(&raw(text)), Description::Broken(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn there_is_a_most_of_versions() {
        let text = format!(
            r#"{{"path":"p","name":"n","sha256":"x","versions":[{}1]}}"#,
            "1,".repeat(MOST_VERSIONS)
        );
        let Description::Broken(broken) = Description::read(&raw(&text)) else {
            panic!("whole");
        };
        assert_eq!(broken.others, Vec::<String>::new());
    }
}
