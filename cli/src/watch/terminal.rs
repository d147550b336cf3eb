//! The terminal while it is ours: every way out, a panic and a second signal included, gives it back as it was.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use ratatui::{DefaultTerminal, Frame};

/// Whether there is something to give back.
static TAKEN: AtomicBool = AtomicBool::new(false);

pub(super) struct Terminal(DefaultTerminal);

impl Terminal {
    /// Takes the other page of the terminal, and has a panic give it back before it speaks.
    pub(super) fn enter() -> anyhow::Result<Self> {
        TAKEN.store(true, Ordering::SeqCst);
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                restore();
                Err(error).context("take the terminal")
            }
        }
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> anyhow::Result<()> {
        self.0.draw(draw).context("write to the terminal")?;
        Ok(())
    }

    pub(super) fn leave(self) {
        drop(self);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone shows no cursor either.
        drop(self.0.show_cursor());
        restore();
    }
}

/// Gives the terminal back if it was taken.
pub(crate) fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        ratatui::restore();
    }
}
