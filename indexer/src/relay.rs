//! A connection to a database across the network that sends at once what it is given.
//!
//! sqlx 0.9.0 leaves Nagle's delay on (<https://github.com/launchbadge/sqlx/issues/4335>): every COPY, which is sent in small
//! pieces without an answer between them, would wait 40 ms for an acknowledgement. Until sqlx is mended, its bytes pass
//! through a socket of our own.

use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tempfile::TempDir;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpStream, UnixListener};

/// Rows go out by the megabyte, answers are short.
const SENT_BYTES: usize = 256 * 1024;
const RECEIVED_BYTES: usize = 64 * 1024;
/// Whoever was about to use the relay has been dropped.
const USE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the database; TLS is between sqlx and the server as ever.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    if options.get_socket().is_some() || options.get_host().starts_with('/') {
        return options.connect().await;
    }
    let (directory, listener) = match listen(options.get_port()) {
        Ok(listening) => listening,
        Err(error) => {
            let error = error.to_string();
            tracing::warn!(
                error,
                "no socket in the directory for temporary files: writing will be slow"
            );
            return options.connect().await;
        }
    };
    let server = TcpStream::connect((options.get_host(), options.get_port())).await?;
    server.set_nodelay(true)?;
    let through = options.clone().socket(directory.path());
    tokio::spawn(async move {
        // Its end is told to both sides.
        let _ = relay(listener, directory, server).await;
    });
    through.connect().await
}

fn listen(port: u16) -> io::Result<(TempDir, UnixListener)> {
    let directory = tempfile::Builder::new().prefix("plumbline-").tempdir()?;
    let listener = UnixListener::bind(directory.path().join(format!(".s.PGSQL.{port}")))?;
    Ok((directory, listener))
}

/// Passes on the bytes of one connection until either side closes it.
async fn relay(listener: UnixListener, directory: TempDir, mut server: TcpStream) -> io::Result<()> {
    let (mut client, _) = tokio::time::timeout(USE_TIMEOUT, listener.accept()).await??;
    drop((listener, directory));
    copy_bidirectional_with_sizes(&mut client, &mut server, SENT_BYTES, RECEIVED_BYTES).await?;
    Ok(())
}
