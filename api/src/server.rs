//! From a configuration to a running server, and to its end in good order.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::extract::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::answers::Answers;
use crate::limit::{Limiter, Peer};
use crate::page::CursorKey;
use crate::routes::{self, App, Exports};
use crate::schema::{self, Mismatch};
use crate::snapshot::Looks;
use crate::stream::Hub;

const RETRY_PAUSE: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A request that finds every connection busy for so long is told so.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Plans are made for tables as they are when a connection first needs them; an index that begins has empty ones.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(300);
/// Open requests may finish; whoever reads slower is cut off.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Between connecting or an answer and the end of the next request's head; after it the connection is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Heads are short here: a proxy's headers and a cursor.
const MAX_HEAD_BYTES: usize = 64 * 1_024;
const MAX_CONNECTIONS: usize = 4_096;
const BACKLOG: u32 = 1_024;
/// Fewer bytes than the authentication's own strength would weaken it.
const MIN_CURSOR_KEY_BYTES: usize = 32;

/// What a server needs to know. Its `Debug` output holds no secret.
#[derive(Clone)]
pub struct Config {
    pub database_url: String,
    pub listen: SocketAddr,
    /// Authenticates cursors. Servers that share a key take each other's; without one, cursors end with the process.
    pub cursor_key: Option<Vec<u8>>,
    pub max_connections: u32,
    pub statement_timeout: Duration,
    pub request_timeout: Duration,
    /// How long to wait for the database and its schema at the start.
    pub startup_timeout: Duration,
    /// `/readyz` fails when the indexer is further behind the chain.
    pub max_lag_blocks: i64,
    /// `/readyz` fails when the indexer has not looked at the chain for so long.
    pub max_silence: Duration,
    /// Requests that one client may make in a minute; no limit without.
    pub rate_limit: Option<u32>,
    /// Memory for answers that were given, for whoever asks the same of the same block; 0 keeps none.
    pub kept_answer_bytes: u64,
    /// Networks of proxies whose `X-Forwarded-For` tells who the client is.
    pub trusted_proxies: Vec<IpNet>,
    /// Rendered at `/metrics`; see [`crate::install_metrics`].
    pub metrics: PrometheusHandle,
}

impl Config {
    /// The defaults that the command line shows.
    pub fn new(database_url: String, listen: SocketAddr, metrics: PrometheusHandle) -> Self {
        Self {
            database_url,
            listen,
            cursor_key: None,
            max_connections: 16,
            statement_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            startup_timeout: Duration::from_secs(30),
            max_lag_blocks: 100,
            max_silence: Duration::from_secs(60),
            rate_limit: Some(6_000),
            kept_answer_bytes: 64 << 20,
            trusted_proxies: Vec::new(),
            metrics,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// A server that has its port and its database, and answers once it runs.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    request_timeout: Duration,
}

impl Server {
    /// Takes the port, then waits for the database and its schema.
    ///
    /// # Errors
    /// When the port is taken, or the database or its schema is not there in time; the message says what mends it.
    pub async fn start(config: &Config) -> Result<Self> {
        let socket = if config.listen.is_ipv6() {
            TcpSocket::new_v6()
        } else {
            TcpSocket::new_v4()
        };
        let socket = socket.context("make a socket")?;
        socket.set_reuseaddr(true).context("set up the socket")?;
        // Taken now, so that a wrong port is told at once; connections are refused until there is something to say.
        socket.bind(config.listen).with_context(|| {
            format!(
                "take the address {}; another program may have it: choose another with --listen",
                config.listen
            )
        })?;
        let options = options(config)?;
        wait_for_database(&options, config.startup_timeout).await?;
        let listener = socket.listen(BACKLOG).with_context(|| {
            format!(
                "listen on {}; another program may have it: choose another with --listen",
                config.listen
            )
        })?;
        let address = listener.local_addr().context("read the address that is listened on")?;
        let limiter = config.rate_limit.filter(|quota| *quota > 0);
        let limiter = limiter.map(|quota| Limiter::new(quota, config.trusted_proxies.clone()));
        let pool = pool(config, options);
        let app = App {
            stream: Hub::new(pool.clone()),
            exports: Exports::default(),
            limiter: limiter.transpose()?,
            pool,
            cursors: cursor_key(config)?,
            metrics: config.metrics.clone(),
            max_lag_blocks: config.max_lag_blocks,
            max_silence: config.max_silence,
            looks: Looks::default(),
            answers: Answers::new(config.kept_answer_bytes),
        };
        Ok(Self {
            app,
            listener,
            address,
            request_timeout: config.request_timeout,
        })
    }

    /// Where it listens: tells the port when the one asked for was 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then lets open requests finish for a bounded time.
    pub async fn run(self, stop: CancellationToken) {
        let pool = self.app.pool.clone();
        let follower = tokio::spawn(self.app.stream.clone().follow(stop.clone()));
        let router = routes::router(self.app, self.request_timeout);
        accept(self.listener, router, &stop).await;
        if let Err(error) = follower.await {
            tracing::error!(%error, "what follows the indexer failed");
        }
        pool.close().await;
    }
}

/// Serves connections until `stop`: only so many at a time, and none that is silent for long.
async fn accept(mut listener: TcpListener, router: Router, stop: &CancellationToken) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES);
    let (graceful, slots) = (GracefulShutdown::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    // Whoever comes when all slots are taken waits in the backlog.
    while let Some(Ok(slot)) = stop.run_until_cancelled(slots.clone().acquire_owned()).await {
        let Some((stream, peer)) = stop.run_until_cancelled(Listener::accept(&mut listener)).await else {
            break;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let router = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let service = TowerToHyperService::new(router);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections that were still open after {DRAIN_TIMEOUT:?} are cut off");
    }
}

/// Starts a server and runs it until `stop`, also while it still waits for its database.
///
/// # Errors
/// Those of [`Server::start`].
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    let Some(server) = stop.run_until_cancelled(Server::start(&config)).await.transpose()? else {
        return Ok(());
    };
    tracing::info!(address = %server.address(), "the API answers: http://{}", server.address());
    server.run(stop).await;
    Ok(())
}

fn options(config: &Config) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = config
        .database_url
        .parse()
        .context("read --database-url; it looks like postgres://user:password@host/name")?;
    let timeout = config.statement_timeout.as_millis().to_string();
    Ok(options.application_name("plumbline serve").options([
        ("default_transaction_read_only", "on"),
        // Planning took longer than most queries; they are written so that one plan serves all values.
        ("plan_cache_mode", "force_generic_plan"),
        ("statement_timeout", timeout.as_str()),
        ("idle_in_transaction_session_timeout", timeout.as_str()),
    ]))
}

/// The connections of a server, made when they are needed: none of them can write.
///
/// # Errors
/// When the database's URL cannot be read.
pub fn connect(config: &Config) -> Result<PgPool> {
    Ok(pool(config, options(config)?))
}

fn pool(config: &Config, options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(CONNECTION_LIFETIME)
        .after_connect(|connection, _| Box::pin(schema::become_reader(connection)))
        .connect_lazy_with(options)
}

fn cursor_key(config: &Config) -> Result<CursorKey> {
    match &config.cursor_key {
        Some(key) if key.len() < MIN_CURSOR_KEY_BYTES => bail!(
            "the cursor key has {} bytes, at least {MIN_CURSOR_KEY_BYTES} are needed: head -c 32 /dev/urandom > FILE",
            key.len()
        ),
        Some(key) => CursorKey::new(key),
        None => CursorKey::new(&rand::random::<[u8; MIN_CURSOR_KEY_BYTES]>()),
    }
}

/// Waits until the database answers and holds the schema: `plumbline index` may be making it at this moment.
async fn wait_for_database(options: &PgConnectOptions, timeout: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let failure = match tokio::time::timeout(CONNECT_TIMEOUT, look_at(options)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Passing(format!("no answer within {CONNECT_TIMEOUT:?}")),
        };
        let reason = match failure {
            Failure::Lasting(reason) => bail!("{}: {reason}", target(options)),
            Failure::Passing(reason) if started.elapsed() >= timeout => {
                bail!("{} (waited {} s): {reason}", target(options), timeout.as_secs())
            }
            Failure::Passing(reason) => reason,
        };
        tracing::info!(database = target(options), reason, "waiting for the database");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

enum Failure {
    /// May mend itself: the server starts up, the indexer migrates.
    Passing(String),
    Lasting(String),
}

async fn look_at(options: &PgConnectOptions) -> Result<(), Failure> {
    let mut connection = PgConnection::connect_with(options)
        .await
        .map_err(|error| connect_failure(&error))?;
    schema::become_reader(&mut connection)
        .await
        .map_err(|error| Failure::Passing(error.to_string()))?;
    let checked = schema::check(&mut connection).await.map_err(|mismatch| match mismatch {
        Mismatch::Missing | Mismatch::Older { .. } | Mismatch::Database(_) => Failure::Passing(mismatch.to_string()),
        Mismatch::Newer { .. } | Mismatch::Different { .. } => Failure::Lasting(mismatch.to_string()),
    });
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a connection did not close in good order");
    }
    checked
}

fn connect_failure(error: &sqlx::Error) -> Failure {
    // 28: wrong user or password; 3D000: no such database. Neither comes right by waiting.
    match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if code.starts_with("28") => Failure::Lasting(format!(
            "{error}; check user and password in --database-url (DATABASE_URL)"
        )),
        Some(code) if code == "3D000" => Failure::Lasting(format!(
            "{error}; create it with createdb, or name another one in --database-url"
        )),
        Some(_) | None => Failure::Passing(format!(
            "{error}; start PostgreSQL there, or name another one in --database-url (DATABASE_URL)"
        )),
    }
}

/// The database without its password.
fn target(options: &PgConnectOptions) -> String {
    let place = options.get_socket().map_or_else(
        || format!("{}:{}", options.get_host(), options.get_port()),
        |path| path.display().to_string(),
    );
    format!(
        "database {} at {place}",
        options.get_database().unwrap_or("of the user's name")
    )
}
