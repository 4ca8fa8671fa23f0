//! How a JSON parameter becomes rows.

use super::Dialect;

/// What a column holds.
#[derive(Clone, Copy)]
pub enum Kind {
    Uuid,
    Text,
    Integer,
    Boolean,
    Json,
}

/// The columns of rows that travel together: names as in the JSON objects.
pub type Columns = [(&'static str, Kind)];

impl Dialect {
    /// A FROM item called `x` that holds the rows of parameter `$1`.
    pub fn rows(self, columns: &Columns) -> String {
        let written: Vec<_> = columns
            .iter()
            .map(|(name, kind)| self.column(name, *kind))
            .collect();
        let written = written.join(", ");
        match self {
            Self::Postgres => format!("json_to_recordset($1::json) AS x({written})"),
            // The limit, which is none, has SQLite read the parameter once: else it may read
            // it again for every row that it is joined with.
            Self::Sqlite => format!("(SELECT {written} FROM json_each($1) LIMIT -1) AS x"),
        }
    }

    fn column(self, name: &str, kind: Kind) -> String {
        match (self, kind) {
            (Self::Postgres, kind) => {
                let kind = match kind {
                    Kind::Uuid => "uuid",
                    Kind::Text => "text",
                    Kind::Integer => "bigint",
                    Kind::Boolean => "boolean",
                    Kind::Json => "jsonb",
                };
                format!("{name} {kind}")
            }
            (Self::Sqlite, Kind::Uuid) => format!("unhex(value ->> '{name}', '-') AS {name}"),
            (Self::Sqlite, Kind::Json) => format!("value -> '{name}' AS {name}"),
            (Self::Sqlite, Kind::Text | Kind::Integer | Kind::Boolean) => {
                format!("value ->> '{name}' AS {name}")
            }
        }
    }

    /// A subquery that gives the ids in `$1`, a JSON array of UUIDs.
    pub const fn ids(self) -> &'static str {
        match self {
            Self::Postgres => "SELECT value::uuid FROM json_array_elements_text($1::json)",
            Self::Sqlite => "SELECT unhex(value, '-') FROM json_each($1)",
        }
    }

    /// The condition that `column` is one of the few ids in `$1`, a JSON array of UUIDs. Unlike a
    /// subquery, it lets PostgreSQL look each of them up whatever it believes of the table.
    pub fn is_one_of(self, column: &str) -> String {
        let ids = self.ids();
        match self {
            Self::Postgres => format!("{column} = ANY (ARRAY({ids}))"),
            Self::Sqlite => format!("{column} IN ({ids})"),
        }
    }

    /// A FROM item called `x` of the ids in `$1`, a JSON array of UUIDs.
    pub const fn listed_ids(self) -> &'static str {
        match self {
            Self::Postgres => {
                "(SELECT value::uuid AS id FROM json_array_elements_text($1::json)) AS x"
            }
            Self::Sqlite => "(SELECT unhex(value, '-') AS id FROM json_each($1)) AS x",
        }
    }

    /// A FROM item called `x` of the ids in `$1`, a JSON array of UUIDs, with their places in it.
    pub const fn numbered_ids(self) -> &'static str {
        match self {
            Self::Postgres => {
                "(SELECT value::uuid AS id, ordinality - 1 AS position \
                 FROM json_array_elements_text($1::json) WITH ORDINALITY AS named (value, ordinality)) AS x"
            }
            Self::Sqlite => {
                "(SELECT unhex(value, '-') AS id, key AS position FROM json_each($1)) AS x"
            }
        }
    }

    /// A subquery that gives the texts in `$1`, a JSON array.
    pub const fn texts(self) -> &'static str {
        match self {
            Self::Postgres => "SELECT value FROM json_array_elements_text($1::json)",
            Self::Sqlite => "SELECT value FROM json_each($1)",
        }
    }

    /// A subquery that gives the integers in `$2`, a JSON array.
    pub const fn integers(self) -> &'static str {
        match self {
            Self::Postgres => "SELECT value::bigint FROM json_array_elements_text($2::json)",
            Self::Sqlite => "SELECT value FROM json_each($2)",
        }
    }
}
