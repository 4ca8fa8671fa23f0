//! What a load costs: processor time of processes and those that they started, and flushes of the
//! machine's disks.

use std::collections::HashMap;
use std::path::Path;

/// Processor time and flushes up to a moment.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// Milliseconds of each group of processes, in the order in which they were given.
    pub processor: Vec<f64>,
    /// Flushes of all disks.
    pub flushes: f64,
}

impl Cost {
    /// What the trees of processes under `roots` have cost so far.
    pub fn of(roots: &[u32]) -> Self {
        let processes = processes();
        let processor = roots.iter().map(|root| tree(*root, &processes)).collect();
        Self {
            processor,
            flushes: flushes(),
        }
    }

    /// What has been added since, for each of `count`.
    pub fn since(&self, before: &Self, count: usize) -> Self {
        let each = |now: &f64, then: &f64| (now - then) / count as f64;
        Self {
            processor: std::iter::zip(&self.processor, &before.processor)
                .map(|(now, then)| each(now, then))
                .collect(),
            flushes: each(&self.flushes, &before.flushes),
        }
    }
}

struct Process {
    parent: u32,
    milliseconds: f64,
}

/// All processes. Time of children that have ended counts as their parent's (proc(5), `cutime`).
fn processes() -> HashMap<u32, Process> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name may hold blanks and brackets; what follows the last bracket holds none.
        let fields: Vec<_> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let number = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
        let ticks: f64 = (11..15).filter_map(number).sum();
        let parent = fields.get(1).and_then(|text| text.parse().ok());
        found.insert(
            pid,
            Process {
                parent: parent.unwrap_or_default(),
                // Linux counts hundredths of a second, whatever its clock.
                milliseconds: ticks * 10.0,
            },
        );
    }
    found
}

fn tree(root: u32, processes: &HashMap<u32, Process>) -> f64 {
    let own = processes.get(&root).map_or(0.0, |one| one.milliseconds);
    let children = processes.iter().filter(|(_, one)| one.parent == root);
    own + children.map(|(pid, _)| tree(*pid, processes)).sum::<f64>()
}

/// Flushes of all disks so far: the sixteenth number of the kernel's statistics of a block device.
fn flushes() -> f64 {
    let disks = std::fs::read_dir("/sys/block")
        .into_iter()
        .flatten()
        .flatten();
    disks.map(|disk| flushes_of(&disk.path())).sum()
}

fn flushes_of(disk: &Path) -> f64 {
    let stat = std::fs::read_to_string(disk.join("stat")).unwrap_or_default();
    let flushes = stat.split_whitespace().nth(15);
    flushes
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}
