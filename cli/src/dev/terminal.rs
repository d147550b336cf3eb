//! What `plumbline dev` says: one line for each step, the block of addresses when ready, one line for each period.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const NAME_WIDTH: usize = 11;

/// The terminal, or a file or pipe in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    begun: Instant,
    /// Lines can be overwritten.
    live: bool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            live: io::stdout().is_terminal(),
        }
    }

    pub(super) fn line(self, text: &str) {
        write_out(&format!("{text}\n"));
    }

    /// Says what is being done while it is done, and then how long it took. `outcome` words the result.
    pub(super) async fn step<T>(
        self,
        name: &str,
        doing: &str,
        work: impl Future<Output = anyhow::Result<T>>,
        outcome: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        if self.live {
            write_out(&format!("  {name:<NAME_WIDTH$} {doing} ..."));
        }
        let result = work.await;
        let clear = if self.live { "\r\x1b[K" } else { "" };
        match &result {
            Ok(value) => {
                let took = seconds(started.elapsed());
                write_out(&format!("{clear}  {name:<NAME_WIDTH$} {took:>7}  {}\n", outcome(value)));
            }
            Err(_) => write_out(&format!("{clear}  {name:<NAME_WIDTH$} failed: {doing}\n")),
        }
        result
    }

    /// Since the command was given.
    pub(super) fn elapsed(self) -> Duration {
        self.begun.elapsed()
    }
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A reader that is gone (`plumbline dev | head`) is no reason to stop.
fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
