//! The description of an uploaded document, from the query or from form fields.

use std::str::FromStr;

use domain::{DocumentName, Metadata, UniqueName, Visibility, read_json};

use crate::problem::{FieldError, Problem};

/// The query parameters of an upload.
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

/// How the pointer of an invalid field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A query parameter: its name.
    Query,
    /// A form field: `/` and its name.
    Form,
}

/// What an upload is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A new document, described by the query or the form.
    Document(QueryFields),
    /// A new version of an existing document.
    Version,
    /// An archive, which describes its files itself.
    Archive,
}

/// The subject of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Document,
    /// Something without fields.
    Version,
}

/// The fields known so far, and their errors.
#[derive(Debug)]
pub struct Fields {
    subject: Subject,
    origin: Origin,
    name: Option<DocumentName>,
    unique_name: Option<UniqueName>,
    is_public: Option<bool>,
    metadata: Option<Metadata>,
    /// The file name of the form, or its error.
    file_name: Option<Result<DocumentName, String>>,
    seen: Vec<&'static str>,
    errors: Vec<FieldError>,
}

/// The description of a new document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    /// Its name.
    pub name: DocumentName,
    /// Its visibility.
    pub visibility: Visibility,
    /// Custom members set by its owner.
    pub metadata: Metadata,
}

/// The form fields beside `file`, with the most bytes of each: names in UTF-8 with white space to
/// trim, metadata with white space.
const FORM_FIELDS: [(&str, usize); 4] = [
    ("name", 4 << 10),
    ("unique_name", 1 << 10),
    ("is_public", 16),
    ("metadata", 64 << 10),
];

impl Fields {
    /// Starts with the query.
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

    /// Returns a known form field and its size limit.
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

    /// Reads the query, recording errors.
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

    /// Records a field, which may occur once.
    pub(super) fn claim(&mut self, field: &'static str) -> bool {
        let is_first = !self.seen.contains(&field);
        if is_first {
            self.seen.push(field);
        } else {
            self.refuse(field, "is given more than once");
        }
        is_first
    }

    /// Reads the value of a recorded field.
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

    /// Records the file name of a form. It only counts if no field, which may come later, gives a
    /// name; so its error is not reported yet.
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

    /// Fails if there was an error so far.
    pub(super) fn check(&mut self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(std::mem::take(&mut self.errors)))
        }
    }

    /// Fails if the document has no name once everything that could name it was read.
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

    /// Converts to a new document, which must have a name.
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

impl NewDocument {
    /// Reads a description that is whole.
    pub fn read(query: QueryFields) -> Result<Self, Problem> {
        let mut fields = Fields::begin(Purpose::Document(query), Origin::Query);
        fields.check_named()?;
        fields.into_new_document()
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
