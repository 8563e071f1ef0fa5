//! The live picture: redrawn in place at every change and every second, fitted to the terminal.
//!
//! It is drawn on the terminal's second page, so what was there before comes back at the end; the last picture is then
//! printed once, as ordinary text, to stay readable.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use terminal_size::{Height, Width, terminal_size};
use tokio_util::sync::CancellationToken;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    picture::{Entry, Picture, Screen},
    printable,
};
use crate::{clock::wall, door::Shared};

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const CLEAR_LINE_REST: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Changes may come in bursts; drawing more often than this only costs.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Heading,
    Faint,
    Good,
    Bad,
    Fresh,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Fresh => "\x1b[33m",
        }
    }
}

struct Row {
    style: Style,
    text: String,
}

fn row(style: Style, text: impl Into<String>) -> Row {
    Row { style, text: printable(&text.into()) }
}

/// Holds the terminal's second page; gives it back when dropped, however that comes.
struct Page;

impl Page {
    fn open() -> io::Result<Self> {
        print!("{ENTER}");
        io::stdout().flush()?;
        Ok(Self)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        print!("{LEAVE}");
        let _ = io::stdout().flush();
    }
}

pub(super) async fn run(shared: Shared, stop: CancellationToken) -> io::Result<()> {
    let in_terminal = io::stdout().is_terminal();
    let colours = in_terminal && std::env::var_os("NO_COLOR").is_none();
    let page = if in_terminal { Some(Page::open()?) } else { None };
    let mut changes = shared.changes();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        let (width, height) = size();
        let rows = lay_out(&Picture::of(&shared.read()), width, height);
        draw(&rows, width, colours)?;
        tokio::select! {
            () = stop.cancelled() => break,
            // The clock, the age of cards and the terminal's size change without the portal's doing.
            _ = second.tick() => {}
            _ = changes.changed() => tokio::time::sleep(SHORTEST_PAUSE).await,
        }
    }
    let (width, height) = size();
    drop(page);
    let mut out = io::stdout().lock();
    for row in lay_out(&Picture::of(&shared.read()), width, height) {
        writeln!(out, "{}", fit(&row.text, width).trim_end())?;
    }
    Ok(())
}

/// Columns and rows; a usual size when there is no terminal to ask.
fn size() -> (usize, usize) {
    terminal_size().map_or((100, 30), |(Width(width), Height(height))| (usize::from(width), usize::from(height)))
}

fn draw(rows: &[Row], width: usize, colours: bool) -> io::Result<()> {
    let mut frame = String::from(HOME);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            frame.push_str("\r\n");
        }
        let text = fit(&row.text, width);
        if colours && row.style != Style::Plain {
            frame.push_str(&format!("{}{text}\x1b[0m", row.style.code()));
        } else {
            frame.push_str(&text);
        }
        frame.push_str(CLEAR_LINE_REST);
    }
    frame.push_str(CLEAR_BELOW);
    let mut out = io::stdout().lock();
    out.write_all(frame.as_bytes())?;
    out.flush()
}

/// Divides the height: the header, the screens, a quarter at most for records made, the rest for the timeline.
fn lay_out(picture: &Picture, width: usize, height: usize) -> Vec<Row> {
    let mut rows = vec![header(picture, width)];
    let room = height.saturating_sub(rows.len());
    let screens = screens(&picture.screens, (room / 2).max(3), width);
    rows.push(heading("On the screens now", width));
    rows.extend(screens);

    let made_room = (room / 4).saturating_sub(1).clamp(1, picture.made.len().max(1));
    let left = height.saturating_sub(rows.len());
    let timeline_room = left.saturating_sub(made_room + 2);
    rows.push(heading("Timeline", width));
    rows.extend(newest(&picture.timeline, timeline_room, "no call has ended yet", entry));
    rows.push(heading("Records made", width));
    rows.extend(newest(&picture.made, made_room, "none", |text| row(Style::Fresh, format!(" {text}"))));
    rows.truncate(height);
    rows
}

fn header(picture: &Picture, width: usize) -> Row {
    let title =
        fit(&format!(" Bitrix24 stand-in  ·  {}", picture.title), width.saturating_sub(picture.clock.len() + 2));
    row(Style::Heading, format!("{title} {} ", picture.clock))
}

fn heading(title: &str, width: usize) -> Row {
    let line = "─".repeat(width.saturating_sub(title.width() + 4));
    row(Style::Faint, format!("── {title} {line}"))
}

/// One row per card, one for a user without. When there are more users than rows, those with cards come first.
fn screens(screens: &[Screen], room: usize, width: usize) -> Vec<Row> {
    let name_width = screens.iter().map(|screen| screen.name.width()).max().unwrap_or(0).min(width / 4);
    let line_width = screens.iter().flat_map(|screen| &screen.cards).map(|card| card.line.width()).max().unwrap_or(0);
    let mut busy = Vec::new();
    let mut all = Vec::new();
    for screen in screens {
        let who = format!(" {:>5}  {}", screen.extension, fit(&screen.name, name_width));
        let cards: Vec<Row> = screen
            .cards
            .iter()
            .enumerate()
            .map(|(index, card)| {
                let who = if index == 0 { who.clone() } else { " ".repeat(who.width()) };
                let tail = format!("  {:<line_width$}  since {}  {:>5} ", card.line, wall(card.since), card.age);
                let space = width.saturating_sub(who.width() + 4 + tail.width());
                row(Style::Good, format!("{who}  ■ {}{tail}", fit(&card.party, space)))
            })
            .collect();
        if cards.is_empty() {
            all.push(row(Style::Plain, format!("{who}  ·")));
        } else {
            busy.push(cards.len());
            all.extend(cards);
        }
    }
    if screens.is_empty() {
        return vec![row(Style::Faint, " there are no users yet")];
    }
    if all.len() <= room {
        return all;
    }
    let mut shown: Vec<Row> = all.into_iter().filter(|row| row.style == Style::Good).collect();
    let hidden = shown.len().saturating_sub(room - 1);
    shown.truncate(room - 1);
    let idle = screens.len() - busy.len();
    let more = if hidden > 0 { format!("{hidden} more cards, ") } else { String::new() };
    shown.push(row(Style::Faint, format!(" … {more}{idle} users with an empty screen")));
    shown
}

fn entry(entry: &Entry) -> Row {
    let style = match entry.outcome {
        "answered" => Style::Plain,
        _ => Style::Bad,
    };
    row(style, format!(" {}  {entry}", entry.time))
}

/// The newest of a list that fit, oldest of them first; filled up with blank rows.
fn newest<T>(list: &[T], room: usize, none: &str, draw: impl Fn(&T) -> Row) -> Vec<Row> {
    let mut rows: Vec<Row> = list[list.len().saturating_sub(room)..].iter().map(draw).collect();
    if list.is_empty() && room > 0 {
        rows.push(row(Style::Faint, format!(" {none}")));
    }
    rows.resize_with(room, || row(Style::Plain, ""));
    rows
}

/// Cuts or fills up to exactly this many columns.
fn fit(text: &str, width: usize) -> String {
    let have = text.width();
    if have <= width {
        return format!("{text}{}", " ".repeat(width - have));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
        used += 1;
    }
    cut + &" ".repeat(width.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(users: usize, cards: usize) -> Picture {
        let card = || super::super::picture::Card {
            party: "← +4930901820  日本 (lead 412)".to_owned(),
            line: "+4930".to_owned(),
            since: 0,
            age: "0:03".to_owned(),
        };
        let screen = |index: usize| Screen {
            extension: format!("{}", 100 + index),
            name: format!("User {index}"),
            cards: if index < cards { vec![card()] } else { Vec::new() },
        };
        let entry = || Entry {
            time: "12:00:01".to_owned(),
            direction: "inbound",
            outcome: "missed",
            party: "+49".to_owned(),
            agent: "Alice".to_owned(),
            duration: "0:00".to_owned(),
            extras: String::new(),
        };
        Picture {
            title: "https://localhost:1".to_owned(),
            clock: "12:00:04".to_owned(),
            screens: (0..users).map(screen).collect(),
            timeline: (0..50).map(|_| entry()).collect(),
            made: vec!["lead 412".to_owned(); 9],
        }
    }

    #[test]
    fn a_picture_never_exceeds_the_terminal() {
        for (width, height) in [(1, 1), (10, 4), (40, 8), (80, 24), (200, 60), (0, 0)] {
            for (users, cards) in [(0, 0), (3, 1), (100, 60), (100, 0)] {
                let rows = lay_out(&picture(users, cards), width, height);
                assert!(rows.len() <= height, "{} rows in {width}x{height}", rows.len());
                for row in rows {
                    assert_eq!(fit(&row.text, width).width(), width, "{:?}", row.text);
                }
            }
        }
    }

    #[test]
    fn users_with_cards_are_shown_first_when_room_is_short() {
        let rows = lay_out(&picture(100, 2), 80, 24);
        let text: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        assert_eq!(text.iter().filter(|text| text.contains('■')).count(), 2);
        assert!(text.iter().any(|text| text.contains("98 users with an empty screen")), "{text:#?}");
    }

    #[test]
    fn what_came_from_outside_cannot_command_the_terminal() {
        assert!(!row(Style::Plain, "\x1b[2Jboo\u{9b}1m\r\n").text.chars().any(char::is_control));
    }
}
