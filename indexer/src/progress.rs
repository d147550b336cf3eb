//! How far the catch-up is: a bar with the time that is left in a terminal, records in a log elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// So many blocks behind, there is something to tell.
const WORTH_TELLING_BLOCKS: u64 = 64;
const RECORD_PAUSE: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{bar:32} {percent:>3} %  block {human_pos} of {human_len}  {per_sec}  {eta} left";

/// The bar that is on the terminal now.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Takes the bar off the terminal while something else is written there.
pub fn aside<R>(write: impl FnOnce() -> R) -> R {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

pub(crate) struct Progress {
    in_terminal: bool,
    bar: Option<ProgressBar>,
    reported: Instant,
    from_block: Option<u64>,
}

impl Progress {
    pub(crate) fn new(in_terminal: bool) -> Self {
        Self {
            in_terminal,
            bar: None,
            reported: Instant::now(),
            from_block: None,
        }
    }

    pub(crate) fn report(&mut self, indexed: Option<u64>, head: u64) {
        let Some(indexed) = indexed else { return };
        let left = head.saturating_sub(indexed);
        if self.in_terminal {
            self.show(indexed, head, left);
        } else {
            self.record(indexed, head, left);
        }
    }

    fn show(&mut self, indexed: u64, head: u64, left: u64) {
        if left < WORTH_TELLING_BLOCKS {
            self.end();
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(head).with_position(indexed);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.reset_eta();
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
            bar
        });
        bar.set_length(head);
        bar.set_position(indexed);
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
            bar.finish_and_clear();
        }
    }

    fn record(&mut self, indexed: u64, head: u64, left: u64) {
        let from_block = *self.from_block.get_or_insert(indexed);
        let elapsed = self.reported.elapsed();
        if elapsed < RECORD_PAUSE {
            return;
        }
        let done = indexed.saturating_sub(from_block);
        if left >= WORTH_TELLING_BLOCKS && done != 0 {
            let blocks_per_second = done as f64 / elapsed.as_secs_f64();
            tracing::info!(
                block = indexed,
                head,
                left_blocks = left,
                blocks_per_second = blocks_per_second as u64,
                eta_seconds = (left as f64 / blocks_per_second) as u64,
                "catching up"
            );
        }
        (self.reported, self.from_block) = (Instant::now(), Some(indexed));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
