//! Measures accuracy on a folder of labelled files: prints a table by kind,
//! with the name, with the name hidden and with a lying name, and the time a
//! file takes. Every figure is measured in the run that prints it.
//!
//! `cargo run --release -p identify --example accuracy -- <folder> [--failures]`
//!
//! The folder holds `labels.tsv` (path, type, further right answers, kind),
//! `aliases.txt` (one class of names a line) and the files under `files/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io};

struct Label {
    path: PathBuf,
    name: String,
    media_type: String,
    also: Vec<String>,
    kind: String,
}

/// What names a file is given, one after the other.
type Naming = fn(&Label) -> Vec<Option<String>>;

#[derive(Default, Clone, Copy)]
struct Score {
    files: usize,
    exact: usize,
    right: usize,
    /// A specific type that is not the right one; octet-stream, text and ZIP
    /// instead of a kind of theirs are merely unspecific.
    wrong: usize,
}

/// Extensions a file is given that it does not have.
const LIES: &[&str] = &[
    "pdf", "jpg", "txt", "docx", "exe", "csv", "png", "html", "zip", "mp3", "xml", "json", "md",
    "py", "js", "doc", "yaml", "bin",
];

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(folder) = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"))
    else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "usage: accuracy <folder> [--failures]",
        ));
    };
    let show_failures = arguments.iter().any(|argument| argument == "--failures");
    let folder = Path::new(folder);
    let labels = read_labels(folder)?;
    let classes = read_classes(folder)?;
    println!(
        "{} files of {} types",
        labels.len(),
        distinct_types(&labels)
    );

    let mut times = Vec::new();
    let modes: [(&str, Naming); 3] = [
        ("with its name", |label| vec![Some(label.name.clone())]),
        ("name hidden", |_| vec![None]),
        ("every lying name", lying_names),
    ];
    for (mode, names_of) in modes {
        let mut scores = BTreeMap::<String, Score>::new();
        for label in &labels {
            let bytes = fs::read(&label.path)?;
            for name in names_of(label) {
                let begun = Instant::now();
                let found = identify::identify(&mut bytes.as_slice(), name.as_deref())?;
                times.push(begun.elapsed());
                let outcome = judge(label, found.media_type, &classes);
                if show_failures && outcome.right == 0 {
                    let (path, name) = (label.path.display(), name.unwrap_or_default());
                    println!(
                        "  {mode}: {path} ({name}) is {}, was taken for {}",
                        label.media_type, found.media_type
                    );
                }
                add(&mut scores, label, outcome);
            }
        }
        print_table(mode, &scores);
    }
    if let Some(scores) = libmagic(&labels, &classes)? {
        print_table("libmagic (file --mime-type)", &scores);
    } else {
        println!("\nlibmagic is not installed: no comparison");
    }
    times.sort_unstable();
    println!(
        "\ntime a file, from memory: p50 {:?}, p99 {:?}, longest {:?}",
        at(&times, 50),
        at(&times, 99),
        at(&times, 100)
    );
    Ok(())
}

fn at(times: &[Duration], percent: usize) -> Duration {
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Every lie that is one for this file.
fn lying_names(label: &Label) -> Vec<Option<String>> {
    let own = label
        .name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    LIES.iter()
        .filter(|lie| **lie != own)
        .map(|lie| Some(format!("upload.{lie}")))
        .collect()
}

fn judge(label: &Label, answer: &str, classes: &[Vec<String>]) -> Score {
    let class = |name: &str| {
        classes
            .iter()
            .find(|class| class.iter().any(|known| known == name))
    };
    let same = |one: &str, other: &str| {
        one == other || class(one).is_some_and(|class| class.iter().any(|known| known == other))
    };
    let exact = label.media_type == answer;
    let right = exact
        || same(&label.media_type, answer)
        || label.also.iter().any(|also| same(also, answer));
    let unspecific = matches!(
        answer,
        "application/octet-stream"
            | "text/plain"
            | "application/zip"
            | "application/xml"
            | "application/x-ole-storage"
    );
    Score {
        files: 1,
        exact: usize::from(exact),
        right: usize::from(right),
        wrong: usize::from(!right && !unspecific),
    }
}

fn add(scores: &mut BTreeMap<String, Score>, label: &Label, outcome: Score) {
    for kind in [label.kind.as_str(), "~ all"] {
        let score = scores.entry(kind.to_owned()).or_default();
        score.files += outcome.files;
        score.exact += outcome.exact;
        score.right += outcome.right;
        score.wrong += outcome.wrong;
    }
}

fn print_table(mode: &str, scores: &BTreeMap<String, Score>) {
    println!(
        "\n{mode:<28} {:>6} {:>8} {:>8} {:>15}",
        "files", "exact", "right", "specific, wrong"
    );
    for (kind, score) in scores {
        let percent = |count: usize| {
            format!(
                "{:.1} %",
                f64::from(u32::try_from(count * 1000 / score.files.max(1)).unwrap_or(0)) / 10.0
            )
        };
        println!(
            "{:<28} {:>6} {:>8} {:>8} {:>15}",
            kind.trim_start_matches("~ "),
            score.files,
            percent(score.exact),
            percent(score.right),
            percent(score.wrong)
        );
    }
}

fn libmagic(
    labels: &[Label],
    classes: &[Vec<String>],
) -> io::Result<Option<BTreeMap<String, Score>>> {
    let mut scores = BTreeMap::new();
    for part in labels.chunks(100) {
        let run = Command::new("file")
            .args(["--brief", "--mime-type", "--"])
            .args(part.iter().map(|label| &label.path))
            .output();
        let output = match run {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let answers = String::from_utf8_lossy(&output.stdout).into_owned();
        for (label, answer) in part.iter().zip(answers.lines()) {
            add(&mut scores, label, judge(label, answer.trim(), classes));
        }
    }
    Ok(Some(scores))
}

fn distinct_types(labels: &[Label]) -> usize {
    let mut types: Vec<&str> = labels
        .iter()
        .map(|label| label.media_type.as_str())
        .collect();
    types.sort_unstable();
    types.dedup();
    types.len()
}

fn read_labels(folder: &Path) -> io::Result<Vec<Label>> {
    let text = fs::read_to_string(folder.join("labels.tsv"))?;
    let label = |line: &str| {
        let mut fields = line.split('\t');
        let path = fields.next()?;
        let media_type = fields.next()?.to_ascii_lowercase();
        let also = fields
            .next()?
            .split('|')
            .filter(|also| !also.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let kind = fields.next()?.to_owned();
        // What comes before "__" only keeps the files apart.
        let base = path.rsplit('/').next()?;
        let name = base.rsplit("__").next()?.to_owned();
        Some(Label {
            path: folder.join("files").join(path),
            name,
            media_type,
            also,
            kind,
        })
    };
    Ok(text
        .lines()
        .skip(1)
        .filter_map(label)
        .filter(|label| label.path.exists())
        .collect())
}

fn read_classes(folder: &Path) -> io::Result<Vec<Vec<String>>> {
    let text = fs::read_to_string(folder.join("aliases.txt"))?;
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    Ok(lines
        .map(|line| {
            line.split_whitespace()
                .map(str::to_ascii_lowercase)
                .collect()
        })
        .collect())
}
