//! A PostgreSQL server of our own.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::account::Account;
use crate::installation;
use crate::rundir::Lock;
use crate::service::{Service, Stop};

/// Recovery after a crash counts too.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The processes of a killed server notice its end by themselves; until then its shared memory is in use.
const CRASH_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// A free port may be taken between the moment it is found and the moment the server listens.
const PORT_ATTEMPTS: u32 = 3;
/// The file in the data directory by which servers tell that they run.
const STATUS_FILE: &str = "postmaster.pid";
/// Greater than any process id that a kernel gives.
const NOBODY_PID: i32 = i32::MAX;
/// The number in the socket's name; nothing listens on this port unless it is asked for.
const DEFAULT_PORT: u16 = 5432;

/// Whether the server listens on the loopback interface beside its Unix socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tcp {
    /// Unix socket only.
    #[default]
    Off,
    /// A port that is free at the moment.
    Free,
    /// This port, or an error.
    Port(u16),
}

/// How a server is started; the default is a temporary one without TCP.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Where the data stays. Without it the data is temporary, and durability is off in favour of speed.
    pub data_dir: Option<PathBuf>,
    /// Whether to listen on TCP; connections there need the password in [`Postgres::tcp_url`].
    pub tcp: Tcp,
    /// Server settings that override ours, such as `("shared_buffers", "1GB")`.
    pub settings: Vec<(String, String)>,
}

/// A running server; dropped, it shuts down and nothing of it is left but a given data directory.
#[derive(Debug)]
pub struct Postgres {
    service: Service,
    account: Account,
    installation: installation::Postgres,
    cluster: PathBuf,
    socket_dir: PathBuf,
    temporary: bool,
    tcp: Tcp,
    port: u16,
    password: String,
    settings: Vec<(String, String)>,
    fresh: AtomicU64,
    // Last, so that the next owner of the data waits until the server is gone.
    _data: Option<Lock>,
}

impl Postgres {
    /// Starts a server and waits until it accepts connections.
    ///
    /// # Errors
    /// When the binaries are missing, the data directory is in use or out of reach, or the server does not come up;
    /// the message ends with what the server wrote.
    pub fn start(options: &PostgresOptions) -> Result<Self> {
        let account = Account::detect()?;
        let data = options
            .data_dir
            .as_deref()
            .map(|directory| open_data_dir(directory, &account))
            .transpose()?;
        let service = Service::new("PostgreSQL", Stop::Interrupt, data.as_ref().map(|(_, lock)| lock))?;
        let run = service.directory().to_owned();
        let installation = installation::Postgres::prepare(&account, &run)?;
        let socket_dir = run.join("socket");
        make_private_dir(&socket_dir, &account)?;
        let (base, data) = data.map_or_else(|| (run, None), |(directory, lock)| (directory, Some(lock)));
        let mut postgres = Self {
            service,
            account,
            installation,
            cluster: base.join("cluster"),
            socket_dir,
            temporary: data.is_none(),
            tcp: options.tcp,
            port: DEFAULT_PORT,
            password: password(&base)?,
            settings: options.settings.clone(),
            fresh: AtomicU64::new(0),
            _data: data,
        };
        postgres.initialize()?;
        postgres.launch_on_some_port()?;
        Ok(postgres)
    }

    /// One temporary server for all tests of this process, started by the first that asks. It ends with the process.
    ///
    /// # Errors
    /// The error of the first start, for everyone who asks.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(&PostgresOptions::default()))
            .as_ref()
            .map_err(|error| anyhow!("the shared server did not start: {error:#}"))
    }

    /// The address of a database over the Unix socket. The same after [`Self::restart`].
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost:{}/{database}?host={}",
            self.port,
            self.socket_dir.display()
        )
    }

    /// The address of a database over TCP, if the server listens there.
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        (self.tcp != Tcp::Off).then(|| {
            format!(
                "postgres://postgres:{}@127.0.0.1:{}/{database}",
                self.password, self.port
            )
        })
    }

    /// The server's process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.service.pid()
    }

    /// The address of a database of this name, which is made, empty, where there is none.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the name.
    pub async fn database(&self, name: &str) -> Result<String> {
        let mut connection = PgConnection::connect(&self.url("postgres"))
            .await
            .context("connect to PostgreSQL")?;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .context("look for a database")?;
        if !exists {
            let statement = format!("create database \"{}\"", name.replace('"', "\"\""));
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .with_context(|| format!("create the database {name}"))?;
        }
        connection.close().await.context("leave PostgreSQL")?;
        Ok(self.url(name))
    }

    /// The address of a new, empty database: one for each test.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn fresh_database(&self) -> Result<String> {
        let number = self.fresh.fetch_add(1, Ordering::Relaxed);
        self.database(&format!("fresh_{number}")).await
    }

    /// Shuts down: running transactions are rolled back, clients are disconnected.
    ///
    /// # Errors
    /// When the server could not be signalled.
    pub fn stop(&mut self) -> Result<()> {
        self.service.stop()
    }

    /// How the server ended, if it did so by itself.
    ///
    /// # Errors
    /// When it was stopped or cannot be looked after.
    pub fn exited(&mut self) -> Result<Option<String>> {
        let ended = self.service.exited()?;
        Ok(ended.map(|status| format!("{status} {}", self.service.log_tail()).trim_end().to_owned()))
    }

    /// Ends the server as a crash would, for tests of what survives one.
    ///
    /// # Errors
    /// When the server could not be signalled.
    pub fn kill(&mut self) -> Result<()> {
        self.service.kill()
    }

    /// Starts again, with the same data at the same address, after a shutdown (which it does first, if need be) or a
    /// crash.
    ///
    /// # Errors
    /// When the server does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.service.stop()?;
        self.launch()
    }

    fn initialize(&self) -> Result<()> {
        if self.cluster.join("PG_VERSION").exists() {
            return Ok(());
        }
        // Left by an initialization that was cut short, or empty.
        if self.cluster.exists() {
            fs::remove_dir_all(&self.cluster).with_context(|| format!("clear {}", self.cluster.display()))?;
        }
        make_private_dir(&self.cluster, &self.account)?;
        let password_file = self.service.directory().join("password");
        write_private(&password_file, &self.password)?;
        self.account.take_ownership(&password_file)?;
        let mut command = self.installation.command(&self.account, "initdb");
        command
            .arg("--pgdata")
            .arg(&self.cluster)
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-instructions",
            ]);
        if self.temporary {
            command.arg("--no-sync");
        }
        let output = command.stdin(Stdio::null()).output().context("start initdb")?;
        fs::remove_file(&password_file).context("remove the password file")?;
        ensure!(
            output.status.success(),
            "initdb ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }

    fn launch_on_some_port(&mut self) -> Result<()> {
        match self.tcp {
            Tcp::Off => self.launch(),
            Tcp::Port(port) => {
                self.port = port;
                self.launch()
            }
            Tcp::Free => {
                let mut attempt = 1;
                loop {
                    self.port = free_port()?;
                    match self.launch() {
                        Err(_) if attempt < PORT_ATTEMPTS => attempt += 1,
                        result => return result,
                    }
                }
            }
        }
    }

    fn launch(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            self.clear_locks()?;
            let mut command = self.command();
            self.service.spawn(&mut command)?;
            let pid = self.service.pid();
            let status = self.cluster.join(STATUS_FILE);
            let Err(error) = self
                .service
                .wait_until(START_TIMEOUT, || Ok(is_ready(&status, pid).then_some(())))
            else {
                return Ok(());
            };
            let log = self.service.log_tail();
            self.service.stop()?;
            if log.contains("pre-existing shared memory block") && started.elapsed() < CRASH_TIMEOUT {
                std::thread::sleep(RETRY_PAUSE);
                continue;
            }
            ensure!(
                !log.contains("could not bind"),
                "port {} is taken; choose another for PostgreSQL",
                self.port
            );
            return Err(error);
        }
    }

    /// Deals with what a crashed server left. Its process id may by now belong to somebody else, which would keep
    /// PostgreSQL from starting.
    fn clear_locks(&self) -> Result<()> {
        // Only we use the socket directory, and our server has ended.
        for name in [
            format!(".s.PGSQL.{}", self.port),
            format!(".s.PGSQL.{}.lock", self.port),
        ] {
            let path = self.socket_dir.join(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
            }
        }
        let path = self.cluster.join(STATUS_FILE);
        if !path.exists() {
            return Ok(());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        ensure!(
            !answers(&text),
            "a server already runs on {}; stop it, or choose another data directory",
            self.cluster.display()
        );
        // Only the process id is replaced: by the rest of the file PostgreSQL finds the shared memory of processes
        // that outlive their crashed server for a moment, and waits for them rather than write beside them.
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        fs::write(&path, format!("{NOBODY_PID}\n{rest}")).with_context(|| format!("write {}", path.display()))
    }

    fn command(&self) -> std::process::Command {
        let mut command = self.installation.command(&self.account, "postgres");
        command.arg("-D").arg(&self.cluster).arg("-k").arg(&self.socket_dir);
        command.arg("-p").arg(self.port.to_string());
        let address = if self.tcp == Tcp::Off { "" } else { "127.0.0.1" };
        let mut settings = vec![
            ("listen_addresses", address),
            ("max_connections", "300"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
        ];
        if self.temporary {
            settings.extend([
                ("fsync", "off"),
                ("full_page_writes", "off"),
                ("synchronous_commit", "off"),
                // In the data directory, so that a crash leaves nothing in /dev/shm.
                ("dynamic_shared_memory_type", "mmap"),
            ]);
        }
        settings.extend(
            self.settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }
}

/// Line 1 of the status file is the server's process id, line 8 says `ready` once it accepts connections.
fn is_ready(status: &Path, pid: Option<u32>) -> bool {
    let Ok(text) = fs::read_to_string(status) else {
        return false;
    };
    let line = |number: usize| text.lines().nth(number).map(str::trim);
    line(0).and_then(|text| text.parse().ok()) == pid && line(7) == Some("ready")
}

/// Whether a server listens at the socket that a status file names: line 4 is the port, line 5 the directory.
fn answers(status: &str) -> bool {
    let mut lines = status.lines().skip(3);
    let (Some(port), Some(directory)) = (lines.next(), lines.next()) else {
        return false;
    };
    UnixStream::connect(Path::new(directory).join(format!(".s.PGSQL.{port}"))).is_ok()
}

fn open_data_dir(directory: &Path, account: &Account) -> Result<(PathBuf, Lock)> {
    let directory = std::path::absolute(directory).context("find the current directory")?;
    if !account.enters(&directory) {
        bail!(
            "{} is out of reach for {}, as whom PostgreSQL runs; choose a data directory elsewhere, or run as an \
             ordinary user",
            directory.display(),
            account.name()
        );
    }
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    let lock = Lock::acquire(&directory)?;
    Ok((directory, lock))
}

fn make_private_dir(path: &Path, account: &Account) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .with_context(|| format!("make {}", path.display()))?;
    account.take_ownership(path)
}

/// The password for TCP, made once and kept beside the data.
fn password(base: &Path) -> Result<String> {
    let path = base.join("password.txt");
    if path.exists() {
        return fs::read_to_string(&path).with_context(|| format!("read {}", path.display()));
    }
    let mut random = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("read /dev/urandom")?;
    let mut password = String::new();
    for byte in random {
        write!(password, "{byte:02x}").context("format a password")?;
    }
    write_private(&path, &password)?;
    Ok(password)
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("create {}", path.display()))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(|| format!("write {}", path.display()))
}

pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}
