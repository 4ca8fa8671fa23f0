//! CSV and TSV: the same number of fields in every record, with a guard for
//! prose and logs, which have commas too.

use super::decode::Text;
use crate::finding::Finding;

const MOST_RECORDS: usize = 64;

/// From so many bytes on a quotation mark that was never closed is none.
const LONGEST_RECORD: usize = 4096;

/// What the table is, if it is one.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    // Chinese in HZ is ASCII to look at, commas and all.
    if text.body.contains("~{") && text.body.contains("~}") {
        return None;
    }
    // Below its header, Markdown's tables have a row of dashes.
    let rule = text.lines().take(MOST_RECORDS).any(|line| {
        line.contains("---")
            && line.contains('|')
            && line.bytes().all(|byte| b"|-: ".contains(&byte))
    });
    if rule {
        return None;
    }
    let tabs = table(text, '\t');
    if tabs.is_table(2) && tabs.short_fields {
        return Some(Finding::likely("text/tab-separated-values"));
    }
    // Statements have commas and semicolons too, as often in each line by chance.
    let separators: &[char] = if is_written(text) {
        &[]
    } else {
        &[',', ';', '|']
    };
    for separator in separators.iter().copied() {
        let found = table(text, separator);
        if found.is_table(2) && found.is_no_prose(separator) {
            return Some(Finding::likely("text/csv"));
        }
        if found.is_ragged() {
            return Some(Finding::likely("text/csv"));
        }
    }
    if tabs.is_table(2) {
        Some(Finding::guess("text/tab-separated-values"))
    } else {
        None
    }
}

/// Whether a name may call this a table: it has columns, or one column of
/// short values.
pub(super) fn is_tolerable(text: &Text, separators: &[char]) -> bool {
    if !separators.contains(&'\t') && is_written(text) {
        return false;
    }
    let columns = separators.iter().any(|separator| {
        let found = table(text, *separator);
        let prose =
            found.spaced * 10 >= found.separators * 9 && found.data_fields * 3 < found.fields;
        let sentences = found.sentences * 2 >= found.records;
        found.records >= 1
            && found.most_common >= 2
            && found.agreeing * 2 >= found.records
            && !found.ends_statements()
            && !(found.most_common == 2 && found.trailing * 2 >= found.records)
            && !prose
            && !sentences
    });
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty())
        .take(MOST_RECORDS)
        .collect();
    let single = is_titled_column(&lines)
        && lines.iter().all(|line| {
            line.chars().count() <= 64
                && line.split(' ').count() <= 3
                && !line.contains(['=', '{', '}', '<', '>', '[', ';', '(', '\t'])
                && !line.ends_with(['.', ':'])
        });
    let blank_behind = lines.iter().filter(|line| line.contains(", ")).count();
    let separated = lines
        .iter()
        .filter(|line| line.contains(separators))
        .count();
    let uneven = lines.len() >= 2
        && blank_behind * 2 <= lines.len()
        && separated * 10 >= lines.len() * 8
        && lines.iter().all(|line| !line.ends_with(['{', '}', '.']));
    columns || single && separators.contains(&',') || uneven
}

/// One column: a title in letters, and below it mostly numbers, names with digits or addresses of
/// mail. Words below words are a list.
fn is_titled_column(lines: &[&str]) -> bool {
    let is_data = |line: &&&str| {
        let is_numbered = line.bytes().any(|byte| byte.is_ascii_digit());
        line.contains('@')
            || is_numbered && !line.contains(' ')
            || line.starts_with(|letter: char| letter.is_ascii_digit() || "+-$".contains(letter))
    };
    let Some((title, values)) = lines.split_first() else {
        return false;
    };
    let data = values.iter().filter(is_data).count();
    !values.is_empty()
        && !is_data(&title)
        && title.starts_with(|letter: char| letter.is_alphabetic() || letter == '"')
        && data * 2 >= values.len()
}

/// Brackets, statements and comments, which a fifth of the lines of code has and no record.
fn is_written(text: &Text) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take(MOST_RECORDS).collect();
    let code = lines.iter().filter(|line| {
        line.ends_with(['{', '}', '\\'])
            || line.ends_with(';') && line.matches(';').count() == 1
            || ["//", "/*", "#include", "<!--", "</"]
                .iter()
                .any(|start| line.starts_with(start))
    });
    code.count() * 5 >= lines.len().max(1)
}

struct Table {
    records: usize,
    /// How many fields most records have.
    most_common: usize,
    agreeing: usize,
    short_fields: bool,
    /// Separators with a blank behind them, and all separators.
    spaced: usize,
    separators: usize,
    /// Fields that are numbers, dates, quoted or empty.
    data_fields: usize,
    fields: usize,
    sentences: usize,
    /// Records whose last field is empty.
    trailing: usize,
    first_agrees: bool,
    /// Fields of the first record, and of those with the fewest and the most.
    header: usize,
    fewest: usize,
    most: usize,
}

impl Table {
    fn is_table(&self, columns: usize) -> bool {
        !self.ends_statements()
            && self.records >= 2
            && self.most_common >= columns
            && self.agreeing * 100 >= self.records * 90
            && self.first_agrees
    }

    /// A header, and records that leave out some of the last columns.
    const fn is_ragged(&self) -> bool {
        self.records >= 5
            && self.header >= 4
            && self.fewest * 2 >= self.header
            && self.most <= self.header
            && self.spaced == 0
            && self.sentences == 0
            && self.data_fields * 3 >= self.fields
    }

    /// One separator in every line, and that at its end: a statement, or an
    /// item of a list.
    const fn ends_statements(&self) -> bool {
        self.most_common == 2 && self.trailing * 10 >= self.records * 8
    }

    /// Prose puts a blank behind every comma and a full stop at the end.
    fn is_no_prose(&self, separator: char) -> bool {
        if !self.short_fields {
            return self.data_fields * 3 >= self.fields && self.sentences * 3 < self.records;
        }
        let all_spaced = self.spaced * 10 >= self.separators * 9;
        if all_spaced && separator != '|' {
            return self.data_fields * 2 >= self.fields
                && self.most_common >= 2
                && self.records >= 3
                && self.sentences == 0;
        }
        if self.most_common == 2 && self.records < 3 && separator == ',' {
            return self.sentences == 0 && self.spaced == 0;
        }
        self.sentences * 2 < self.records.max(1)
    }
}

fn table(text: &Text, separator: char) -> Table {
    let records = records(text, separator);
    let mut counts = std::collections::BTreeMap::new();
    for record in &records {
        *counts.entry(record.fields).or_insert(0_usize) += 1;
    }
    let (most_common, agreeing) = counts
        .iter()
        .max_by_key(|(fields, count)| (**count, **fields))
        .map_or((0, 0), |(fields, count)| (*fields, *count));
    let fields: usize = records.iter().map(|record| record.fields).sum();
    let long: usize = records.iter().map(|record| record.long).sum();
    Table {
        records: records.len(),
        most_common,
        agreeing,
        short_fields: long * 10 <= fields,
        spaced: records.iter().map(|record| record.spaced).sum(),
        separators: fields.saturating_sub(records.len()),
        data_fields: records.iter().map(|record| record.data).sum(),
        fields,
        sentences: records.iter().filter(|record| record.is_sentence).count(),
        trailing: records.iter().filter(|record| record.is_trailing).count(),
        first_agrees: records
            .first()
            .is_some_and(|record| record.fields == most_common),
        header: records.first().map_or(0, |record| record.fields),
        fewest: counts.keys().next().copied().unwrap_or(0),
        most: counts.keys().next_back().copied().unwrap_or(0),
    }
}

#[derive(Default)]
struct Record {
    fields: usize,
    long: usize,
    spaced: usize,
    data: usize,
    is_sentence: bool,
    is_trailing: bool,
}

/// The first records, with quoted fields that may span lines.
fn records(text: &Text, separator: char) -> Vec<Record> {
    let mut records = Vec::new();
    let mut pending = String::new();
    let mut is_open = false;
    for line in text.lines() {
        if records.len() >= MOST_RECORDS {
            break;
        }
        if pending.is_empty()
            && (line.trim().is_empty() || line.starts_with('#') && records.is_empty())
        {
            continue;
        }
        if !pending.is_empty() {
            pending.push('\n');
        }
        pending.push_str(line);
        is_open ^= line.matches('"').count() % 2 == 1;
        if is_open && pending.len() < LONGEST_RECORD {
            continue;
        }
        records.push(record(&pending, separator));
        pending.clear();
        is_open = false;
    }
    records
}

fn record(line: &str, separator: char) -> Record {
    let mut record = Record::default();
    let mut start = 0;
    let mut quoted = false;
    for (at, letter) in line.char_indices().chain([(line.len(), separator)]) {
        if letter == '"' {
            quoted = !quoted;
        } else if (letter == separator && !quoted) || at == line.len() {
            let field = &line[start.min(at)..at];
            record.fields += 1;
            record.long += usize::from(
                !field.trim_start().starts_with('"')
                    && field.split(' ').filter(|word| !word.is_empty()).count() > 6,
            );
            record.spaced += usize::from(record.fields > 1 && field.starts_with(' '));
            record.data += usize::from(is_data(field.trim()));
            record.is_trailing = field.trim().is_empty();
            start = at + letter.len_utf8();
        }
    }
    let last = line.trim_end();
    record.is_sentence = (last.ends_with(['.', '!', '?', ':', '{', '}', '>', ';'])
        && separator != ';'
        && last.contains(' '))
        || last.ends_with(['{', '}', '>', ')']) && !last.contains('"');
    record
}

fn is_data(field: &str) -> bool {
    field.is_empty()
        || field.starts_with('"') && field.ends_with('"')
        || field.starts_with(|letter: char| {
            letter.is_ascii_digit() || matches!(letter, '-' | '+' | '$' | '.' | '€')
        }) && field.bytes().any(|byte| byte.is_ascii_digit())
            && field.split(' ').count() <= 3
}
