//! Markdown: two different kinds of its marks at least, since each of them
//! alone is found in prose, comments and configuration.

use super::decode::Text;
use super::yaml_keys::is_yaml_line;
use crate::finding::Finding;

/// Whether the text is Markdown.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    // Documentation in the comments of a program.
    if text.body.trim_start().starts_with('/') {
        return None;
    }
    // Links and roles of another notation.
    let start = &text.body[..text.body.floor_char_boundary(16 * 1024)];
    if start.contains(">`_") || start.matches(":`").count() >= 2 && !start.contains("](") {
        return None;
    }
    if is_part(text) {
        return None;
    }
    let marks = Marks::count(text);
    if !marks.are_telling() && marks.prose * 2 < marks.others {
        return None;
    }
    (marks.score() >= 3).then(|| Finding::likely("text/markdown"))
}

/// A document that begins with code between fences (`CommonMark` 0.31, 4.5): what it quotes is
/// not what it is.
pub(super) fn judge_fenced(text: &Text) -> Option<Finding> {
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let info = lines.next()?.strip_prefix("```")?;
    let closes = lines.any(|line| line == "```");
    (closes && !info.contains('`') && info.split_whitespace().count() <= 1)
        .then(|| Finding::likely("text/markdown"))
}

/// Whether the text is settings between two lines of three dashes and nothing else, which is YAML
/// as well as Markdown without words.
pub(super) fn is_front_matter(text: &Text) -> bool {
    let lines: Vec<&str> = text.lines().take(400).collect();
    let mut written = lines.iter().filter(|line| !line.trim().is_empty());
    let marks = written.clone().filter(|line| line.trim_end() == "---");
    has_front_matter(text, &lines)
        && marks.count() == 2
        && written
            .next_back()
            .is_some_and(|line| line.trim_end() == "---")
}

/// Whether a name may call this Markdown: any prose is, so most of it must be words, or lines
/// that its marks begin.
pub(super) fn is_tolerable(text: &Text) -> bool {
    let marks = Marks::count(text);
    if marks.score() >= 1 || marks.any() && marks.code * 3 < marks.lines.max(1) {
        return true;
    }
    let lines = text.lines().take(400).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let prose = lines
        .iter()
        .filter(|line| is_prose(line) || is_item(line))
        .count();
    text.is_clean
        && !text.is_legacy
        && prose * 2 > lines.len()
        && marks.code * 3 < marks.lines.max(1)
}

/// Whether every line is an item of a list, or goes on with one.
pub(super) fn is_list(text: &Text) -> bool {
    let mut items = 0;
    let lines = text.lines().take(400).map(str::trim_end);
    for line in lines.filter(|line| !line.is_empty()) {
        let is_item = is_item(line.trim_start());
        items += usize::from(is_item);
        if !(is_item || items > 0 && line.starts_with(' ')) {
            return false;
        }
    }
    items > 0 && text.is_clean && !text.is_legacy
}

/// An item of a list, with words in it (`CommonMark` 0.31, 5.2).
fn is_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = if (1..=9).contains(&digits) {
        line[digits..].strip_prefix(['.', ')'])
    } else {
        line.strip_prefix(['-', '*', '+'])
    };
    rest.and_then(|rest| rest.strip_prefix(' '))
        .is_some_and(|item| {
            let item = item.trim_start_matches("[ ] ").trim_start_matches("[x] ");
            item.trim_start_matches(['*', '_', '`', '"'])
                .starts_with(char::is_alphabetic)
                && !item.contains([';', '{', '}', '=', '\t'])
        })
}

/// Words, without the marks of settings, code, tables and logs.
fn is_prose(line: &str) -> bool {
    let begins = line
        .trim_start_matches(['#', '>', '-', '*', '+', '_', '"', '(', '[', '!', '\'', ' '])
        .starts_with(char::is_alphabetic);
    let all = line.chars().count();
    let letters = line
        .chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == ' ')
        .count();
    let marks = ["=", "{", "}", ";", "\t", "|", "\\", ","];
    let long = line.split(' ').count() > 5;
    let is_field = line
        .split_once(": ")
        .is_some_and(|(name, _)| !name.contains(' '));
    if (is_field || line.contains("://")) && !long {
        return false;
    }
    begins && letters * 5 >= all * 4 && (long || !marks.iter().any(|mark| line.contains(mark)))
}

/// Whether a name may call this Markdown although it looks like something
/// else: it has marks that are Markdown's own.
pub(super) fn is_marked(text: &Text) -> bool {
    Marks::count(text).score() >= 2
}

/// Whether the text is a document with a title and links, which it may be
/// although most of its lines are examples.
pub(super) fn is_titled_document(text: &Text) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let titled = first.is_some_and(|line| {
        ["# ", "## ", "[![", "!["]
            .iter()
            .any(|start| line.starts_with(start))
    });
    let marks = Marks::count(text);
    if marks.front_matter && marks.headings >= 1 {
        return true;
    }
    if !titled {
        return false;
    }
    marks.score() >= 4
        && (marks.links >= 1 || marks.fences >= 2)
        && marks.shell_comments <= marks.headings
}

#[derive(Default)]
struct Marks {
    lines: usize,
    headings: usize,
    /// Headings below the first level: comments have no levels.
    deeper: usize,
    underlined: usize,
    links: usize,
    fences: usize,
    bullets: usize,
    emphasis: usize,
    quotes: usize,
    tables: usize,
    front_matter: bool,
    code: usize,
    shell_comments: usize,
    /// Lines without a mark of their own, and those of them that are words.
    others: usize,
    prose: usize,
}

impl Marks {
    fn count(text: &Text) -> Self {
        let mut marks = Self::default();
        let lines: Vec<&str> = text.lines().take(400).collect();
        let mut fenced = false;
        for (index, line) in lines.iter().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() {
                continue;
            }
            marks.lines += 1;
            if is_fence(trimmed) {
                fenced = !fenced;
                marks.fences += 1;
                continue;
            }
            if fenced {
                continue;
            }
            let above = index
                .checked_sub(1)
                .and_then(|above| lines.get(above))
                .is_some_and(|line| !line.trim().is_empty());
            let level = trimmed.bytes().take_while(|byte| *byte == b'#').count();
            let heading = (1..=6).contains(&level)
                && line.starts_with('#')
                && trimmed[level..].starts_with(' ');
            let next_is_comment = lines.get(index + 1).is_some_and(|next| {
                next.starts_with("# ") || next.starts_with('#') && !next.starts_with("##")
            });
            if heading && level == 1 && (next_is_comment || above) {
                marks.shell_comments += 1;
            } else {
                marks.headings += usize::from(heading);
                marks.deeper += usize::from(heading && level > 1);
            }
            let underline = trimmed.len() >= 3
                && (trimmed.bytes().all(|byte| byte == b'=')
                    || trimmed.bytes().all(|byte| byte == b'-'));
            marks.code += usize::from(is_assignment(trimmed) || is_call(trimmed));
            marks.underlined += usize::from(
                underline
                    && above
                    && index > 0
                    && lines[index - 1].trim().len() <= trimmed.len() + 40
                    && lines[index - 1]
                        .trim()
                        .starts_with(|letter: char| letter.is_alphanumeric() || letter == '['),
            );
            marks.links +=
                usize::from(is_link(trimmed)) + usize::from(trimmed.matches("](http").count() >= 2);
            let bullet = ["- ", "* ", "+ "]
                .iter()
                .any(|start| trimmed.starts_with(start));
            marks.bullets += usize::from(bullet);
            marks.emphasis += usize::from(
                trimmed.matches("**").count() >= 2
                    || trimmed.matches('`').count() >= 2
                    || has_emphasis(trimmed),
            );
            let quote = trimmed.starts_with("> ");
            marks.quotes += usize::from(quote);
            marks.tables += usize::from(
                trimmed.starts_with('|') && trimmed.contains("---") && trimmed.ends_with('|'),
            );
            marks.code += usize::from(trimmed.ends_with([';', '{', '}']));
            if !(heading
                || underline
                || bullet
                || quote
                || trimmed.starts_with(['|', '!', '[', '<']))
            {
                marks.others += 1;
                marks.prose += usize::from(is_prose(trimmed) || trimmed.matches('`').count() >= 2);
            }
        }
        marks.front_matter = has_front_matter(text, &lines);
        marks
    }

    /// Links, code between fences, or tables, which comments and settings rarely have.
    const fn are_telling(&self) -> bool {
        self.links >= 1 || self.fences >= 2 || self.tables >= 1 || self.front_matter
    }

    /// A mark of Markdown's own, or two kinds of those that plain text has.
    fn any(&self) -> bool {
        let own = self.deeper + self.links + self.fences + self.tables + self.emphasis;
        let common = [
            self.headings,
            self.shell_comments,
            self.bullets,
            self.quotes,
            self.underlined,
        ];
        own > 0 || self.headings == 1 || common.iter().filter(|marks| **marks > 0).count() >= 2
    }

    fn score(&self) -> usize {
        if self.code * 3 > self.lines
            || self.shell_comments > 2 && self.shell_comments > self.headings
        {
            return 0;
        }
        // Underlined titles and bullets are as old as plain text.
        let own = self.headings + self.links + self.fences + self.tables >= 1 || self.front_matter;
        if !own {
            return 0;
        }
        let titled = self.deeper >= 1 || self.headings == 1;
        usize::from(self.headings >= 1)
            + usize::from(titled)
            + usize::from(self.deeper >= 1 && self.headings >= 3)
            + usize::from(self.links >= 1) * 2
            + usize::from(self.links >= 2)
            + usize::from(self.fences >= 2) * 2
            + usize::from(self.bullets >= 2)
            + usize::from(self.emphasis >= 1)
            + usize::from(self.quotes >= 2)
            + usize::from(self.tables >= 1) * 2
            + usize::from(self.underlined >= 1)
            + usize::from(self.front_matter) * 3
    }
}

/// Whether a document is a part of something else: of a module of Python or Julia, which begins
/// with a text in three quotation marks, or of a record of fields, as packages have them.
pub(super) fn is_part(text: &Text) -> bool {
    let fields = text.lines().take_while(|line| {
        line.starts_with([' ', '\t'])
            || line.split_once(": ").is_some_and(|(name, _)| {
                name.starts_with(|letter: char| letter.is_ascii_uppercase())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
    });
    opens_with_documentation(text) || fields.count() >= 3
}

fn opens_with_documentation(text: &Text) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| {
        let quoted = line.trim_start_matches(['r', 'R', 'u', 'U']);
        quoted.starts_with("\"\"\"") || quoted.starts_with("'''")
    })
}

/// Three or four marks; a longer row of tildes underlines a title.
pub(super) fn is_fence(line: &str) -> bool {
    line.starts_with("```") || line.starts_with("~~~") && !line.starts_with("~~~~~")
}

/// A word or more between two asterisks or underscores.
fn has_emphasis(line: &str) -> bool {
    ['*', '_'].iter().any(|mark| {
        let begins = line.split(' ').any(|word| {
            word.strip_prefix(*mark)
                .is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        });
        let ends = line.split(' ').any(|word| {
            word.trim_end_matches(['.', ',', ':', ';', '!', '?', ')'])
                .strip_suffix(*mark)
                .is_some_and(|rest| rest.ends_with(char::is_alphabetic))
        });
        begins && ends
    })
}

/// `key=value`, as in properties.
fn is_assignment(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, value)| {
        let key = key.trim_end();
        !key.is_empty()
            && !value.starts_with('=')
            && key.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'#')
            })
    })
}

/// `command(…)`, as in build files.
fn is_call(line: &str) -> bool {
    line.split_once('(').is_some_and(|(command, _)| {
        let command = command.trim_end();
        !command.is_empty()
            && command
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && (line.ends_with(')') || line.ends_with('['))
    })
}

/// `[words](target)` or `![…](…)`.
fn is_link(line: &str) -> bool {
    if line.starts_with('[') && (line.contains("]: http") || line.contains("]:http"))
        || line.starts_with("[^") && line.contains("]: ")
        || line.starts_with("[![") && line.contains("][")
    {
        return true;
    }
    line.split("](").skip(1).any(|target| {
        let target = target.split(')').next().unwrap_or_default();
        target.starts_with("http") || target.starts_with(['#', '/', '.']) || target.contains('.')
    }) && line.contains('[')
}

/// Keys between two lines of three dashes, at the very beginning; what follows
/// is no further YAML document.
pub(super) fn has_front_matter(text: &Text, lines: &[&str]) -> bool {
    if lines.first().is_none_or(|line| line.trim_end() != "---") {
        return false;
    }
    let Some(end) = lines
        .iter()
        .skip(1)
        .position(|line| line.trim_end() == "---")
    else {
        return false;
    };
    let keys = lines[1..=end].iter().any(|line| line.contains(':'));
    let after: Vec<&&str> = lines[end + 2..]
        .iter()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let yaml_goes_on = after.first().is_some_and(|line| is_yaml_line(line))
        || after.iter().any(|line| line.trim_end() == "---");
    keys && !yaml_goes_on && (!after.is_empty() || text.is_whole)
}
