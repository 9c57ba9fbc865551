//! Runs the distribution's DNS servers (Knot DNS, NSD, Unbound, BIND) for a test program: in a folder of their own, on one private
//! port; the kernel ends them with the program. `tests/setup.sh` installs their packages.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use client::{Question, has_records};

pub mod client;
pub mod knot;
pub mod nsd;
pub mod unbound;

/// The folder with the servers' files. It is removed once this process has ended, for whatever reason.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _sweeper: Child,
}

impl Folder {
    /// A new folder for temporary files, whose name begins with this.
    pub fn new(prefix: &str) -> Self {
        let temp = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        Self {
            _sweeper: sweeper(temp.path()),
            path: temp.keep(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, also into a folder in it, and returns its path.
    pub fn write(&self, file: &str, text: &str) -> String {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Starts a server that stays in the foreground and logs to its standard error.
    pub fn run(&self, program: &str, args: &[&str]) -> Child {
        let name = Path::new(program).file_name().unwrap();
        // Under another path: AppArmor doesn't let programs in /usr/sbin read files here.
        let copy = self.path.join(name);
        if !copy.exists() {
            fs::copy(program, &copy).unwrap_or_else(|error| panic!("{program}: {error}; run tests/setup.sh"));
        }
        let log = self.path.join(name).with_extension("log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(copy)
            .args(args)
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// What all servers have logged.
    pub fn logs(&self) -> String {
        let files = fs::read_dir(&self.path).unwrap().map(|file| file.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        let read = |path: PathBuf| {
            format!(
                "{}:\n{}\n",
                path.display(),
                fs::read_to_string(&path).unwrap_or_default()
            )
        };
        logs.map(read).collect()
    }
}

/// Removes the folder once this process has ended: destructors of statics never run.
fn sweeper(folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "cat >/dev/null; rm -rf -- \"$0\""])
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts the servers in a thread that stays alive: the kernel ends a process with the thread that started it.
pub fn start<T: Send + 'static>(servers: impl FnOnce() -> T + Send + 'static) -> T {
    let (started, ready) = channel();
    thread::spawn(move || {
        let _ = started.send(servers());
        loop {
            thread::park();
        }
    });
    ready.recv().unwrap()
}

/// Runs a tool of a server to its end, and returns what it printed.
pub fn run_to_end(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run tests/setup.sh"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {text}{errors}");
    text
}

/// Waits until the server answers the question with records.
pub fn wait_for(server: SocketAddr, question: Question<'_>, folder: &Folder) {
    let deadline = Instant::now() + LONGEST_START;
    while !question.by_udp(server).is_ok_and(|response| has_records(&response)) {
        assert!(
            Instant::now() < deadline,
            "{server} has no {question:?}:\n{}",
            folder.logs()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Servers begin within a second, even on a busy machine within a few.
const LONGEST_START: Duration = Duration::from_secs(30);

/// A zone file: these records below an SOA record with a short memory of what doesn't exist (RFC 2308 §4).
pub fn zone_file(zone: &str, records: &str) -> String {
    format!("$ORIGIN {zone}.\n$TTL 60\n@ SOA ns admin 1 3600 3600 86400 5\n{records}\n")
}

/// A port that is free at each of the addresses.
pub fn free_port(addresses: &[&str]) -> u16 {
    let at = |address: &str, port| SocketAddr::new(address.parse().unwrap(), port);
    for _ in 0..50 {
        let port = UdpSocket::bind(at(addresses[0], 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let free = addresses
            .iter()
            .all(|address| UdpSocket::bind(at(address, port)).is_ok() && TcpListener::bind(at(address, port)).is_ok());
        if free {
            return port;
        }
    }
    panic!("no port is free on all of the addresses");
}
