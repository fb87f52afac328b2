//! `BASELINE.md`: the figures of an earlier run, kept beside the program that they are of.
//!
//! Laws: what was written is read as it was; text around the table is a person's and stays.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const HEAD: &str = "| row | instructions | compiler | measured at |";
const RULE: &str = "|---|---:|---|---|";

/// A table of figures, and the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    before: String,
    pub figures: Vec<Figure>,
    after: String,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its id.
    pub row: String,
    /// Instructions of one operation.
    pub instructions: u64,
    /// The compiler that made the program.
    pub compiler: String,
    /// What the program was made of: the subject of a commit.
    pub measured_at: String,
}

impl Baseline {
    /// Reads a file. It must be there: its text says what is measured.
    pub fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Baseline::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Writes it back.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.render()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Baseline> {
        let head = format!("{HEAD}\n{RULE}\n");
        let (before, rest) = text.split_once(&head).with_context(|| format!("there is no table `{HEAD}`"))?;
        let table: usize = rest.split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
        let (table, after) = rest.split_at(table);
        let figures = table.lines().map(Figure::parse).collect::<Result<_>>()?;
        Ok(Baseline { before: before.to_owned(), figures, after: after.to_owned() })
    }

    /// The text of a file.
    pub fn render(&self) -> String {
        let rows: String = self.figures.iter().map(Figure::render).collect();
        format!("{}{HEAD}\n{RULE}\n{rows}{}", self.before, self.after)
    }

    /// The figure of a row.
    pub fn of(&self, row: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.row == row)
    }

    /// Takes new figures in. Of `rows`, which is all that there is in its order, those that were not measured keep their
    /// figures; what is no row any more goes.
    pub fn update(&mut self, rows: &[&str], measured: &[Figure]) {
        let figure = |row: &&str| measured.iter().find(|figure| figure.row == *row).or_else(|| self.of(row)).cloned();
        self.figures = rows.iter().filter_map(figure).collect();
    }
}

impl Figure {
    fn parse(line: &str) -> Result<Figure> {
        let cells = cells(line);
        ensure!(cells.len() == 4, "`{line}` has not the four cells of `{HEAD}`");
        let [row, instructions, compiler, measured_at] = [0, 1, 2, 3].map(|cell: usize| cells[cell].clone());
        let instructions = instructions.parse().with_context(|| format!("`{line}`: no number of instructions"))?;
        Ok(Figure { row, instructions, compiler, measured_at })
    }

    fn render(&self) -> String {
        let Figure { row, instructions, compiler, measured_at } = self;
        let [row, compiler, measured_at] = [row, compiler, measured_at].map(|cell| escaped(cell));
        format!("| {row} | {instructions} | {compiler} | {measured_at} |\n")
    }
}

/// A cell's text, in which a bar would end the cell.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|")
}

/// The cells of a line `| a | b |`, without their escapes.
fn cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut letters = line.trim().trim_start_matches('|').chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => cell.extend(letters.next()),
            '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            letter => cell.push(letter),
        }
    }
    cells
}
