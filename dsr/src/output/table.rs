//! Tables that fit the terminal: columns of lesser weight give way, those that matter go to lines of
//! their own, and the last one is cut unless it matters.

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
    /// Whether it is neither cut nor left out: where it doesn't fit, it stands below its row.
    pub is_whole: bool,
}

impl Column {
    /// A column that is always shown.
    pub const fn text(name: &'static str) -> Self {
        Self {
            name,
            is_number: false,
            from_width: 0,
            is_whole: false,
        }
    }

    /// A column of numbers.
    pub const fn number(name: &'static str) -> Self {
        Self {
            name,
            is_number: true,
            from_width: 0,
            is_whole: false,
        }
    }

    /// The same column, in wide terminals alone.
    pub const fn when_wide(mut self, width: usize) -> Self {
        self.from_width = width;
        self
    }

    /// The same column, neither cut nor left out.
    pub const fn whole(mut self) -> Self {
        self.is_whole = true;
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

/// The least width in which the last column is broken into lines, instead of going below its row.
const READABLE: usize = 32;

/// How far lines below a row are indented.
const INDENT: usize = 4;

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
        let widths = self.widths();
        let (beside, below) = self.placed(width, &widths);
        let Some((&last, before)) = beside.split_last() else {
            return String::new();
        };
        let used: usize = before.iter().map(|&at| widths[at] + GAP).sum();
        let left = width.saturating_sub(used).max(LEAST);
        let padded = |at: usize, cell: &str| {
            let alignment = if self.columns[at].is_number {
                Alignment::Right
            } else {
                Alignment::Left
            };
            pad_str(cell, widths[at], alignment, None).into_owned()
        };
        let lines = |cells: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for &at in before {
                line += &padded(at, &cells(at));
                line += &" ".repeat(GAP);
            }
            let cell = cells(last);
            if !self.columns[last].is_whole {
                let cell = if self.columns[last].is_number {
                    padded(last, &cell)
                } else {
                    cell
                };
                line += &truncate_str(&cell, left, "…");
                return line.trim_end().to_owned() + "\n";
            }
            let mut text = String::new();
            for part in wrapped(&cell, left) {
                line += &part;
                text += line.trim_end();
                text.push('\n');
                line = " ".repeat(used);
            }
            text
        };
        let heading = lines(&|at| self.columns[at].name.to_owned());
        let mut text = format!("{}\n", style(heading.trim_end()).bold());
        for row in &self.rows {
            let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
            text += &lines(&cell);
            for &at in &below {
                text += &self.below(at, &cell(at), width);
            }
        }
        text
    }

    /// The columns that stand beside each other in this width, and those that go below their row.
    fn placed(&self, width: usize, widths: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let (mut beside, mut below) = (vec![], vec![]);
        let mut left = width;
        for (at, column) in self.columns.iter().enumerate() {
            let is_last = at + 1 == self.columns.len();
            let is_shown = column.from_width <= width;
            let fits = widths[at] <= left || (is_last && left >= READABLE);
            if column.is_whole && !(is_shown && fits) {
                below.push(at);
            } else if is_shown {
                beside.push(at);
                left = left.saturating_sub(widths[at] + GAP);
            }
        }
        (beside, below)
    }

    /// The lines below a row that tell a cell, if there is something in it.
    fn below(&self, at: usize, cell: &str, width: usize) -> String {
        if matches!(cell, "" | "-") {
            return String::new();
        }
        let told = format!("{}: {cell}", self.columns[at].name);
        let left = width.saturating_sub(INDENT).max(LEAST);
        let mut text = String::new();
        for part in wrapped(&told, left) {
            text += &" ".repeat(INDENT);
            text += part.trim_end();
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

/// Breaks text into lines of this width: after spaces and commas, and within words that are longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for part in text.split_inclusive([' ', ',']) {
        let needed = measure_text_width(&line) + measure_text_width(part.trim_end());
        if !line.is_empty() && needed > width {
            lines.push(std::mem::take(&mut line));
        }
        for letter in part.chars() {
            let needed = measure_text_width(&line) + measure_text_width(&letter.to_string());
            if needed > width {
                // The end of a line is the space.
                if letter == ' ' {
                    continue;
                }
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines
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

    const LOG: [Column; 4] = [
        Column::text("ID"),
        Column::text("ACTOR").whole(),
        Column::text("SCOPES").when_wide(60).whole(),
        Column::text("DETAIL").whole(),
    ];

    fn log() -> Table {
        let mut table = Table::new(&LOG);
        let cells = [
            "1",
            "somebody-with-a-long-id",
            "a,b",
            "words that are too long for the line",
        ];
        table.row(cells.map(str::to_owned).into());
        table.row(["2", "-", "-", ""].map(str::to_owned).into());
        table
    }

    #[test]
    fn what_matters_is_neither_cut_nor_left_out() {
        console::set_colors_enabled(false);
        let wide = log().text(Some(72));
        let lines = [
            "ID  ACTOR                    SCOPES  DETAIL",
            "1   somebody-with-a-long-id  a,b     words that are too long for the",
            "                                     line",
            "2   -                        -",
        ];
        assert_eq!(wide, lines.join("\n") + "\n");
        let narrow = log().text(Some(44));
        let lines = [
            "ID  ACTOR",
            "1   somebody-with-a-long-id",
            "    SCOPES: a,b",
            "    DETAIL: words that are too long for the",
            "    line",
            "2   -",
        ];
        assert_eq!(narrow, lines.join("\n") + "\n");
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(
            wrapped(id, 20),
            ["01890a5d-ac96-774b-b", "cce-b302099a8057"]
        );
        assert_eq!(wrapped("", 20), [""]);
    }

    #[test]
    fn programs_get_every_column_between_tabs() {
        let plain = table().text(None);
        assert_eq!(plain, "1\t7 B\ta long name of a document\n22\t1.5 KiB\tb\n");
    }
}
