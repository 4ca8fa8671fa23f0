//! Documents, which are words and quote code: what sets them off from programs with remarks.

use crate::text::decode::Text;

/// Whether most lines that aren't indented are sentences: what is indented is then an example.
pub(super) fn is_document(text: &Text) -> bool {
    let (mut lines, mut sentences) = (0, 0);
    let outer = text.lines().take(400).map(str::trim_end);
    for line in outer.filter(|line| !line.is_empty() && !line.starts_with([' ', '\t'])) {
        lines += 1;
        let marks = ['(', '=', '{', '}', '<', '$', ';', '\\', '['];
        let is_sentence = line.split(' ').count() >= 5
            && line.starts_with(|letter: char| letter.is_alphabetic() || letter == '*')
            && !line.contains(marks)
            && !(line.starts_with("from ") || line.starts_with("import "));
        sentences += usize::from(is_sentence);
    }
    lines >= 4 && sentences * 2 > lines
}

/// Five words and more, three of four of them of letters alone; not what prints them, nor blocks,
/// statements and expressions.
pub(super) fn is_wordy(line: &str) -> bool {
    let starts = [
        "echo", "ECHO", "rem ", "REM ", "@rem ", "\\", "(", "\"", "'",
    ];
    if starts.iter().any(|start| line.starts_with(start))
        || line.ends_with(';')
        || line.contains(['{', '}'])
    {
        return false;
    }
    let (mut words, mut plain) = (0, 0);
    for word in line.split_whitespace() {
        let inner = word
            .trim_start_matches(['(', '"', '\'', '`'])
            .trim_end_matches(['.', ',', ':', ';', '!', '?', ')', '"', '\'', '`']);
        words += 1;
        plain += usize::from(
            !inner.is_empty()
                && inner
                    .chars()
                    .skip(1)
                    .all(|letter| letter.is_lowercase() || letter == '-' || letter == '\'')
                && inner.starts_with(char::is_alphabetic),
        );
    }
    words >= 5 && plain * 4 >= words * 3
}
