//! What a load costs: processor time and memory of processes and those that they started, and
//! flushes of the machine's disks.

use std::collections::HashMap;
use std::path::Path;

/// The processes that a subject consists of: groups, each a name and the root of a tree.
pub type Groups = [(&'static str, u32)];

/// Processor time and flushes up to a moment, or of an interval.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// Milliseconds of each group, in the order in which they were given.
    pub processor: Vec<f64>,
    /// Flushes of all disks.
    pub flushes: f64,
}

impl Cost {
    /// What the groups have cost so far.
    pub fn of(groups: &Groups) -> Self {
        let processes = processes();
        let tree = |(_, root): &(_, u32)| tree_of(*root, &processes);
        let time = |pid: &u32| processes.get(pid).map_or(0.0, |one| one.milliseconds);
        let processor = groups
            .iter()
            .map(|group| tree(group).iter().map(time).sum());
        Self {
            processor: processor.collect(),
            flushes: flushes(),
        }
    }

    /// What has been added since, divided by `parts`.
    pub fn since(&self, before: &Self, parts: f64) -> Self {
        let each = |now: &f64, then: &f64| (now - then) / parts;
        Self {
            processor: std::iter::zip(&self.processor, &before.processor)
                .map(|(now, then)| each(now, then))
                .collect(),
            flushes: each(&self.flushes, &before.flushes),
        }
    }

    /// The total with so many decimals, and its parts if there are several.
    pub fn text(&self, groups: &Groups, decimals: usize) -> String {
        with_parts(groups, &self.processor, decimals)
    }
}

/// The sum of a figure of each group, and its parts if there are several: `3.1 (PostgreSQL 2.0,
/// worker 1.1)`.
pub fn with_parts(groups: &Groups, figures: &[f64], decimals: usize) -> String {
    let sum: f64 = figures.iter().sum();
    if figures.len() < 2 {
        return format!("{sum:.decimals$}");
    }
    let parts: Vec<_> = std::iter::zip(groups, figures)
        .map(|((name, _), figure)| format!("{name} {figure:.decimals$}"))
        .collect();
    format!("{sum:.decimals$} ({})", parts.join(", "))
}

/// The resident memory of each group, in MiB. Pages that the processes of a tree share count once:
/// each has its proportional share.
pub fn resident(groups: &Groups) -> Vec<f64> {
    memory(groups, |pid| {
        field_of(&file_of(pid, "smaps_rollup"), "Rss:")
    })
}

/// The most memory that each group has had so far, in MiB. Of a tree it isn't known: what it has now.
pub fn peaks(groups: &Groups) -> Vec<f64> {
    memory(groups, |pid| field_of(&file_of(pid, "status"), "VmHWM:"))
}

/// The memory of each group, in MiB; `alone` asks for that of a process without children, in KiB.
fn memory(groups: &Groups, alone: impl Fn(u32) -> f64) -> Vec<f64> {
    let processes = processes();
    let share = |pid: &u32| field_of(&file_of(*pid, "smaps_rollup"), "Pss:");
    let kibibytes = |root: u32| match tree_of(root, &processes).as_slice() {
        [one] => alone(*one),
        tree => tree.iter().map(share).sum(),
    };
    groups
        .iter()
        .map(|(_, root)| kibibytes(*root) / 1024.0)
        .collect()
}

fn file_of(pid: u32, name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// The number of a line such as `VmHWM:  1234 kB`.
fn field_of(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// A process and its present descendants.
pub fn tree(root: u32) -> Vec<u32> {
    tree_of(root, &processes())
}

struct Process {
    parent: u32,
    milliseconds: f64,
}

/// All processes.
fn processes() -> HashMap<u32, Process> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(process) = Process::read(&stat, threads_time(&entry.path())) {
            found.insert(pid, process);
        }
    }
    found
}

impl Process {
    /// Reads `/proc/<pid>/stat`. Its own time counts in hundredths of a second; that of its present
    /// threads, in nanoseconds, is more exact unless threads have ended. Time of children that have
    /// ended counts as their parent's.
    fn read(stat: &str, threads: f64) -> Option<Self> {
        // The name may hold blanks and brackets; what follows the last bracket holds none.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
        let milliseconds = |first: usize| Some((ticks(first)? + ticks(first + 1)?) * 10.0);
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            milliseconds: milliseconds(11)?.max(threads) + milliseconds(13)?,
        })
    }
}

/// The processor time of a process's present threads in milliseconds (`schedstat`); 0 where the
/// kernel doesn't count it.
fn threads_time(process: &Path) -> f64 {
    let threads = std::fs::read_dir(process.join("task"));
    let time = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    let nanoseconds: f64 = threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(time)
        .sum();
    nanoseconds / 1e6
}

fn tree_of(root: u32, processes: &HashMap<u32, Process>) -> Vec<u32> {
    let children = processes.iter().filter(|(_, one)| one.parent == root);
    let below = children.flat_map(|(pid, _)| tree_of(*pid, processes));
    std::iter::once(root).chain(below).collect()
}

/// Flushes of all disks so far.
fn flushes() -> f64 {
    let disks = std::fs::read_dir("/sys/block")
        .into_iter()
        .flatten()
        .flatten();
    let stat = |disk: std::fs::DirEntry| std::fs::read_to_string(disk.path().join("stat")).ok();
    disks.filter_map(stat).map(|text| flushes_of(&text)).sum()
}

/// The sixteenth number of the kernel's statistics of a block device.
fn flushes_of(stat: &str) -> f64 {
    let flushes = stat.split_whitespace().nth(15);
    flushes
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (a name) with) brackets) S 17 4711 4711 0 -1 4194560 1 2 3 4 \
        150 50 30 20 20 0 8 0 100 1000 200";

    #[test]
    fn time_is_that_of_a_process_and_of_its_children_that_have_ended() {
        let process = Process::read(STAT, 0.0).unwrap();
        assert_eq!(process.parent, 17);
        assert!((process.milliseconds - 2_500.0).abs() < 1e-9);
    }

    #[test]
    fn time_of_threads_is_preferred_if_it_is_not_less() {
        let time = |threads| Process::read(STAT, threads).unwrap().milliseconds;
        assert!((time(2_004.5) - 2_504.5).abs() < 1e-9);
        assert!((time(1_000.0) - 2_500.0).abs() < 1e-9);
    }

    #[test]
    fn a_process_that_has_gone_is_none() {
        assert!(Process::read("", 0.0).is_none());
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let groups = [("this", std::process::id())];
        assert!(Cost::of(&groups).processor[0] > 0.0);
        assert!(resident(&groups)[0] > 0.0 && peaks(&groups)[0] > 0.0);
    }

    #[test]
    fn flushes_are_the_sixteenth_number() {
        let stat = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 1234 17";
        assert!((flushes_of(stat) - 1_234.0).abs() < 1e-9);
        assert!(flushes_of("1 2 3").abs() < 1e-9);
    }

    #[test]
    fn memory_is_read_from_its_line() {
        let text = "Name:\tdossier\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n";
        assert!((field_of(text, "VmHWM:") - 2_048.0).abs() < 1e-9);
        assert!(field_of(text, "Pss:").abs() < 1e-9);
    }

    #[test]
    fn several_parts_are_named() {
        let cost = Cost {
            processor: vec![2.0, 1.25],
            flushes: 0.0,
        };
        let groups = [("PostgreSQL", 1), ("worker", 2)];
        assert_eq!(cost.text(&groups, 2), "3.25 (PostgreSQL 2.00, worker 1.25)");
        assert_eq!(with_parts(&groups[..1], &[2.0], 1), "2.0");
    }
}
