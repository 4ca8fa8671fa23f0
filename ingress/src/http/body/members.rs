//! JSON objects read member by member, so that each bad member is named by its pointer.

use std::str::FromStr;

use domain::{NotStorable, read_json, unstorable_members};
use poem_openapi::types::Type;
use serde_json::{Map, Value};

use crate::problem::{Code, FieldError, Problem};

/// The most unstorable texts that an answer names.
const MOST_NAMED: usize = 20;

/// A request body parsed from a JSON object.
pub trait FromMembers: Send + Sized + 'static {
    /// The schema in the OpenAPI document.
    type Schema: Type;

    /// Takes the known members; the rest is refused as unknown. `None` means that an error was
    /// recorded.
    fn take(members: &mut Members) -> Option<Self>;
}

/// The members of a JSON object, and the errors of those taken so far.
#[derive(Debug)]
pub struct Members {
    /// The pointer of the object.
    place: String,
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

/// A member of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Absent.
    Keep,
    /// `null`.
    Clear,
    /// Another value.
    Set(T),
}

impl<T> Change<T> {
    /// Returns the value, if any.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Returns the change of an optional value: unchanged, unset or set.
    #[expect(clippy::option_option, reason = "this is how the ledger takes changes")]
    pub fn patch(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

impl Members {
    /// Records an error.
    pub fn refuse<T>(&mut self, member: &str, detail: impl Into<String>) -> Option<T> {
        let pointer = self.pointer(member);
        self.refuse_at(pointer, detail)
    }

    /// Records an error at a pointer.
    pub fn refuse_at<T>(&mut self, pointer: String, detail: impl Into<String>) -> Option<T> {
        // Bounded: a body may have as many errors as values.
        if self.errors.len() < FieldError::MOST {
            let detail = detail.into();
            self.errors.push(FieldError { pointer, detail });
        }
        None
    }

    /// The JSON pointer of a member (RFC 6901).
    pub fn pointer(&self, member: &str) -> String {
        format!(
            "{}/{}",
            self.place,
            member.replace('~', "~0").replace('/', "~1")
        )
    }

    /// Takes an optional object member, read by `read`.
    pub fn object<T>(
        &mut self,
        member: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Change<T> {
        let object = self.change_with(member, |value| match value {
            Value::Object(object) => Ok(object),
            _ => Err("must be a JSON object"),
        });
        let object = match object {
            Change::Set(object) => object,
            Change::Keep => return Change::Keep,
            Change::Clear => return Change::Clear,
        };
        let mut members = Self {
            place: self.pointer(member),
            object,
            errors: Vec::new(),
        };
        let value = read(&mut members);
        members.refuse_unknown();
        self.errors.append(&mut members.errors);
        value.map_or(Change::Keep, Change::Set)
    }

    /// Takes an optional member that must not be `null`.
    pub fn not_null<T>(&mut self, member: &str, change: Change<T>) -> Option<T> {
        match change {
            Change::Keep => None,
            Change::Set(value) => Some(value),
            Change::Clear => self.refuse(member, "must not be null"),
        }
    }

    /// Returns whether an error was recorded.
    pub fn refused(&self, member: &str) -> bool {
        let pointer = self.pointer(member);
        self.errors
            .iter()
            .any(|error| error.pointer.starts_with(&pointer))
    }

    /// Takes an optional member; `null` is a value.
    pub fn value(&mut self, member: &str) -> Option<Value> {
        self.object.remove(member)
    }

    /// Takes a required text that must parse.
    pub fn required<T: FromStr<Err: ToString>>(&mut self, member: &str) -> Option<T> {
        match self.change(member) {
            Change::Set(value) => Some(value),
            Change::Keep if self.refused(member) => None,
            Change::Keep => self.refuse(member, "is required"),
            Change::Clear => self.refuse(member, "must not be null"),
        }
    }

    /// Takes an optional text that must parse.
    pub fn change<T: FromStr<Err: ToString>>(&mut self, member: &str) -> Change<T> {
        self.change_with(member, |value| {
            let text = value.as_str().ok_or("must be a string")?;
            text.parse().map_err(|error: T::Err| error.to_string())
        })
    }

    /// Takes an optional member, read by `read`.
    pub fn change_with<T, E: ToString>(
        &mut self,
        member: &str,
        read: impl FnOnce(Value) -> Result<T, E>,
    ) -> Change<T> {
        match self.value(member) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(value) => match read(value) {
                Ok(value) => Change::Set(value),
                Err(error) => {
                    self.refuse::<()>(member, error.to_string());
                    Change::Keep
                }
            },
        }
    }

    fn refuse_unknown(&mut self) {
        for (member, _) in std::mem::take(&mut self.object) {
            self.refuse::<()>(&member, "is not a member of this body");
        }
    }

    fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        self.refuse_unknown();
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.errors)),
        }
    }
}

/// Parses a body that is a JSON object.
pub fn read_object<T: FromMembers>(body: &[u8]) -> Result<T, Problem> {
    let value: Value =
        read_json(body).map_err(|error| Problem::from(Code::BadJson).because(error))?;
    let unstorable = unstorable_members(&value, MOST_NAMED);
    if !unstorable.is_empty() {
        let error = |pointer| FieldError {
            pointer,
            detail: NotStorable.to_string(),
        };
        return Err(Problem::invalid(
            unstorable.into_iter().map(error).collect(),
        ));
    }
    let Value::Object(object) = value else {
        return Err(Problem::invalid_field("", "must be a JSON object"));
    };
    let mut members = Members {
        place: String::new(),
        object,
        errors: Vec::new(),
    };
    let value = T::take(&mut members);
    members.finish(value)
}

#[cfg(test)]
mod tests {
    use domain::UniqueName;
    use poem_openapi::Object;

    use super::*;

    #[derive(Debug, PartialEq, Object)]
    struct Named {
        name: String,
    }

    impl FromMembers for Named {
        type Schema = Self;

        fn take(members: &mut Members) -> Option<Self> {
            let name = members.required::<UniqueName>("name")?;
            Some(Self {
                name: name.to_string(),
            })
        }
    }

    fn errors(body: &str) -> Vec<String> {
        let problem = read_object::<Named>(body.as_bytes()).unwrap_err();
        problem.pointers_for_tests()
    }

    #[test]
    fn every_bad_member_is_named() {
        assert_eq!(errors(r#"{"name":"NO","a/b~":1}"#), ["/name", "/a~1b~0"]);
        assert_eq!(errors(r#"{"name":7}"#), ["/name"]);
        assert_eq!(errors(r#"{"name":null}"#), ["/name"]);
        assert_eq!(errors("{}"), ["/name"]);
        assert_eq!(errors("[]"), [""]);
    }

    #[test]
    fn a_member_of_a_member_is_named_by_its_whole_pointer() {
        struct Nested;

        impl FromMembers for Nested {
            type Schema = Named;

            fn take(members: &mut Members) -> Option<Self> {
                let inner = members.object("in~ner", Named::take);
                members.not_null("in~ner", inner).map(|_| Self)
            }
        }

        let errors = |body: &str| {
            let problem = read_object::<Nested>(body.as_bytes())
                .map(|_| ())
                .unwrap_err();
            problem.pointers_for_tests()
        };
        assert_eq!(
            errors(r#"{"in~ner":{"name":7,"x":1}}"#),
            ["/in~0ner/name", "/in~0ner/x"]
        );
        assert_eq!(errors(r#"{"in~ner":[]}"#), ["/in~0ner"]);
        assert_eq!(errors(r#"{"in~ner":null}"#), ["/in~0ner"]);
    }

    #[test]
    fn broken_json_is_told_from_wrong_json() {
        let problem = read_object::<Named>(b"{").unwrap_err();
        assert_eq!(problem.code(), Code::BadJson);
    }

    #[test]
    fn a_good_body_is_read() {
        assert_eq!(
            read_object::<Named>(br#"{"name":"abc"}"#).unwrap(),
            Named {
                name: "abc".to_owned()
            }
        );
    }
}
