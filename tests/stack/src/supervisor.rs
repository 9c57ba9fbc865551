//! All parts of one stack: the order of their start, and the execution of commands.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::{join_all, try_join_all};
use nix::sys::signal::Signal as Kill;

use crate::aws_sim::{self, AwsSim};
use crate::caller::caller;
use crate::command::{Answer, Command, Signal};
use crate::delegation::{self, Delegation};
use crate::dns::{self, Challtestsrv};
use crate::endpoints::{AccessKey, Endpoints, LinkEndpoint, OTHER_CA, OtherCa, TlsEndpoints};
use crate::mail::{self, Mail};
use crate::options::{Options, Peer};
use crate::origin::Origin;
use crate::origin_tls::TlsListener;
use crate::pebble::{self, Pebble};
use crate::ports::{self, Ports};
use crate::postgres::{self, Postgres};
use crate::process::{Processes, Spec};
use crate::progress::say;
use crate::proxy::Proxy;
use crate::queues::Queues;
use crate::rabbitmq;
use crate::services::{self, Settings};
use crate::tls::Tls;
use crate::turn::Turn;
use crate::{folder, operators, secret};

/// How long to wait for a process that was told to end.
const GONE: Duration = Duration::from_secs(60);
/// The same at the end of the stack, when no work has to be completed any more.
const QUICK: Duration = Duration::from_secs(5);

/// A stack.
pub(crate) struct Supervisor {
    options: Options,
    folder: PathBuf,
    ports: Ports,
    http_port: u16,
    origin_control_port: u16,
    processes: Processes,
    proxies: BTreeMap<Peer, Proxy>,
    /// The proxies of single processes.
    links: BTreeMap<(String, Peer), Proxy>,
    origin: Origin,
    postgres: Postgres,
    queues: Queues,
    challtestsrv: Challtestsrv,
    delegation: Option<Delegation>,
    pebble: Pebble,
    other_pebble: Option<Pebble>,
    aws: AwsSim,
    mail: Option<Mail>,
    broker_password: String,
    sealing_keys: String,
    page_keys: String,
    notice_keys: String,
    operator_port: u16,
    operator_password: String,
}

impl Supervisor {
    /// Chooses ports and secrets and creates the folder; starts nothing.
    pub(crate) fn new(options: Options) -> anyhow::Result<Self> {
        let mut ports = Ports::reserve()?;
        let http_port = ports.take_on(&[ports::LOCAL, ports::ORIGIN, ports::BROKER])?;
        let folder = folder::create(options.folder.as_deref())?;
        let made = (options.tls || options.mail).then(|| Tls::make(&folder)).transpose()?;
        let tls = made.clone().filter(|_| options.tls);
        let mail = match made.filter(|_| options.mail) {
            Some(tls) => Some(Mail {
                port: ports.take()?,
                password: secret::password()?,
                tls,
            }),
            None => None,
        };
        let postgres = Postgres {
            port: ports.take()?,
            password: secret::password()?,
            admin_password: secret::password()?,
            fsync: options.fsync,
            tls: tls.clone(),
        };
        let queues = Queues::choose(&options, &mut ports, tls)?;
        let challtestsrv = Challtestsrv {
            address: ports::LOCAL.into(),
            dns_port: ports.take()?,
            management_port: ports.take()?,
            edge: ports::LOCAL,
            names: [("broker.cdn.test", ports::BROKER), ("origin.cdn.test", ports::ORIGIN)]
                .map(|(name, address)| (name.to_owned(), address))
                .to_vec(),
        };
        let delegation = match options.delegation {
            true => Some(Delegation {
                server: match options.responder {
                    true => delegation::Server::Responders([ports.take()?, ports.take()?]),
                    false => delegation::Server::Knot {
                        port: ports.take()?,
                        secret: secret::tsig_key()?,
                    },
                },
                unbound_port: ports.take()?,
                challtestsrv_port: challtestsrv.dns_port,
            }),
            false => None,
        };
        let dns = match (options.resolver, &delegation) {
            (Some(resolver), _) => resolver,
            (None, Some(delegation)) => delegation.resolver(),
            (None, None) => (ports::LOCAL, challtestsrv.dns_port).into(),
        };
        let mut keys = BTreeMap::new();
        for (role, _) in aws_sim::ROLES {
            let id = format!("AKIA{}", &secret::password()?.to_uppercase()[..16]);
            keys.insert(
                role.to_owned(),
                AccessKey {
                    id,
                    secret: secret::password()?,
                },
            );
        }
        let aws = AwsSim {
            api_port: ports.take()?,
            admin_port: ports.take()?,
            edge_http_port: http_port,
            edge_https_port: ports.take()?,
            deploy_ms: options.deploy_ms,
            iam_visible_ms: options.iam_visible_ms,
            journal: options
                .aws_journal
                .clone()
                .or_else(|| std::env::var(aws_sim::JOURNAL).ok()),
            origin_tls: SocketAddr::from((ports::ORIGIN, ports.take()?)),
            origin_ca_pem: folder.join("origin-ca.pem"),
            keys,
        };
        let mut pebble = |process, ca_name: &str, external| {
            anyhow::Ok(Pebble {
                address: ports::LOCAL.into(),
                name: None,
                port: ports.take()?,
                own_port: ports.take()?,
                management_port: ports.take()?,
                http_port,
                tls_port: ports.take()?,
                dns,
                folder: folder.clone(),
                roots_pem: folder.join("pebble-roots.pem"),
                process,
                external,
                certificate_secs: options.certificate_secs,
                ca_name: ca_name.to_owned(),
                env: options.pebble_env.clone(),
            })
        };
        let other_pebble = match options.other_ca {
            true => Some(pebble(pebble::OTHER, pebble::OTHER_CA_NAME, Some(pebble::EAB))?),
            false => None,
        };
        let pebble = pebble(pebble::NAME, &options.ca_name, None)?;
        let operator_password = secret::password()?;
        operators::write(&folder, &operator_password)?;
        Ok(Self {
            folder,
            http_port,
            origin_control_port: ports.take()?,
            processes: Processes::default(),
            proxies: BTreeMap::new(),
            links: BTreeMap::new(),
            origin: Origin::default(),
            postgres,
            queues,
            challtestsrv,
            delegation,
            pebble,
            other_pebble,
            aws,
            mail,
            broker_password: secret::password()?,
            sealing_keys: secret::key_ring()?,
            page_keys: secret::key_ring()?,
            notice_keys: secret::key_ring()?,
            operator_port: ports.take_on(&[ports::BROKER])?,
            operator_password,
            ports,
            options,
        })
    }

    /// Starts everything, in parallel where possible.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        say(format_args!("folder {}", self.folder.display()));
        let _turn = Turn::wait().await?;
        let begun = Instant::now();
        self.start_proxies().await?;
        let origin_control = SocketAddr::from((Ipv4Addr::LOCALHOST, self.origin_control_port));
        let origin_tls = TlsListener::bind(self.aws.origin_tls, &self.aws.origin_ca_pem).await?;
        self.origin
            .start(self.origin_addr(), origin_tls, origin_control)
            .await?;

        let ready = |name: &'static str| say(format_args!("{name} is ready ({:.1?})", begun.elapsed()));
        let processes = &self.processes;
        let programs = std::env::current_exe()?
            .parent()
            .context("the program's folder")?
            .to_owned();
        tokio::try_join!(
            async {
                self.postgres
                    .start(processes, &self.folder)
                    .await
                    .context("PostgreSQL")?;
                ready("PostgreSQL");
                anyhow::Ok(())
            },
            async {
                self.queues.start(processes, &self.folder).await.context("RabbitMQ")?;
                ready("RabbitMQ");
                Ok(())
            },
            async {
                if let Some(mail) = &self.mail {
                    mail.start(processes, &self.folder).await.context("the mail server")?;
                    ready("the mail server");
                }
                Ok(())
            },
            async {
                let program = pebble::program("pebble-challtestsrv")?;
                self.challtestsrv
                    .start(processes, &self.folder, &program)
                    .await
                    .context("challtestsrv")?;
                if let Some(delegation) = &self.delegation {
                    let started = delegation.start(processes, &self.folder).await;
                    started.context("the servers of the broker's own zone")?;
                    ready("the broker's own zone");
                }
                self.pebble
                    .start(processes, &pebble::program("pebble")?)
                    .await
                    .context("Pebble")?;
                if let Some(other) = &self.other_pebble {
                    let program = pebble::program("pebble")?;
                    other.start(processes, &program).await.context("the other Pebble")?;
                }
                ready("Pebble");
                if self.options.aws {
                    let program = programs.join(aws_sim::NAME);
                    let roots = self.pebble.roots_pem.clone();
                    self.aws
                        .start(processes, &self.folder, &program, &roots)
                        .await
                        .context("aws-sim")?;
                    ready("aws-sim");
                }
                Ok(())
            },
        )?;
        if self.options.services {
            let settings: BTreeMap<String, Settings> = services::processes(&self.options)
                .into_iter()
                .map(|(_, process)| (process.clone(), self.settings_of(&process)))
                .collect();
            let specs = services::specs(settings, &self.options, &programs, &self.folder, &mut self.ports)?;
            try_join_all(specs.into_iter().map(|spec| services::launch(&self.processes, spec))).await?;
            self.start_responders(&programs).await?;
            self.start_notifier(&programs).await?;
            say(format_args!("the services are ready ({:.1?})", begun.elapsed()));
        }
        Ok(())
    }

    /// Starts dns-responder, after the services have made the tables that it may read.
    async fn start_responders(&mut self, programs: &Path) -> anyhow::Result<()> {
        let Some(delegation::Server::Responders(dns)) = self.delegation.as_ref().map(|delegation| &delegation.server)
        else {
            return Ok(());
        };
        let database_url = self.postgres.reader(self.port_for_services(Peer::Postgres)).await?;
        let specs = services::responders(
            *dns,
            &database_url,
            &self.options,
            programs,
            &self.folder,
            &mut self.ports,
        )?;
        try_join_all(specs.into_iter().map(|spec| services::launch(&self.processes, spec))).await?;
        Ok(())
    }

    async fn start_notifier(&mut self, programs: &Path) -> anyhow::Result<()> {
        let Some(mail) = &self.mail else {
            return Ok(());
        };
        let (mail, settings) = (mail.environment(), self.settings_of(""));
        let spec = services::notifier(&settings, mail, &self.options, programs, &self.folder, &mut self.ports)?;
        services::launch(&self.processes, spec).await
    }

    async fn start_proxies(&mut self) -> anyhow::Result<()> {
        for (&peer, &latency) in &self.options.proxies {
            let target = self.port_of(peer);
            let latency = Duration::from_millis(latency);
            // Pebble's proxy is created below when its callers must be told apart.
            if peer != Peer::Pebble || !self.options.every_link {
                let proxy = Proxy::start(self.ports.take()?, target, latency).await?;
                self.proxies.insert(peer, proxy);
            }
        }
        if !self.options.every_link {
            return Ok(());
        }
        let mut of_pebble = Vec::new();
        for (service, process) in services::processes(&self.options) {
            for &peer in services::peers(service) {
                if peer == Peer::Pebble {
                    of_pebble.push(process.clone());
                    continue;
                }
                // Behind the shared proxy, if there is one.
                let target = self.port_for_services(peer);
                let link = Proxy::start(self.ports.take()?, target, Duration::ZERO).await?;
                self.links.insert((process.clone(), peer), link);
            }
        }
        let port = self.ports.take()?;
        let listen = SocketAddr::from((ports::LOCAL, port));
        let (processes, names) = (self.processes.clone(), of_pebble.clone());
        let who = move |client| {
            let running: Vec<_> = names
                .iter()
                .filter_map(|name| Some((processes.pid(name)?, name)))
                .collect();
            let pids: Vec<u32> = running.iter().map(|(pid, _)| *pid).collect();
            let pid = caller(client, listen, &pids)?;
            let (_, name) = running.into_iter().find(|(known, _)| *known == pid)?;
            Some(name.clone())
        };
        let latency = self.options.proxies.get(&Peer::Pebble).copied().unwrap_or(0);
        let latency = Duration::from_millis(latency);
        let proxy = Proxy::start_shared(port, self.pebble.port, latency, &of_pebble, Rc::new(who)).await?;
        self.proxies.insert(Peer::Pebble, proxy);
        Ok(())
    }

    /// Ends everything, clients before servers. Then removes the folder, unless it is to be kept.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let infrastructure = [
            postgres::NAME,
            rabbitmq::NAME,
            rabbitmq::EPMD,
            delegation::KNOT,
            delegation::UNBOUND,
            dns::NAME,
            pebble::NAME,
            pebble::OTHER,
            aws_sim::NAME,
            mail::NAME,
        ];
        let (last, first): (Vec<_>, Vec<_>) = self
            .processes
            .names()
            .into_iter()
            .partition(|name| infrastructure.contains(&name.as_str()));
        for group in [first, last] {
            let stops = group.iter().map(|name| async {
                let spec = self.processes.spec(name)?;
                let (signal, grace) = if self.options.keep {
                    (spec.graceful, spec.grace)
                } else {
                    (spec.quick, QUICK)
                };
                self.processes.stop(name, signal, grace).await
            });
            for failed in join_all(stops).await.into_iter().filter_map(Result::err) {
                say(format_args!("{failed:#}"));
            }
        }
        if let Err(error) = self.queues.leave().await {
            say(format_args!("{error:#}"));
        }
        for proxy in self.proxies.values_mut().chain(self.links.values_mut()) {
            proxy.cut().await;
        }
        if self.options.keep {
            say(format_args!("stopped; {} is kept", self.folder.display()));
            return Ok(());
        }
        folder::remove(&self.folder).await?;
        say(format_args!("stopped, {} is removed", self.folder.display()));
        Ok(())
    }

    /// Reports which processes have ended by themselves.
    pub(crate) fn report_ended(&self) {
        for (name, status) in self.processes.reap() {
            say(format_args!("{name} has ended ({status})"));
        }
    }

    /// Executes a command, except [`Command::Stop`].
    pub(crate) async fn execute(&mut self, command: Command) -> anyhow::Result<Answer> {
        let mut answer = Answer {
            ok: true,
            ..Answer::default()
        };
        match command {
            Command::Kill { name, signal } => self.kill(&name, signal).await?,
            Command::Start { name, wait } => {
                let spec = self.processes.spec(&name)?;
                if wait {
                    self.launch(spec).await?;
                } else {
                    self.processes.spawn(spec)?;
                }
                answer.pid = self.processes.pid(&name);
            }
            Command::Restart { name } => {
                let spec = self.processes.spec(&name)?;
                self.processes.stop(&name, spec.graceful, spec.grace).await?;
                self.launch(spec).await?;
                answer.pid = self.processes.pid(&name);
            }
            Command::Proxy {
                process,
                peer,
                latency_ms,
                cut,
                black_hole,
            } => {
                let latency = latency_ms.map(Duration::from_millis);
                let proxy = match process {
                    Some(process) if peer == Peer::Pebble => {
                        let shared = self.proxies.get(&peer).context("no such proxy was asked for")?;
                        shared.adjust_caller(&process, latency, cut, black_hole)?;
                        return Ok(answer);
                    }
                    Some(process) => self.links.get_mut(&(process, peer)),
                    None => self.proxies.get_mut(&peer),
                };
                let proxy = proxy.context("no such proxy was asked for")?;
                if let Some(hole) = black_hole {
                    proxy.set_black_hole(hole);
                }
                if let Some(latency) = latency {
                    proxy.set_latency(latency);
                }
                match cut {
                    Some(true) => proxy.cut().await,
                    Some(false) => proxy.connect().await?,
                    None => {}
                }
            }
            Command::Endpoints => answer.endpoints = Some(Box::new(self.endpoints())),
            Command::Stop => {}
        }
        Ok(answer)
    }

    async fn kill(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        match signal {
            Signal::Kill | Signal::Term | Signal::Quit => {
                self.processes.signal(
                    name,
                    match signal {
                        Signal::Kill => Kill::SIGKILL,
                        Signal::Quit => Kill::SIGQUIT,
                        _ => Kill::SIGTERM,
                    },
                )?;
                self.processes.gone(name, GONE).await
            }
            Signal::Stop => self.processes.signal(name, Kill::SIGSTOP),
            Signal::Cont => self.processes.signal(name, Kill::SIGCONT),
        }
    }

    /// Starts a process again.
    async fn launch(&self, spec: Spec) -> anyhow::Result<()> {
        ensure!(self.processes.pid(&spec.name).is_none(), "{} is running", spec.name);
        let processes = &self.processes;
        match spec.name.as_str() {
            postgres::NAME => self.postgres.launch(processes, spec).await,
            rabbitmq::NAME => self.queues.own()?.launch(processes, spec).await,
            rabbitmq::EPMD => self.queues.own()?.launch_epmd(processes, spec).await,
            delegation::KNOT | delegation::UNBOUND => {
                let delegation = self.delegation.as_ref().context("no zone was asked for")?;
                delegation.launch(processes, spec).await
            }
            dns::NAME => self.challtestsrv.launch(processes, spec).await,
            pebble::NAME => self.pebble.launch(processes, spec).await,
            pebble::OTHER => {
                let other = self.other_pebble.as_ref().context("no other CA was asked for")?;
                other.launch(processes, spec).await
            }
            aws_sim::NAME => self.aws.launch(processes, spec).await,
            mail::NAME => {
                let mail = self.mail.as_ref().context("no mail server was asked for")?;
                mail.launch(processes, spec).await
            }
            _ => services::launch(processes, spec).await,
        }
    }

    fn port_of(&self, peer: Peer) -> u16 {
        match peer {
            Peer::Postgres => self.postgres.port,
            Peer::Rabbitmq => self.queues.port(),
            Peer::Pebble => self.pebble.port,
            Peer::Aws => self.aws.api_port,
        }
    }

    /// The port where services reach a peer: its proxy's if there is one.
    fn port_for_services(&self, peer: Peer) -> u16 {
        self.proxies
            .get(&peer)
            .map_or(self.port_of(peer), |proxy| proxy.endpoint().listen.port())
    }

    /// The port where one process reaches a peer.
    fn port_for(&self, process: &str, peer: Peer) -> u16 {
        self.links
            .get(&(process.to_owned(), peer))
            .map_or(self.port_for_services(peer), |link| link.endpoint().listen.port())
    }

    fn broker_url(&self) -> String {
        format!("http://127.0.0.3:{}", self.http_port)
    }

    fn origin_addr(&self) -> SocketAddr {
        SocketAddr::from((ports::ORIGIN, self.http_port))
    }

    fn tls_endpoints(&self) -> Option<TlsEndpoints> {
        let (amqp_url, tls) = self.queues.tls()?;
        Some(TlsEndpoints {
            ca_pem: tls.ca(),
            database_url: self.postgres.tls_url(self.port_for_services(Peer::Postgres)),
            amqp_url,
        })
    }

    fn other_ca(&self) -> Option<OtherCa> {
        let other = self.other_pebble.as_ref()?;
        let (kid, key) = other.external?;
        Some(OtherCa {
            name: OTHER_CA.to_owned(),
            directory_url: Pebble::directory_url(other.port),
            ca_roots: other.ca_pem(),
            eab_kid: kid.to_owned(),
            eab_hmac_key: key.to_owned(),
        })
    }

    /// The settings of one process; for any other name, those without links.
    fn settings_of(&self, process: &str) -> Settings {
        let port = |peer| self.port_for(process, peer);
        Settings {
            http_port: self.http_port,
            database_url: self.postgres.url(port(Peer::Postgres)),
            amqp_url: self.queues.url(port(Peer::Rabbitmq)),
            tls: self.tls_endpoints(),
            acme_directory_url: Pebble::directory_url(port(Peer::Pebble)),
            acme_ca_pem: self.pebble.ca_pem().display().to_string(),
            other_ca: self.other_ca(),
            aws_url: format!("http://127.0.0.1:{}", port(Peer::Aws)),
            aws_keys: self.aws.keys.clone(),
            dns_addr: self.pebble.dns.to_string(),
            responder_url: format!("http://broker.cdn.test:{}", self.http_port),
            broker_username: "cloud-controller".to_owned(),
            broker_password: self.broker_password.clone(),
            sealing_keys: self.sealing_keys.clone(),
            page_keys: self.page_keys.clone(),
            pages_url: self.broker_url(),
            operator_port: self.operator_port,
            edge_port: self.aws.edge_https_port,
            edge_roots: self.pebble.roots_pem.display().to_string(),
            operators: operators::file(&self.folder),
            notice_keys: self.mail.as_ref().map(|_| self.notice_keys.clone()),
            delegation: self.delegation.iter().flat_map(Delegation::environment).collect(),
        }
    }

    /// The current addresses.
    pub(crate) fn endpoints(&self) -> Endpoints {
        let settings = self.settings_of("");
        let local = |port| SocketAddr::from((ports::LOCAL, port));
        Endpoints {
            folder: self.folder.clone(),
            http_port: self.http_port,
            broker_url: self.broker_url(),
            broker_username: settings.broker_username,
            broker_password: settings.broker_password,
            operator_url: format!("http://{}:{}", ports::BROKER, self.operator_port),
            operator_name: operators::NAME.to_owned(),
            operator_password: self.operator_password.clone(),
            responder_url: settings.responder_url,
            database_url: self.postgres.url(self.postgres.port),
            database_admin_url: self.postgres.admin_url(),
            amqp_url: self.queues.url(self.queues.port()),
            aws_api_url: format!("http://127.0.0.1:{}", self.aws.api_port),
            aws_admin_url: format!("http://127.0.0.1:{}", self.aws.admin_port),
            aws_keys: settings.aws_keys,
            edge_http: local(self.http_port),
            edge_https: local(self.aws.edge_https_port),
            acme_directory_url: Pebble::directory_url(self.pebble.port),
            acme_ca_pem: self.pebble.ca_pem(),
            other_ca: settings.other_ca,
            pebble_management_url: self.pebble.management_url(),
            pebble_root_pem: self.pebble.root_pem(),
            dns_addr: self.pebble.dns,
            dns_management_url: self.challtestsrv.management_url(),
            delegation: self
                .delegation
                .as_ref()
                .map(|delegation| delegation.endpoint(&self.folder)),
            mail: self
                .mail
                .as_ref()
                .map(|mail| mail.endpoint(&self.folder, &self.notice_keys)),
            origin_addr: self.origin_addr(),
            origin_control_url: format!("http://127.0.0.1:{}", self.origin_control_port),
            tls: settings.tls,
            sealing_keys: settings.sealing_keys,
            page_keys: settings.page_keys,
            pebble_roots_pem: self.pebble.roots_pem.clone(),
            proxies: self
                .proxies
                .iter()
                .map(|(&peer, proxy)| (peer, proxy.endpoint().clone()))
                .collect(),
            links: self
                .links
                .iter()
                .map(|((process, peer), proxy)| LinkEndpoint {
                    process: process.clone(),
                    peer: *peer,
                    proxy: proxy.endpoint().clone(),
                })
                .chain(self.proxies.iter().flat_map(|(&peer, proxy)| {
                    proxy.callers().map(move |process| LinkEndpoint {
                        process: process.clone(),
                        peer,
                        proxy: proxy.endpoint().clone(),
                    })
                }))
                .collect(),
            processes: self.processes.infos(),
        }
    }
}
