//! What commands print: tables for people, JSON and CSV for programs. Text that came from outside is escaped.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub(super) use crate::shown::printable;

/// Prints an error to the error output: as a report for people, as one JSON object with `--json`.
pub(super) fn error(error: &miette::Report, json: bool) {
    if json {
        let help = error.help().map(|help| help.to_string());
        let text = serde_json::json!({ "error": error.to_string(), "help": help });
        eprintln!("{text}");
    } else {
        eprintln!("{error:?}");
    }
}

/// Prints a value as JSON, one line per value.
pub(super) fn json(value: &impl Serialize) -> miette::Result<()> {
    let text = serde_json::to_string(value).map_err(|error| miette::miette!("cannot write JSON: {error}"))?;
    line(&text)
}

/// Prints one line; a reader that has gone away ends the program without a complaint.
pub(super) fn line(text: &str) -> miette::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(miette::miette!("cannot write: {error}")),
    }
}

/// A table with aligned columns, as wide as its contents.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> miette::Result<()> {
    let rows: Vec<_> = rows.iter().map(|row| (row.clone(), None)).collect();
    annotated_table(head, &rows)
}

/// A table with aligned columns, as wide as its contents, where more can be said of a row on a line below it; on a
/// terminal that line is cut to its width.
pub(super) fn annotated_table(head: &[&str], rows: &[(Vec<String>, Option<String>)]) -> miette::Result<()> {
    let cells = rows.iter().map(|(row, _)| row.iter().map(|cell| printable(cell)).collect());
    let cells: Vec<Vec<String>> = cells.collect();
    let width = |column: usize| {
        let cells = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|title| title.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let format = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    line(&style(&format(&mut head.iter().copied()), Style::Bold))?;
    let room = terminal_size::terminal_size_of(io::stdout()).map_or(usize::MAX, |(width, _)| width.0.into());
    for (cells, (_, note)) in cells.iter().zip(rows) {
        line(&format(&mut cells.iter().map(String::as_str)))?;
        if let Some(note) = note {
            line(&style(&cut(&format!("    {}", printable(note)), room), Style::Dim))?;
        }
    }
    Ok(())
}

/// How text stands out on a terminal.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Bold,
    Dim,
    Good,
    Bad,
}

/// Whether somebody looks at this output and has not asked for plain text (`NO_COLOR`).
pub(super) fn is_styled(output: &impl IsTerminal) -> bool {
    output.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// `text` in a style, where the output is styled.
pub(super) fn style(text: &str, style: Style) -> String {
    if !is_styled(&io::stdout()) {
        return text.to_owned();
    }
    let code = match style {
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Good => "32",
        Style::Bad => "31",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// `text`, cut to `width` characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}
