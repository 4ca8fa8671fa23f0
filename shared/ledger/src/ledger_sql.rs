//! The few pieces of SQL in which the two databases differ.

use sea_orm::DbBackend;

/// A subquery that gives the ids in `$1`, a JSON array of UUIDs.
pub fn ids(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT value::uuid FROM json_array_elements_text($1::json)",
        _ => "SELECT unhex(value, '-') FROM json_each($1)",
    }
}

/// The condition that `column` is one of the few ids in `$1`, a JSON array of UUIDs. Unlike a
/// subquery, it lets PostgreSQL look each of them up whatever it believes of the table.
pub fn is_one_of(backend: DbBackend, column: &str) -> String {
    let ids = ids(backend);
    match backend {
        DbBackend::Postgres => format!("{column} = ANY (ARRAY({ids}))"),
        _ => format!("{column} IN ({ids})"),
    }
}

/// A subquery that gives the texts in `$1`, a JSON array.
pub fn texts(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT value FROM json_array_elements_text($1::json)",
        _ => "SELECT value FROM json_each($1)",
    }
}

/// A subquery that gives the integers in `$2`, a JSON array.
pub fn integers(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT value::bigint FROM json_array_elements_text($2::json)",
        _ => "SELECT value FROM json_each($2)",
    }
}

/// A question that gives a row if there is a table of that name.
pub fn has_table(backend: DbBackend, name: &str) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('{name}')")
        }
        _ => format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'"),
    }
}

/// What ends a SELECT whose rows, of `table`, are to be changed by this transaction.
/// SQLite has one writer and needs none.
pub fn for_update(backend: DbBackend, table: &str) -> String {
    match backend {
        DbBackend::Postgres => format!(" FOR NO KEY UPDATE OF {table}"),
        _ => String::new(),
    }
}

/// Behind a column of URLs: compares them byte by byte, as storage orders its objects and as
/// the indexes on them do.
pub fn bytewise(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => " COLLATE \"C\"",
        _ => "",
    }
}

/// How many elements the array `list` has that is a member of the JSON object `column`.
pub fn array_length(backend: DbBackend, column: &str, list: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("jsonb_array_length({column} -> '{list}')"),
        _ => format!("json_array_length({column}, '$.{list}')"),
    }
}

/// Ids of jobs that may be claimed, each with its owner, the owner's place in the round and the
/// job's turn among the owner's: the first of each owner, then a second of each, and so on, the
/// oldest of an owner first.
///
/// `$1` queue, `$2` now, `$3` the owner after whom the round begins, `$4` how
/// many of one owner are looked at, and where there are `$8` owners or more, that divided by it;
/// `{known}` stands for the condition that the kind of
/// a job is known to this release. Owners with due jobs are found by skipping
/// through the index, so what one of them piled up costs the others nothing; turns are counted
/// after the limit, because a window function reads all rows that are due at the same moment.
pub fn candidates(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => concat!(
            "WITH RECURSIVE owners (owner_id, place) AS ( ",
            "(SELECT owner_id, 1 FROM jobs WHERE queue = $1 AND state IN ('ready', 'running') AND {known} ",
            "AND owner_id > $3 AND run_at <= $2 ",
            "ORDER BY owner_id LIMIT 1) UNION ALL ",
            "SELECT (SELECT j.owner_id FROM jobs j WHERE j.queue = $1 AND j.state IN ('ready', 'running') AND {known} ",
            "AND j.owner_id > owners.owner_id AND j.run_at <= $2 ORDER BY j.owner_id LIMIT 1), place + 1 ",
            "FROM owners WHERE owner_id IS NOT NULL AND place < 64), ",
            "candidates AS (SELECT due.id, due.turn, owners.place, owners.owner_id FROM owners CROSS JOIN LATERAL ( ",
            "SELECT oldest.id, row_number() OVER (ORDER BY oldest.run_at, oldest.id) AS turn FROM ( ",
            "SELECT j.id, j.run_at FROM jobs j ",
            "WHERE j.queue = $1 AND j.state IN ('ready', 'running') AND j.owner_id = owners.owner_id AND {known} ",
            "AND j.run_at <= $2 ORDER BY j.run_at LIMIT ",
            "(SELECT CASE WHEN count(owner_id) < $8 THEN $4 ELSE $4 / $8 END FROM owners)) oldest) due WHERE owners.owner_id IS NOT NULL)",
        ),
        _ => concat!(
            "WITH RECURSIVE owners (owner_id, place) AS ( ",
            "SELECT * FROM (SELECT owner_id, 1 FROM jobs WHERE queue = $1 AND state IN ('ready', 'running') AND {known} ",
            "AND owner_id > $3 AND run_at <= $2 ",
            "ORDER BY owner_id LIMIT 1) UNION ALL ",
            "SELECT (SELECT j.owner_id FROM jobs j WHERE j.queue = $1 AND j.state IN ('ready', 'running') AND {known} ",
            "AND j.owner_id > owners.owner_id AND j.run_at <= $2 ORDER BY j.owner_id LIMIT 1), place + 1 ",
            "FROM owners WHERE owner_id IS NOT NULL AND place < 64), ",
            "candidates AS (SELECT j.id, owners.place, owners.owner_id, ",
            "row_number() OVER (PARTITION BY owners.owner_id ORDER BY j.run_at) AS turn ",
            "FROM owners CROSS JOIN jobs j ON j.id IN (SELECT k.id FROM jobs k ",
            "WHERE k.queue = $1 AND k.state IN ('ready', 'running') AND k.owner_id = owners.owner_id AND {known} ",
            "AND k.run_at <= $2 ORDER BY k.run_at LIMIT ",
            "(SELECT CASE WHEN count(owner_id) < $8 THEN $4 ELSE $4 / $8 END FROM owners)) WHERE owners.owner_id IS NOT NULL)",
        ),
    }
}
