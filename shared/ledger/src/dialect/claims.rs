//! How a claim finds its candidates.

use super::Dialect;

impl Dialect {
    /// A condition, always true, by which a statement that is a transaction of its own commits
    /// without waiting for the disk. A crash of the server may undo it; it stays whole, and is
    /// durable with the next transaction that waits.
    pub const fn without_sync(self) -> &'static str {
        match self {
            Self::Postgres => "(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL",
            Self::Sqlite => "true",
        }
    }

    /// Ids of jobs that may be claimed, each with its owner, the owner's place in the round and the
    /// job's turn among the owner's: the first of each owner, then a second of each, and so on, the
    /// oldest of an owner first.
    ///
    /// `$1` queue, `$2` now, `$3` the owner after whom the round begins, `$4` how many candidates
    /// are looked at, `$5` how many jobs are wanted; `{known}` stands for the condition that the
    /// kind of a job is known to this release. Of each owner so many are looked at that all owners
    /// together have `$4`, and that what is wanted is found though all but one have a single job.
    /// Owners with due jobs are found by skipping through the index, so what one of them piled up
    /// costs the others nothing; turns are counted after the limit, because a window function reads
    /// all rows that are due at the same moment.
    ///
    /// PostgreSQL plans with the number in the text: a limit that it can't know it takes for a tenth
    /// of the backlog, and then compiles the plan for half a second, or reads the whole table.
    pub const fn candidates(self) -> &'static str {
        match self {
            Self::Postgres => concat!(
                "WITH RECURSIVE owners (owner_id, place) AS ( ",
                "(SELECT owner_id, 1 FROM jobs WHERE queue = $1 AND state IN ('ready', 'running') AND {known} ",
                "AND owner_id > $3 AND run_at <= $2 ",
                "ORDER BY owner_id LIMIT 1) UNION ALL ",
                "SELECT (SELECT j.owner_id FROM jobs j WHERE j.queue = $1 AND j.state IN ('ready', 'running') AND {known} ",
                "AND j.owner_id > owners.owner_id AND j.run_at <= $2 ORDER BY j.owner_id LIMIT 1), place + 1 ",
                "FROM owners WHERE owner_id IS NOT NULL AND place < 64), ",
                "candidates AS (SELECT due.id, due.turn, owners.place, owners.owner_id FROM owners CROSS JOIN LATERAL ( ",
                "SELECT oldest.id, row_number() OVER (ORDER BY oldest.run_at, oldest.id) AS turn FROM ( ",
                "SELECT bound.id, bound.run_at FROM (SELECT j.id, j.run_at FROM jobs j ",
                "WHERE j.queue = $1 AND j.state IN ('ready', 'running') AND j.owner_id = owners.owner_id AND {known} ",
                "AND j.run_at <= $2 ORDER BY j.run_at LIMIT 1024) bound ORDER BY bound.run_at LIMIT ",
                "(SELECT GREATEST($5 - count(owner_id) + 1, ($4 + count(owner_id) - 1) / count(owner_id)) FROM owners)) oldest) due WHERE owners.owner_id IS NOT NULL)",
            ),
            Self::Sqlite => concat!(
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
                "(SELECT max($5 - count(owner_id) + 1, ($4 + count(owner_id) - 1) / count(owner_id)) FROM owners)) WHERE owners.owner_id IS NOT NULL)",
            ),
        }
    }
}
