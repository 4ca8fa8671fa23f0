//! What an uploader says of a document, beside its bytes: from the query, or from the fields of a form.

use std::str::FromStr;

use domain::{DocumentName, Metadata, UniqueName, Visibility, read_json};

use crate::problem::{FieldError, Problem};

/// The query parameters of an upload, as they came.
#[derive(Clone, Debug, Default)]
pub struct QueryFields {
    /// `?name=`
    pub name: Option<String>,
    /// `?unique_name=`
    pub unique_name: Option<String>,
    /// `?is_public=`
    pub is_public: Option<bool>,
    /// `?metadata=`, a JSON object.
    pub metadata: Option<String>,
}

/// How a field that is wrong is pointed at: that depends on where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A query parameter: by its name.
    Query,
    /// A field of a form: by `/` and its name.
    Form,
}

/// What an upload is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A new document, described in the query or in the form.
    Document(QueryFields),
    /// A new version of a document, which has its description.
    Version,
    /// An archive, whose files are described in it.
    Archive,
}

/// What is being described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Document,
    /// Something that takes no fields.
    Version,
}

/// The fields known so far, and what was wrong with some.
#[derive(Debug)]
pub struct Fields {
    subject: Subject,
    origin: Origin,
    name: Option<DocumentName>,
    unique_name: Option<UniqueName>,
    is_public: Option<bool>,
    metadata: Option<Metadata>,
    /// The name of the form's file, or what is wrong with it.
    file_name: Option<Result<DocumentName, String>>,
    seen: Vec<&'static str>,
    errors: Vec<FieldError>,
}

/// What a new document is to be called and who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    /// Its name.
    pub name: DocumentName,
    /// Who can find it.
    pub visibility: Visibility,
    /// Custom members set by its owner.
    pub metadata: Metadata,
}

/// The fields of a document beside `file`, with the bytes that each may have as it is sent:
/// names in UTF-8 with room to be trimmed, metadata with room for white space.
const FORM_FIELDS: [(&str, usize); 4] = [
    ("name", 4 << 10),
    ("unique_name", 1 << 10),
    ("is_public", 16),
    ("metadata", 64 << 10),
];

impl Fields {
    /// Begins with what the query says.
    pub(super) fn begin(purpose: Purpose, origin: Origin) -> Self {
        match purpose {
            Purpose::Document(query) => {
                let mut fields = Self::new(Subject::Document, origin);
                fields.read_query(query);
                fields
            }
            Purpose::Version | Purpose::Archive => Self::new(Subject::Version, origin),
        }
    }

    /// A field that may stand in the form, and the bytes that it may have.
    pub(super) fn known(&self, name: &str) -> Option<(&'static str, usize)> {
        let mut known = FORM_FIELDS.into_iter();
        let found = known.find(|(field, _)| *field == name);
        found.filter(|_| self.subject == Subject::Document)
    }

    const fn new(subject: Subject, origin: Origin) -> Self {
        Self {
            subject,
            origin,
            name: None,
            unique_name: None,
            is_public: None,
            metadata: None,
            file_name: None,
            seen: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reads the query. Its mistakes are kept with those to come.
    fn read_query(&mut self, query: QueryFields) {
        let origin = std::mem::replace(&mut self.origin, Origin::Query);
        let is_public = query.is_public.map(|flag| flag.to_string());
        let values = [query.name, query.unique_name, is_public, query.metadata];
        for ((field, _), value) in FORM_FIELDS.iter().zip(values) {
            if let Some(value) = value {
                self.read(field, &value);
            }
        }
        self.origin = origin;
    }

    /// Reads one field of [`FORM_FIELDS`].
    pub(super) fn read(&mut self, field: &'static str, value: &str) {
        if self.claim(field) {
            self.set(field, value);
        }
    }

    /// Notes that a field is given, which it may be once.
    pub(super) fn claim(&mut self, field: &'static str) -> bool {
        let is_first = !self.seen.contains(&field);
        if is_first {
            self.seen.push(field);
        } else {
            self.refuse(field, "is given more than once");
        }
        is_first
    }

    /// Reads the value of a field that is claimed.
    pub(super) fn set(&mut self, field: &'static str, value: &str) {
        let read = match field {
            "name" => parse(value).map(|name| self.name = Some(name)),
            "unique_name" => parse(value).map(|name| self.unique_name = Some(name)),
            "is_public" => match value {
                "true" | "false" => {
                    self.is_public = Some(value == "true");
                    Ok(())
                }
                _ => Err("must be true or false".to_owned()),
            },
            _ => parse_metadata(value).map(|metadata| self.metadata = Some(metadata)),
        };
        if let Err(detail) = read {
            self.refuse(field, detail);
        }
    }

    /// Takes the name of a form's file. It counts only if no field gives one, which may come
    /// later: so what is wrong with it is no mistake yet.
    pub(super) fn read_file_name(&mut self, file_name: Option<&str>) {
        self.file_name = file_name.map(parse);
    }

    pub(super) fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        let pointer = match self.origin {
            Origin::Query => field.to_owned(),
            Origin::Form => format!("/{field}"),
        };
        self.errors.push(FieldError {
            pointer,
            detail: detail.into(),
        });
    }

    /// Fails if anything was wrong so far: no need to read on.
    pub(super) fn check(&mut self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(std::mem::take(&mut self.errors)))
        }
    }

    /// Fails if what is described would end up without a name: all that names it was read.
    pub(super) fn check_named(&mut self) -> Result<(), Problem> {
        if self.subject == Subject::Document && self.name.is_none() && self.errors.is_empty() {
            match self.file_name.take() {
                Some(Ok(name)) => self.name = Some(name),
                Some(Err(detail)) => self.refuse("file", format!("its file name {detail}")),
                None => self.refuse("name", "is required"),
            }
        }
        self.check()
    }

    /// The fields as those of a new document, which must have a name.
    pub fn into_new_document(mut self) -> Result<NewDocument, Problem> {
        self.check_named()?;
        let visibility =
            Visibility::new(self.unique_name.take(), self.is_public.unwrap_or_default());
        let (Some(name), Some(visibility)) = (self.name.take(), visibility) else {
            self.refuse("is_public", "needs a unique_name");
            return Err(Problem::invalid(self.errors));
        };
        let metadata = self.metadata.unwrap_or_default();
        Ok(NewDocument {
            name,
            visibility,
            metadata,
        })
    }
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn parse_metadata(text: &str) -> Result<Metadata, String> {
    let value: serde_json::Value =
        read_json(text.as_bytes()).map_err(|_| "must be a JSON object".to_owned())?;
    Metadata::try_from(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(origin: Origin) -> Fields {
        Fields::new(Subject::Document, origin)
    }

    #[test]
    fn every_bad_field_is_named_where_it_came_from() {
        let query = QueryFields {
            name: Some("a/b".to_owned()),
            unique_name: Some("X".to_owned()),
            is_public: None,
            metadata: Some("[]".to_owned()),
        };
        let mut fields = Fields::begin(Purpose::Document(query), Origin::Query);
        assert_eq!(
            fields.check().unwrap_err().pointers_for_tests(),
            ["name", "unique_name", "metadata"]
        );

        let mut fields = described(Origin::Form);
        fields.read("is_public", "yes");
        fields.read("is_public", "true");
        assert_eq!(
            fields.check().unwrap_err().pointers_for_tests(),
            ["/is_public", "/is_public"]
        );
    }

    #[test]
    fn a_field_wins_over_the_name_of_the_file() {
        for order in [["field", "file"], ["file", "field"]] {
            let mut fields = described(Origin::Form);
            for step in order {
                match step {
                    "field" => fields.read("name", " given "),
                    _ => fields.read_file_name(Some("file.txt")),
                }
            }
            assert_eq!(fields.into_new_document().unwrap().name.as_str(), "given");
        }
    }

    #[test]
    fn a_bad_name_of_the_file_counts_only_if_no_field_gives_one() {
        for bad in ["", "dir/x.txt", "a\0b", &"x".repeat(300)] {
            for order in [["field", "file"], ["file", "field"]] {
                let mut fields = described(Origin::Form);
                for step in order {
                    match step {
                        "field" => fields.read("name", "given"),
                        _ => fields.read_file_name(Some(bad)),
                    }
                    assert!(fields.check().is_ok(), "{bad:?}");
                }
                assert_eq!(fields.into_new_document().unwrap().name.as_str(), "given");
            }
            let mut fields = described(Origin::Form);
            fields.read_file_name(Some(bad));
            assert_eq!(
                fields.into_new_document().unwrap_err().pointers_for_tests(),
                ["/file"]
            );
        }
    }

    #[test]
    fn a_public_document_needs_a_unique_name() {
        let mut fields = described(Origin::Form);
        fields.read("name", "a");
        fields.read("is_public", "true");
        assert_eq!(
            fields.into_new_document().unwrap_err().pointers_for_tests(),
            ["/is_public"]
        );
    }

    #[test]
    fn a_document_needs_a_name() {
        assert_eq!(
            described(Origin::Query)
                .into_new_document()
                .unwrap_err()
                .pointers_for_tests(),
            ["name"]
        );
    }

    #[test]
    fn a_version_has_the_description_of_its_document() {
        let mut fields = Fields::begin(Purpose::Version, Origin::Form);
        fields.read_file_name(Some("a/b"));
        assert!(fields.check_named().is_ok());
        assert_eq!(fields.known("name"), None);
    }
}
