//! Small notations that a name may claim for plain text: each has lines that prose has not. Only
//! one of them shows enough to be told without a name.

use super::decode::Text;
use super::markdown::is_part;
use crate::finding::Finding;

/// How many lines are looked at.
const MOST_LINES: usize = 300;

/// A notation, and what must be true of a text for a name to claim it.
struct Notation {
    media_type: &'static str,
    shows: fn(&[&str]) -> bool,
}

const NOTATIONS: &[Notation] = &[
    Notation {
        media_type: "text/x-rst",
        shows: |lines| {
            any(lines, |line| {
                line.starts_with(".. ")
                    || line.ends_with("::")
                    || line.matches("``").count() >= 2
                    || line.starts_with(':') && line[1..].contains(": ")
                    || line.contains("`_")
                    || line.contains(":`")
            }) || is_underlined(lines)
        },
    },
    Notation {
        media_type: "text/asciidoc",
        shows: |lines| {
            any(lines, |line| {
                let title = line.trim_start_matches('=');
                title.len() < line.len() && title.starts_with(' ')
                    || line.starts_with("[[")
                    || line.starts_with('[') && line.ends_with(']')
                    || line.starts_with("include::")
                    || line.starts_with("image::")
                    || line == "----"
                    || line.starts_with(':') && line[1..].contains(':')
            })
        },
    },
    Notation {
        media_type: "text/x-org",
        shows: |lines| {
            any(lines, |line| {
                line.starts_with("#+")
                    || line.starts_with("* ")
                    || line.starts_with("** ")
                    || line.starts_with(":PROPERTIES:")
            })
        },
    },
    Notation {
        media_type: "text/x-diff",
        shows: |lines| any(lines, |line| line.starts_with("@@ -") || is_change(line)),
    },
    Notation {
        media_type: "text/x-ldif",
        shows: |lines| {
            any(lines, |line| {
                line.starts_with("dn: ") || line.starts_with("dn:: ")
            })
        },
    },
    Notation {
        media_type: "text/sgml",
        shows: |lines| {
            lines
                .first()
                .is_some_and(|line| line.trim_start().starts_with("<!"))
        },
    },
    Notation {
        media_type: "text/x-opml+xml",
        shows: |lines| any(lines, |line| line.contains("<opml")),
    },
    Notation {
        media_type: "application/x-research-info-systems",
        shows: |lines| any(lines, |line| line.starts_with("TY  - ")),
    },
    Notation {
        media_type: "application/x-endnote-refer",
        shows: |lines| {
            lines.first().is_some_and(|line| line.starts_with("%0 "))
                && any(lines, |line| {
                    line.starts_with("%T ") || line.starts_with("%A ")
                })
        },
    },
    Notation {
        media_type: "application/x-cue",
        shows: |lines| {
            any(lines, |line| line.starts_with("FILE "))
                && any(lines, |line| line.trim_start().starts_with("TRACK "))
        },
    },
    Notation {
        media_type: "application/x-ofx",
        shows: |lines| any(lines, |line| line.contains("<OFX>")),
    },
    Notation {
        media_type: "chemical/x-xyz",
        shows: is_atoms,
    },
    Notation {
        media_type: "chemical/seq-aa-fasta",
        shows: |lines| lines.first().is_some_and(|line| line.starts_with('>')),
    },
    Notation {
        media_type: "chemical/x-pdb",
        shows: |lines| {
            any(lines, |line| {
                line.starts_with("ATOM  ") || line.starts_with("HETATM")
            })
        },
    },
    Notation {
        media_type: "application/x-pem-file",
        shows: is_armoured,
    },
    Notation {
        media_type: "application/x-x509-cert",
        shows: is_armoured,
    },
    Notation {
        media_type: "audio/x-mpegurl",
        shows: is_playlist,
    },
    Notation {
        media_type: "text/x-ssa",
        shows: |lines| any(lines, |line| line.starts_with("Dialogue: ")),
    },
    Notation {
        media_type: "application/vnd.hp-hpgl",
        shows: |lines| {
            lines.first().is_some_and(|line| {
                let starts = ["IN;", "DF;", "BP;", "SP1", "PU;", "PA;", "PU0", "\u{1b}.("];
                starts.iter().any(|start| line.starts_with(start))
            })
        },
    },
    Notation {
        media_type: "application/x-python-pickle",
        shows: |lines| {
            let opens = [
                "(dp",
                "(lp",
                "ccopy_reg",
                "c__builtin__",
                "(i__main__",
                "c__main__",
            ];
            lines
                .first()
                .is_some_and(|line| opens.iter().any(|start| line.starts_with(start)))
                && lines.last().is_some_and(|line| line.ends_with('.'))
        },
    },
];

/// Whether the text shows the notation; not those that aren't told of here.
pub(crate) fn shows(text: &Text, media_type: &str) -> bool {
    let Some(notation) = NOTATIONS
        .iter()
        .find(|notation| notation.media_type == media_type)
    else {
        return false;
    };
    let lines = text.written_lines(MOST_LINES);
    (notation.shows)(&lines)
}

/// Documents of `reStructuredText`, Org and `AsciiDoc`: what only each of them has, beside titles.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).take(MOST_LINES).collect();
    let written: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.is_empty())
        .collect();
    if is_part(text) {
        return None;
    }
    let media_type = if is_restructured(&lines, &written) {
        "text/x-rst"
    } else if is_org(&written) {
        "text/x-org"
    } else if is_asciidoc(&written) {
        "text/asciidoc"
    } else {
        return None;
    };
    Some(Finding::likely(media_type))
}

/// Directives, links and quoted code of `reStructuredText` under titles that are underlined.
fn is_restructured(lines: &[&str], written: &[&str]) -> bool {
    let count = |fact: fn(&str) -> bool| written.iter().filter(|line| fact(line)).count();
    let directives = count(|line| line.starts_with(".. ") && line.contains("::"));
    let targets = count(|line| line.starts_with(".. _") && line.ends_with(':'));
    let references = count(|line| line.contains(">`_"));
    let quoted = count(|line| line.matches("``").count() >= 2 && !line.starts_with("```"));
    let is_titled = is_underlined(lines);
    let only = written.len() <= 3 && directives >= 1 && written[0].starts_with(".. ");
    let linked = written.iter().any(|line| line.contains("]("));
    directives >= 2 && is_titled
        || is_of_roles(lines)
        || only
        || is_titled && !linked && (references >= 1 || directives + targets >= 1 || quoted >= 2)
        || directives >= 2 && references + quoted >= 2
}

/// Settings of a document of Org first, or headlines with its links or blocks.
fn is_org(written: &[&str]) -> bool {
    let setting = |line: &&&str| {
        line.strip_prefix("#+").is_some_and(|rest| {
            rest.split_once(':').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
        })
    };
    let plain: Vec<&str> = written
        .iter()
        .copied()
        .filter(|line| !line.starts_with("# "))
        .collect();
    let begins = plain.first().is_some_and(|line| setting(&line)) && plain.len() >= 2;
    let headlines = plain
        .iter()
        .filter(|line| line.trim_start_matches('*').starts_with(' ') && line.starts_with('*'));
    let own = plain.iter().filter(|line| {
        line.contains("[[") && line.contains("][") && line.contains("]]")
            || line.contains("[[http") && !line.contains('|')
            || line.contains("[[file:")
            || line
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("#+begin_")
            || line.trim() == ":PROPERTIES:"
    });
    begins || headlines.count() >= 1 && own.count() >= 2
}

/// A title behind signs of equality, and sections, attributes or macros.
fn is_asciidoc(written: &[&str]) -> bool {
    let title = |line: &str| {
        let rest = line.trim_start_matches('=');
        rest.len() < line.len() && rest.starts_with(' ') && !rest.ends_with('=')
    };
    let plain: Vec<&str> = written
        .iter()
        .copied()
        .filter(|line| {
            !(line.starts_with("//") || line.starts_with(':') && line[1..].contains(':'))
        })
        .collect();
    let titles = plain.iter().filter(|line| title(line)).count();
    let attributes = written.iter().filter(|line| {
        line.starts_with(':')
            && line[1..]
                .split_once(':')
                .is_some_and(|(name, _)| !name.contains(' '))
    });
    let macros = plain.iter().filter(|line| {
        [
            "link:",
            "image:",
            "include::",
            "xref:",
            "[source",
            "[NOTE",
            "https://",
            "[[",
        ]
        .iter()
        .any(|mark| line.contains(mark))
            && line.contains(['[', ']'])
    });
    // Links of a wiki.
    let is_wiki = plain.iter().any(|line| {
        line.split("[[").skip(1).any(|link| {
            link.split_once("]]")
                .is_some_and(|(link, _)| link.contains('|'))
        })
    });
    let begins = plain
        .first()
        .is_some_and(|line| title(line) || line.starts_with("[["));
    begins
        && !is_wiki
        && (titles >= 2 || titles >= 1 && (macros.count() >= 1 || attributes.count() >= 1))
}

/// Titles and roles, as changelogs have them that need no directives.
fn is_of_roles(lines: &[&str]) -> bool {
    let written: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.is_empty())
        .collect();
    let is_titled = written.get(..2).is_some_and(is_underlined);
    let titles = written.windows(2).filter(|pair| is_underlined(pair));
    let roles = written
        .iter()
        .filter(|line| line.contains(":`") && !line.starts_with(' '));
    is_titled && titles.count() >= 2 && roles.count() >= 2
}

/// Whether text that a name calls so is told here.
pub(super) fn is_known(media_type: &str) -> bool {
    NOTATIONS
        .iter()
        .any(|notation| notation.media_type == media_type)
}

fn any(lines: &[&str], fact: impl Fn(&str) -> bool) -> bool {
    lines.iter().any(|line| fact(line))
}

/// A title, and a row of one mark below it that is as long.
fn is_underlined(lines: &[&str]) -> bool {
    lines.windows(2).any(|pair| {
        let mut marks = pair[1].bytes();
        let first = marks.next();
        pair[0].starts_with(|letter: char| letter.is_alphanumeric() || letter == '`')
            && pair[1].len() >= 3
            && pair[1].len() >= pair[0].chars().count()
            && first.is_some_and(|first| first.is_ascii_punctuation())
            && marks.all(|mark| Some(mark) == first)
    })
}

/// `3,4c5`, as patches without context have it.
fn is_change(line: &str) -> bool {
    let number = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b',')
    };
    line.split_once(['a', 'c', 'd'])
        .is_some_and(|(from, to)| number(from) && number(to))
}

/// A count of atoms, a remark, and lines of an element and three numbers.
fn is_atoms(lines: &[&str]) -> bool {
    let atom = |line: &&str| {
        let mut words = line.split_whitespace();
        words
            .next()
            .is_some_and(|element| element.len() <= 3 && !element.is_empty())
            && words
                .take(3)
                .filter(|word| word.parse::<f64>().is_ok())
                .count()
                == 3
    };
    lines
        .first()
        .is_some_and(|line| line.trim().parse::<u32>().is_ok())
        && lines.iter().skip(1).take(2).any(atom)
}

/// Armour behind what was written about it, and the armour's end.
fn is_armoured(lines: &[&str]) -> bool {
    any(lines, |line| {
        line.starts_with("-----BEGIN ") && line.ends_with("-----")
    }) && any(lines, |line| line.starts_with("-----END "))
}

/// Addresses and paths of media, one a line.
fn is_playlist(lines: &[&str]) -> bool {
    let entry = |line: &&&str| {
        line.contains("://")
            || line.rsplit_once('.').is_some_and(|(path, extension)| {
                !path.ends_with(' ')
                    && (3..=4).contains(&extension.len())
                    && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    };
    let entries: Vec<&&str> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    !entries.is_empty() && entries.iter().filter(|line| entry(line)).count() == entries.len()
}
