//! The word index that SQLite searches first for a part of a name or for metadata; triggers
//! maintain it (migration `m0010_index_words`). It finds rare documents; pages of common ones are
//! found along the sort index. Matching words are a necessary condition only: callers still apply
//! the exact conditions.

use std::collections::BTreeSet;

use sea_orm::Value;

use super::DocumentFilter;
use crate::DbError;
use crate::batch::parameter;
use crate::search::Search;
use crate::values::Values;
use domain::{UserId, fold};

/// The maximum number of documents that are examined one by one, and sorted, for a page.
const FEW: i64 = 2_000;

/// The words of a query, as the view `words_of_documents` makes them of documents: `$1` is the
/// owner, `$2` the parts of a name, three characters each, and `$3` the metadata. A number that the
/// view doesn't distinguish from others has no word; 64-bit integers may be affected.
const WORDS: &str = "\
    SELECT '\"n' || substr(hex($1), -12) || hex(value) || '\"' AS word FROM json_each($2) \
    UNION SELECT CASE substr(scalar, 1, 1) WHEN 'i' THEN '(' || word || ' OR ' || large || ')' ELSE word END FROM (\
        SELECT scalar, '\"m' || substr(hex($1), -12) || hex(substr(scalar || place, 1, 200)) || '\"' AS word, \
        '\"m' || substr(hex($1), -12) || hex(substr('large' || place, 1, 200)) || '\"' AS large FROM (\
            SELECT CASE \
                WHEN leaf.type = 'text' THEN 't' || substr(leaf.atom, 1, 100) \
                WHEN leaf.type NOT IN ('integer', 'real') THEN leaf.type \
                WHEN abs(leaf.atom + 0.0) <= 9007199254740992.0 THEN 'd' || format('%!.17g', leaf.atom + 0.0) \
                WHEN leaf.type = 'integer' AND typeof(leaf.atom) = 'integer' THEN 'i' || leaf.atom \
                ELSE 'large' END AS scalar, \
            CASE WHEN typeof(leaf.key) = 'text' THEN '.' || leaf.key ELSE '' END \
            || CASE WHEN instr(leaf.path, '[') = 0 THEN leaf.path ELSE '' END AS place \
            FROM json_tree($3) AS leaf WHERE leaf.type NOT IN ('object', 'array')\
        ) WHERE scalar <> 'large'\
    ) LIMIT 16";

/// The rarest of them, joined. Scanning all documents with a word takes long if there are many, so
/// common words of a query aren't looked up. The rarity of a word is the number of its documents,
/// or how soon that many are found.
fn rarest() -> String {
    format!(
        "SELECT group_concat(word, ' AND ') FROM (SELECT word FROM ({WORDS}) AS asked ORDER BY (\
         SELECT CASE count(*) WHEN 256 THEN 1.0 / max(number) ELSE count(*) - 256 END FROM \
         (SELECT rowid AS number FROM document_words WHERE document_words MATCH asked.word LIMIT 256)) LIMIT 3)"
    )
}

/// Whether the filter may be selective, and no sort index serves it.
const fn may_be_rare(filter: &DocumentFilter) -> bool {
    filter.metadata.is_some() || filter.name_part.is_some()
}

/// The FROM item of the candidates: all documents, or, on SQLite, whose planner has no statistics
/// of words, the few that the index finds.
pub async fn source(
    search: &Search,
    owner: UserId,
    filter: &DocumentFilter,
    values: &mut Values,
) -> Result<String, DbError> {
    let few = if may_be_rare(filter) && !search.dialect().knows_rarity() {
        few(search, owner, filter).await?
    } else {
        None
    };
    Ok(match few {
        // SQLite joins them in this order.
        Some(numbers) => format!(
            "json_each({}) AS few CROSS JOIN document_numbers ON document_numbers.number = few.value \
             CROSS JOIN documents ON documents.id = document_numbers.document_id",
            values.bind(numbers)
        ),
        None => "documents".to_owned(),
    })
}

/// The numbers, as a JSON array, of the documents that can meet the filter's conditions on name and
/// metadata, if they are few; `None` if they are many, or if the index doesn't know.
async fn few(
    search: &Search,
    owner: UserId,
    filter: &DocumentFilter,
) -> Result<Option<String>, DbError> {
    let parts = filter.name_part.as_deref().map(threes).unwrap_or_default();
    if parts.is_empty() && filter.metadata.is_none() {
        return Ok(None);
    }
    let metadata = filter.metadata.clone().unwrap_or_default();
    let metadata = serde_json::Value::Object(metadata.as_object().clone()).to_string();
    let values: [Value; 3] = [owner.0.into(), parameter(&parts)?, metadata.into()];
    let asked = search.query(rarest(), values).await?;
    let asked: Option<String> = match asked.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    let Some(words) = asked else { return Ok(None) };
    let sql = format!(
        "SELECT CASE WHEN count(*) <= {FEW} THEN json_group_array(number) END FROM \
         (SELECT rowid AS number FROM document_words WHERE document_words MATCH $1 LIMIT {FEW} + 1)"
    );
    match search.query(sql, [words.into()]).await?.first() {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(None),
    }
}

/// The trigrams of a part of a name, each once.
fn threes(part: &str) -> Vec<String> {
    let characters: Vec<char> = fold(part).chars().collect();
    let threes: BTreeSet<String> = characters.windows(3).map(String::from_iter).collect();
    threes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_made_of_characters_whatever_their_bytes() {
        assert_eq!(threes("ÄßE"), ["sse", "äss"]);
        assert_eq!(threes("aaaaa"), ["aaa"]);
        assert_eq!(threes("🦀🦀"), [] as [&str; 0]);
    }
}
