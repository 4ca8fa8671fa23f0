//! Tables that fit the terminal: columns of lesser weight give way, the last one is cut.

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};

use super::one_line;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Whether it is of numbers.
    pub is_number: bool,
    /// From which width of the terminal on it is shown.
    pub from_width: usize,
}

impl Column {
    /// A column that is always shown.
    pub const fn text(name: &'static str) -> Self {
        Self {
            name,
            is_number: false,
            from_width: 0,
        }
    }

    /// A column of numbers.
    pub const fn number(name: &'static str) -> Self {
        Self {
            name,
            is_number: true,
            from_width: 0,
        }
    }

    /// The same column, in wide terminals alone.
    pub const fn when_wide(mut self, width: usize) -> Self {
        self.from_width = width;
        self
    }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

/// What stands between columns.
const GAP: usize = 2;

/// The least width of the last column.
const LEAST: usize = 12;

impl Table {
    /// A table without rows.
    pub const fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            rows: vec![],
        }
    }

    /// Adds a row with a cell for each column.
    pub fn row(&mut self, mut cells: Vec<String>) {
        for cell in &mut cells {
            *cell = one_line(cell);
        }
        self.rows.push(cells);
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, for a terminal of this width or, without one, for programs.
    pub fn text(&self, width: Option<usize>) -> String {
        match width {
            Some(width) => self.fitted(width),
            None => self.plain(),
        }
    }

    fn plain(&self) -> String {
        let rows = self.rows.iter();
        rows.map(|row| {
            let cells = row.iter().map(String::as_str);
            cells.collect::<Vec<_>>().join("\t") + "\n"
        })
        .collect()
    }

    fn fitted(&self, width: usize) -> String {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|&at| self.columns[at].from_width <= width)
            .collect();
        let Some((&last, before)) = shown.split_last() else {
            return String::new();
        };
        let widths = self.widths();
        let used: usize = before.iter().map(|&at| widths[at] + GAP).sum();
        let left = width.saturating_sub(used).max(LEAST);
        let line = |cells: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for &at in before {
                let alignment = if self.columns[at].is_number {
                    Alignment::Right
                } else {
                    Alignment::Left
                };
                line += &pad_str(&cells(at), widths[at], alignment, None);
                line += &" ".repeat(GAP);
            }
            line += &truncate_str(&cells(last), left, "…");
            line.trim_end().to_owned()
        };
        let heading = line(&|at| self.columns[at].name.to_owned());
        let mut text = format!("{}\n", style(heading).bold());
        for row in &self.rows {
            text += &line(&|at| row.get(at).cloned().unwrap_or_default());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let of_column = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let cells = cells.map(|cell| measure_text_width(cell));
            cells.fold(measure_text_width(self.columns[at].name), usize::max)
        };
        (0..self.columns.len()).map(of_column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::text("ID"),
        Column::number("SIZE").when_wide(40),
        Column::text("NAME"),
    ];

    fn table() -> Table {
        let mut table = Table::new(&COLUMNS);
        table.row(vec![
            "1".into(),
            "7 B".into(),
            "a long name of a document".into(),
        ]);
        table.row(vec!["22".into(), "1.5 KiB".into(), "b".into()]);
        table
    }

    #[test]
    fn narrow_terminals_get_fewer_columns_and_shorter_names() {
        console::set_colors_enabled(false);
        let wide = table().text(Some(40));
        assert_eq!(
            wide,
            "ID     SIZE  NAME\n1       7 B  a long name of a document\n22  1.5 KiB  b\n"
        );
        let narrow = table().text(Some(20));
        assert_eq!(narrow, "ID  NAME\n1   a long name of …\n22  b\n");
    }

    #[test]
    fn programs_get_every_column_between_tabs() {
        let plain = table().text(None);
        assert_eq!(plain, "1\t7 B\ta long name of a document\n22\t1.5 KiB\tb\n");
    }
}
