//! Measures accuracy on a folder of labelled files: prints a table by kind,
//! with the name, with the name hidden, with a lying name and cut short, and
//! the time and the reads that a file takes. Every figure is measured in the
//! run that prints it.
//!
//! `cargo run --release -p identify --example accuracy -- <folder> [--failures] [--all-names]`
//!
//! `--all-names` adds every extension that there is to the lies.
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

/// A heading, the names that files are given, and how much of them is left.
type Mode = (&'static str, Naming, usize);

/// Where files are cut that were not sent as a whole.
const CUT: usize = 4096;

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
            "usage: accuracy <folder> [--failures] [--all-names]",
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

    let mut modes: Vec<Mode> = vec![
        (
            "with its name",
            |label| vec![Some(label.name.clone())],
            usize::MAX,
        ),
        ("name hidden", |_| vec![None], usize::MAX),
        ("every lying name", lying_names, usize::MAX),
        ("cut at 4 KiB, name hidden", |_| vec![None], CUT),
    ];
    if arguments.iter().any(|argument| argument == "--all-names") {
        modes.push(("under every extension", all_names, usize::MAX));
    }
    let mut costs = Costs::default();
    for mode in modes {
        let scores = measure(&labels, &classes, mode, show_failures, &mut costs)?;
        print_table(mode.0, &scores);
    }
    if let Some(scores) = libmagic(&labels, &classes)? {
        print_table("libmagic (file --mime-type)", &scores);
    } else {
        println!("\nlibmagic is not installed: no comparison");
    }
    costs.print();
    Ok(())
}

/// Judges every file under every name that the mode gives it.
fn measure(
    labels: &[Label],
    classes: &[Vec<String>],
    (mode, names_of, most): Mode,
    show_failures: bool,
    costs: &mut Costs,
) -> io::Result<BTreeMap<String, Score>> {
    let mut scores = BTreeMap::<String, Score>::new();
    for label in labels {
        let bytes = fs::read(&label.path)?;
        if most < usize::MAX && bytes.len() <= most {
            continue;
        }
        let bytes = &bytes[..bytes.len().min(most)];
        for name in names_of(label) {
            let found = costs.identify(bytes, name.as_deref())?;
            let outcome = judge(label, found, classes);
            if show_failures && outcome.right == 0 {
                let (path, name) = (label.path.display(), name.unwrap_or_default());
                println!(
                    "  {mode}: {path} ({name}) is {}, was taken for {found}",
                    label.media_type
                );
            }
            add(&mut scores, label, outcome);
        }
    }
    Ok(scores)
}

/// What identifying has cost so far.
#[derive(Default)]
struct Costs {
    times: Vec<Duration>,
    /// Bytes that were asked for, and how often.
    bytes: Vec<usize>,
    reads: usize,
}

impl Costs {
    fn identify(&mut self, bytes: &[u8], name: Option<&str>) -> io::Result<&'static str> {
        let mut source = Counted {
            bytes,
            read: 0,
            reads: 0,
        };
        let found = identify::identify(&mut source, name)?;
        // Of three runs the shortest: what else the machine does is no cost of ours.
        let mut shortest = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            identify::identify(&mut &*bytes, name)?;
            shortest = shortest.min(begun.elapsed());
        }
        self.times.push(shortest);
        self.bytes.push(source.read);
        self.reads = self.reads.max(source.reads);
        Ok(found.media_type)
    }

    fn print(mut self) {
        self.times.sort_unstable();
        self.bytes.sort_unstable();
        println!(
            "\ntime a file, from memory: p50 {:?}, p99 {:?}, longest {:?}",
            at(&self.times, 50),
            at(&self.times, 99),
            at(&self.times, 100)
        );
        println!(
            "bytes read: p50 {}, p99 {}, most {}, in at most {} reads",
            at(&self.bytes, 50),
            at(&self.bytes, 99),
            at(&self.bytes, 100),
            self.reads
        );
    }
}

/// A file in memory that counts what is read of it.
struct Counted<'a> {
    bytes: &'a [u8],
    read: usize,
    reads: usize,
}

impl identify::Source for Counted<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let read = self.bytes.read_at(offset, length)?;
        self.read += read.len();
        self.reads += 1;
        Ok(read)
    }
}

fn at<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Every extension that there is but its own.
fn all_names(label: &Label) -> Vec<Option<String>> {
    let own = format!(".{}", label.name.rsplit('.').next().unwrap_or_default());
    identify::known_extensions()
        .map(|extension| format!("upload.{extension}"))
        .filter(|name| !name.ends_with(&own.to_ascii_lowercase()))
        .map(Some)
        .collect()
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
