//! A mail server: Exim, which takes mail for every address by STARTTLS and AUTH, and keeps it in one maildir. What it refuses, and how late it
//! answers, is decided by the local part and by files that a test makes (see [`MailEndpoint`]).

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::unistd::{User, geteuid};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ports::LOCAL;
use crate::process::{Processes, Spec};
use crate::tls::Tls;

/// The process's name in commands.
pub(crate) const NAME: &str = "exim";
const INSTALLED: &str = "/usr/sbin/exim4";
/// Debian's user for it; for anybody else it is no server.
const USER: &str = "Debian-exim";
const LIMIT: Duration = Duration::from_secs(20);
/// Who may send.
const LOGIN: &str = "cdn-broker";
/// What the mails come from.
const FROM: &str = "CDN broker <cdn@platform.example>";

/// The mail server of a stack.
pub(crate) struct Mail {
    pub(crate) port: u16,
    pub(crate) password: String,
    pub(crate) tls: Tls,
}

/// Where mails go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailEndpoint {
    /// Its address; the port is closed while the process `exim` is killed.
    pub server: SocketAddr,
    /// `SMTP_URL`.
    pub url: String,
    /// PEM file of the CA of its certificate, which is for `localhost`.
    pub ca_pem: PathBuf,
    /// The keys that seal addresses and sign links, as `NOTICE_KEYS`.
    pub notice_keys: String,
    folder: PathBuf,
}

impl MailEndpoint {
    /// Every mail that has arrived, as it is in the maildir, in no order. One for `nobody@` is refused for good (550), one for `later@` for
    /// now (451) until [`Self::take_later`].
    pub fn mails(&self) -> anyhow::Result<Vec<String>> {
        let folder = self.folder.join("mail/new");
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mails = fs::read_dir(folder)?.map(|entry| anyhow::Ok(fs::read_to_string(entry?.path())?));
        mails.collect()
    }

    /// Whether the reply to the end of a mail takes 4 s.
    pub fn answer_late(&self, late: bool) -> anyhow::Result<()> {
        switch(&self.folder.join("late"), late)
    }

    /// Whether mail for `later@` is taken.
    pub fn take_later(&self, takes: bool) -> anyhow::Result<()> {
        switch(&self.folder.join("takes-later"), takes)
    }
}

fn switch(file: &Path, on: bool) -> anyhow::Result<()> {
    match on {
        true => fs::write(file, "")?,
        false if file.exists() => fs::remove_file(file)?,
        false => {}
    }
    Ok(())
}

/// Why there can be no mail server on this machine.
pub fn why_no_mail() -> Option<String> {
    if !Path::new(INSTALLED).exists() {
        return Some(format!("{INSTALLED} isn't installed; run tests/setup.sh"));
    }
    let is_user = User::from_name(USER).ok().flatten().is_some();
    (!geteuid().is_root() || !is_user).then(|| format!("Exim is a server for root and {USER} only"))
}

impl Mail {
    fn url(&self) -> String {
        format!("smtp://{LOGIN}:{}@localhost:{}", self.password, self.port)
    }

    /// The notifier's settings.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SMTP_URL", self.url()),
            ("SMTP_CA_FILE", self.tls.ca().display().to_string()),
            ("SMTP_FROM", FROM.to_owned()),
            ("MAIL_RETRY", "first=500ms,factor=2,max=2s,jitter=0%".to_owned()),
            ("NOTICE_WINDOW", "0s".to_owned()),
        ]
    }

    pub(crate) fn endpoint(&self, folder: &Path, notice_keys: &str) -> MailEndpoint {
        MailEndpoint {
            server: SocketAddr::from((LOCAL, self.port)),
            url: self.url(),
            ca_pem: self.tls.ca(),
            notice_keys: notice_keys.to_owned(),
            folder: folder.join(NAME),
        }
    }

    /// Writes its configuration, and starts it.
    pub(crate) async fn start(&self, processes: &Processes, stack_folder: &Path) -> anyhow::Result<()> {
        let folder = stack_folder.join(NAME);
        fs::create_dir_all(folder.join("spool"))?;
        let user = User::from_name(USER)?.with_context(|| format!("no user {USER}; run tests/setup.sh"))?;
        // Without its setuid bit: the kernel would no longer end it with the supervisor.
        let program = folder.join("exim");
        fs::copy(INSTALLED, &program).with_context(|| format!("{INSTALLED}; run tests/setup.sh"))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let key = self.tls.key_for(&folder, Some(&user))?;
        let config = folder.join("exim.conf");
        fs::write(&config, self.config(&folder, &key))?;
        for path in [&folder, &folder.join("spool")] {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        let config = config.to_str().context("the folder's name isn't UTF-8")?;
        let mut spec = Spec::new(NAME, program, stack_folder).args(["-C", config, "-bdf", "-q2s"]);
        spec.folder = folder;
        spec.user = Some(user);
        self.launch(processes, spec).await
    }

    /// Starts it (again), and waits until it greets.
    pub(crate) async fn launch(&self, processes: &Processes, spec: Spec) -> anyhow::Result<()> {
        processes.launch(spec, LIMIT, || greets(self.port)).await
    }

    fn config(&self, folder: &Path, key: &Path) -> String {
        let (port, password) = (self.port, &self.password);
        let certificate = self.tls.certificate();
        let (folder, key, certificate) = (folder.display(), key.display(), certificate.display());
        // What a queue run delivers is what was taken before the server was killed.
        format!(
            "primary_hostname = mail.platform.example
daemon_smtp_ports = {port}
local_interfaces = {LOCAL}
exim_path = {folder}/exim
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
pid_file_path = {folder}/pid
exim_user = {USER}
exim_group = {USER}
deliver_drop_privilege = true
keep_environment =
tls_certificate = {certificate}
tls_privatekey = {key}
tls_advertise_hosts = *
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = recipient
acl_smtp_data = content
host_lookup =
rfc1413_hosts =
never_users =
begin acl
recipient:
  deny !authenticated = *
       message = 5.7.1 relaying denied
  deny local_parts = nobody
       message = 5.1.1 <$local_part@$domain>: no such mailbox
  defer local_parts = later
       condition = ${{if exists{{{folder}/takes-later}}{{no}}{{yes}}}}
       message = 4.2.1 <$local_part@$domain>: later
  accept
content:
  accept condition = ${{if exists{{{folder}/late}}}}
       delay = 4s
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  create_directory
  directory_mode = 0755
  mode = 0644
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{LOGIN}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"
        )
    }
}

/// Whether a mail server greets there.
async fn greets(port: u16) -> bool {
    let greeted = async {
        let stream = TcpStream::connect((LOCAL, port)).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        std::io::Result::Ok(line.starts_with("220 "))
    };
    matches!(timeout(Duration::from_secs(2), greeted).await, Ok(Ok(true)))
}
