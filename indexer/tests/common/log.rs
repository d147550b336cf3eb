//! What the indexer logs, so that a test can read it and whoever runs one can see it.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{Anyhow, Indexer, until};

/// Everything logged in this process, by all of its tests.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        LOGGED.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        print!("{text}");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Logs from here on; at the level of RUST_LOG, or warnings.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // An error means that another test was first.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(Keep)
            .try_init(),
    );
}

/// What was logged when `word` had appeared; the indexer is stopped then.
pub async fn logged_by(indexer: Indexer, word: &str) -> Anyhow<String> {
    let logged = until(word, async || {
        let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(logged.contains(word).then_some(logged))
    })
    .await?;
    indexer.stop().await?;
    Ok(logged)
}
