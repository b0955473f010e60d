//! The live view: draws a picture in place, line over line, and leaves the last one in the scroll-back.

use super::spelling::Line;
use crate::cli::terminal::Look;
use rustix::termios::tcgetwinsize;
use std::io::{Result, Write};
use std::os::fd::AsFd;

/// What a terminal has where it does not say.
const USUAL: (usize, usize) = (80, 24);

/// The columns and rows of a terminal.
pub(in crate::cli) fn size(terminal: impl AsFd) -> (usize, usize) {
    let size = tcgetwinsize(terminal).ok().map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    size.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or(USUAL)
}

/// A part of the terminal that is drawn anew in place. The cursor stays below it, and is never hidden.
#[derive(Debug)]
pub(super) struct Screen {
    look: Look,
    /// How wide each line is that was drawn last.
    drawn: Vec<usize>,
    text: String,
}

impl Screen {
    pub(super) fn new(look: Look) -> Self {
        Self { look, drawn: Vec::new(), text: String::new() }
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// Draws these lines in the place of those before.
    pub(super) fn draw(&mut self, out: &mut (impl Write + AsFd), lines: &[Line]) -> Result<()> {
        let text: String = lines.iter().map(|line| line.told(self.look) + "\n").collect();
        let columns = size(&*out).0;
        if text == self.text && self.drawn.iter().all(|width| *width <= columns) {
            return Ok(());
        }
        // Each line is cleared to its end, and what is below at last: a terminal that is cleared from its first line on keeps what
        // was there in its scroll-back.
        let text_over = text.replace('\n', "\u{1b}[K\n");
        let sequence = format!("{}{text_over}\u{1b}[J", over(&self.drawn, columns));
        self.drawn = lines.iter().map(Line::width).collect();
        self.text = text;
        out.write_all(sequence.as_bytes())?;
        out.flush()
    }
}

/// What brings the cursor to the beginning of the lines that were drawn. A terminal that is narrower by now has
/// broken the longer ones.
fn over(drawn: &[usize], columns: usize) -> String {
    let rows: usize = drawn.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
    if rows == 0 { String::new() } else { format!("\u{1b}[{rows}A\r") }
}

#[cfg(test)]
mod tests {
    use super::over;

    #[test]
    fn what_was_drawn_is_drawn_over_also_where_the_terminal_was_made_narrower() {
        assert_eq!(over(&[], 80), "");
        assert_eq!(over(&[80, 0, 3], 80), "\u{1b}[3A\r");
        assert_eq!(over(&[80, 0, 3], 40), "\u{1b}[4A\r");
        assert_eq!(over(&[80, 0, 3], 30), "\u{1b}[5A\r");
    }
}
