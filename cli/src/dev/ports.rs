//! Ports are asked for before anything is started.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// After a crash, how long the chain of the run before may take to write its state and let go of its port.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// A port that is about to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) number: u16,
    /// Who will listen, for the message.
    pub(super) purpose: &'static str,
    /// The environment variable that changes it.
    pub(super) variable: &'static str,
}

/// Refuses when one of the ports is taken.
pub(super) async fn check(ports: &[Port], after_crash: bool) -> anyhow::Result<()> {
    for (position, port) in ports.iter().enumerate() {
        if let Some(other) = ports[..position].iter().find(|other| other.number == port.number) {
            bail!(
                "{} and {} are both {}, but {} and {} need a port each; change one of them",
                other.variable,
                port.variable,
                port.number,
                other.purpose,
                port.purpose
            );
        }
        let started = Instant::now();
        while !is_free(*port)? {
            ensure!(
                after_crash && started.elapsed() < RELEASE_TIMEOUT,
                "port {} for {} is taken; stop what listens there, or set {} to a free port",
                port.number,
                port.purpose,
                port.variable
            );
            tokio::time::sleep(POLL).await;
        }
    }
    Ok(())
}

fn is_free(port: Port) -> anyhow::Result<bool> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port.number)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(false),
        Err(error) => Err(error).with_context(|| {
            format!(
                "listen on port {} for {}; set {} to a port that you may use",
                port.number, port.purpose, port.variable
            )
        }),
    }
}
