//! JSON that lies in columns.

use super::Dialect;

impl Dialect {
    /// How many elements the array `list` has that is a member of the JSON object `column`.
    pub fn array_length(self, column: &str, list: &str) -> String {
        match self {
            Self::Postgres => format!("jsonb_array_length({column} -> '{list}')"),
            Self::Sqlite => format!("json_array_length({column}, '$.{list}')"),
        }
    }

    /// The JSON object `column` whose array `list` is joined with that of `other`: each element
    /// once.
    pub fn with_joined_array(self, column: &str, other: &str, list: &str) -> String {
        match self {
            Self::Postgres => format!(
                "jsonb_set({column}, '{{{list}}}', (SELECT jsonb_agg(value) FROM (\
                 SELECT value FROM jsonb_array_elements({column} -> '{list}') UNION \
                 SELECT value FROM jsonb_array_elements({other} -> '{list}')) AS named))"
            ),
            Self::Sqlite => format!(
                "json_set({column}, '$.{list}', json((SELECT json_group_array(value) FROM (\
                 SELECT value FROM json_each({column}, '$.{list}') UNION \
                 SELECT value FROM json_each({other}, '$.{list}')))))"
            ),
        }
    }

    /// The metadata of `documents` as a text. PostgreSQL writes some numbers of `jsonb` in another
    /// way than they were sent, and what was sent counts as long as it means the same.
    pub const fn metadata(self) -> &'static str {
        match self {
            Self::Postgres => {
                "CASE WHEN documents.metadata_text::jsonb = documents.metadata THEN documents.metadata_text \
                 ELSE documents.metadata::text END AS metadata"
            }
            Self::Sqlite => "documents.metadata",
        }
    }
}
