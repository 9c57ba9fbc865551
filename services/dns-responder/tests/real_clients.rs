//! Clients that nobody here wrote: dig, kdig, and Unbound as CAs run it; and floods and half-open connections by hand.
#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroU32;
use std::process::{Child, Command};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use dns_responder::board::Board;
use dns_responder::cookie::Cookies;
use dns_responder::rate_limit::RateLimit;
use dns_responder::responder::Responder;
use dns_responder::tcp::{Tcp, TcpLimits};
use dns_responder::udp;
use dns_servers::{Folder, free_port, run_to_end, start};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use support::{APEX, SECRET, TARGET, VALUES};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const LOCAL: &str = "127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(20);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A responder with sockets; it answers until this process ends.
struct Server {
    port: u16,
    stopping: CancellationToken,
    tcp: Arc<Tcp>,
}

fn serve(rate_limit: Option<u32>, limits: TcpLimits) -> Server {
    let rate_limit = rate_limit.and_then(NonZeroU32::new).map(RateLimit::new);
    let board = Arc::new(Board::new(Duration::from_secs(3600)));
    board.set(support::names());
    let responder = Arc::new(Responder::new(
        support::zone(),
        board,
        Cookies::new(SECRET).unwrap(),
        rate_limit,
    ));
    let port = free_port(&[LOCAL]);
    let stopping = CancellationToken::new();
    let tcp = Arc::new(Tcp::new(responder.clone(), limits, stopping.clone()));
    let (datagrams, listener) = RUNTIME.block_on(async {
        let udp = tokio::net::UdpSocket::bind((LOCAL, port)).await.unwrap();
        (udp, tokio::net::TcpListener::bind((LOCAL, port)).await.unwrap())
    });
    RUNTIME.spawn(async move { udp::serve(&datagrams, &responder).await });
    let accepting = tcp.clone();
    RUNTIME.spawn(async move { accepting.serve(&listener).await });
    Server { port, stopping, tcp }
}

const USUAL: TcpLimits = TcpLimits {
    connections: 100,
    of_one_network: 20,
    idle: Duration::from_secs(10),
    age: Duration::from_secs(3600),
};

static USUAL_SERVER: LazyLock<Server> = LazyLock::new(|| serve(None, USUAL));

fn asked_of(port: u16, program: &str, args: &[&str]) -> String {
    let port = port.to_string();
    let mut line = vec!["@127.0.0.1", "-p", &port, "+tries=3", "+time=3"];
    if program == "kdig" {
        line[3] = "+retry=3";
    }
    line.extend(args);
    let output = Command::new(format!("/usr/bin/{program}")).args(&line).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run tests/setup.sh"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn dig(args: &[&str]) -> String {
    asked_of(USUAL_SERVER.port, "dig", args)
}

fn target() -> String {
    format!("{TARGET}.{APEX}")
}

fn has_values(text: &str) {
    for value in VALUES {
        assert!(text.contains(&format!("TXT \"{value}\"")), "{text}");
    }
}

#[test]
fn dig_takes_every_kind_of_answer() {
    let found = dig(&[&target(), "TXT"]);
    has_values(&found);
    assert!(
        found.contains("status: NOERROR") && found.contains("flags: qr aa rd;"),
        "{found}"
    );
    assert!(found.contains("(good)"), "the cookie: {found}");
    assert!(
        !found.contains("Warning") && !found.contains(";; WARNING: M"),
        "{found}"
    );
    has_values(&dig(&[&target(), "TXT", "+tcp"]));
    has_values(&dig(&[&target(), "TXT", "+noedns"]));
    let many = dig(&[&format!("many.{APEX}"), "TXT"]);
    assert!(
        many.contains("Truncated, retrying in TCP mode") && many.contains("ANSWER: 30"),
        "{many}"
    );
    for (args, says) in [
        (&["nobodys.acme.platform.example", "TXT"][..], "status: NXDOMAIN"),
        (&["resting.acme.platform.example", "TXT"], "status: NOERROR"),
        (&["www.example.com", "A"], "status: REFUSED"),
        (&["version.bind", "TXT", "CH"], "status: REFUSED"),
        (&["acme.platform.example", "AXFR"], "Transfer failed"),
        (&["acme.platform.example", "ANY", "+notcp"], "\"RFC8482\""),
        (&["acme.platform.example", "SOA", "+opcode=status"], "status: NOTIMP"),
        (
            &["acme.platform.example", "SOA", "+edns=1", "+noednsneg"],
            "status: BADVERS",
        ),
        (&["acme.platform.example", "TYPE65280"], "status: NOERROR"),
        (
            &["acme.platform.example", "SOA", "+header-only", "+nocookie"],
            "status: FORMERR",
        ),
        (
            &["acme.platform.example", "SOA", "+header-only", "+cookie"],
            "status: NOERROR",
        ),
        (&["acme.platform.example", "NS", "+nocookie"], "ADDITIONAL: 4"),
        (
            &[
                "acme.platform.example",
                "SOA",
                "+dnssec",
                "+nsid",
                "+subnet=192.0.2.0/24",
            ],
            "flags: do; udp: 1232",
        ),
    ] {
        let answer = dig(args);
        assert!(answer.contains(says), "{args:?}: {answer}");
    }
}

#[test]
fn kdig_takes_answers_and_cookies_too() {
    let found = asked_of(USUAL_SERVER.port, "kdig", &[&target(), "TXT", "+cookie"]);
    for value in VALUES {
        assert!(found.contains(value), "{found}");
    }
    assert!(found.contains("COOKIE") && found.contains("Flags: qr aa rd"), "{found}");
    let absent = asked_of(
        USUAL_SERVER.port,
        "kdig",
        &["nobodys.acme.platform.example", "TXT", "+tcp"],
    );
    assert!(
        absent.contains("status: NXDOMAIN") && absent.contains("SOA"),
        "{absent}"
    );
}

/// Unbound with what Let's Encrypt has set (0x20) and QNAME minimisation: strict, so that a wrong NXDOMAIN shows.
fn unbound(of: u16) -> (u16, Folder, Child) {
    let port = free_port(&[LOCAL]);
    let config = format!(
        "server:\n  interface: {LOCAL}@{port}\n  access-control: 127.0.0.0/8 allow\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  \
         use-syslog: no\n  do-daemonize: no\n  num-threads: 1\n  do-not-query-localhost: no\n  module-config: \"iterator\"\n  \
         use-caps-for-id: yes\n  qname-minimisation: yes\n  qname-minimisation-strict: yes\n  harden-below-nxdomain: yes\n  \
         root-hints: \"\"\nstub-zone:\n  name: \"{APEX}\"\n  stub-addr: {LOCAL}@{of}\nremote-control:\n  control-enable: no\n"
    );
    let (folder, child) = start(move || {
        let folder = Folder::new("dns-responder-unbound-");
        let file = folder.write("unbound.conf", &config);
        let child = folder.run("/usr/sbin/unbound", &["-d", "-p", "-c", &file]);
        (folder, child)
    });
    (port, folder, child)
}

#[test]
fn unbound_resolves_everything_in_the_zone_as_a_ca_would() {
    let (resolver, _folder, mut running) = unbound(USUAL_SERVER.port);
    let asked = |name: &str, record_type: &str| asked_of(resolver, "dig", &[name, record_type]);
    let begun = Instant::now();
    while !asked(APEX, "SOA").contains("status: NOERROR") {
        assert!(begun.elapsed() < PATIENCE, "{}", asked(APEX, "SOA"));
    }
    // First what isn't there: what is below must not be cut off by it.
    for (name, record_type, status) in [
        ("deep.acme.platform.example".to_owned(), "A", "NOERROR"),
        ("inner.acme.platform.example".to_owned(), "TXT", "NOERROR"),
        ("resting.acme.platform.example".to_owned(), "TXT", "NOERROR"),
        (target(), "A", "NOERROR"),
        (target(), "CAA", "NOERROR"),
        ("nobodys.acme.platform.example".to_owned(), "TXT", "NXDOMAIN"),
    ] {
        let answer = asked(&name, record_type);
        assert!(answer.contains(&format!("status: {status}")), "{name}: {answer}");
        assert!(answer.contains("SOA"), "{name}: {answer}");
    }
    has_values(&asked(&target(), "TXT"));
    assert!(asked("of.inner.acme.platform.example", "TXT").contains(VALUES[0]));
    assert!(asked("many.acme.platform.example", "TXT").contains("ANSWER: 30"));
    assert!(asked("ns3.deep.acme.platform.example", "A").contains("192.0.2.3"));
    running.kill().unwrap();
    running.wait().unwrap();
}

fn question() -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(target()).unwrap(), RecordType::TXT));
    message.to_vec().unwrap()
}

#[test]
fn a_flood_gets_its_rate_and_true_clients_are_answered_all_the_same() {
    const RATE: u32 = 50;
    let server = serve(Some(RATE), USUAL);
    let flood = UdpSocket::bind((LOCAL, 0)).unwrap();
    flood.connect((LOCAL, server.port)).unwrap();
    flood.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let (question, begun) = (question(), Instant::now());
    let (mut whole, mut slipped, mut bytes) = (0, 0, 0);
    let mut buffer = [0; 2048];
    for _ in 0..600 {
        flood.send(&question).unwrap();
    }
    while let Ok(length) = flood.recv(&mut buffer) {
        bytes += length;
        match Message::from_vec(&buffer[..length]).unwrap().metadata.truncation {
            true => slipped += 1,
            false => whole += 1,
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert!(
        f64::from(whole) <= f64::from(RATE) * (1.0 + seconds) && whole >= RATE,
        "{whole} in {seconds} s"
    );
    assert!(slipped > 0 && slipped <= 300, "{slipped}");
    assert!(
        bytes < 600 * question.len(),
        "{bytes} bytes for {}",
        600 * question.len()
    );

    // Still over the limit; with cookies dig is told BADCOOKIE once, without it is led to TCP.
    let port = server.port;
    let flooding = Arc::new(());
    let ends = Arc::downgrade(&flooding);
    std::thread::spawn(move || {
        while ends.strong_count() > 0 {
            let _ = flood.send(&question);
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    for more in ["+cookie", "+nocookie"] {
        has_values(&asked_of(port, "dig", &[&target(), "TXT", more, "+tries=8", "+time=1"]));
    }
    drop(flooding);
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((LOCAL, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn answer(stream: &mut TcpStream) -> std::io::Result<Message> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    Ok(Message::from_vec(&bytes).unwrap())
}

/// Reset or closed, not merely silent.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 16]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn questions_on_one_connection_are_answered_in_any_pieces() {
    let mut stream = connect(USUAL_SERVER.port);
    let questions = framed(&question()).repeat(3);
    stream.write_all(&questions[..questions.len() - 5]).unwrap();
    for _ in 0..2 {
        assert_eq!(answer(&mut stream).unwrap().answers.len(), 2);
    }
    for byte in &questions[questions.len() - 5..] {
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(answer(&mut stream).unwrap().answers.len(), 2);
}

#[test]
fn connections_that_send_nothing_or_nonsense_or_too_many_are_closed_and_others_go_on() {
    let server = serve(
        None,
        TcpLimits {
            connections: 6,
            of_one_network: 3,
            idle: Duration::from_millis(1500),
            ..USUAL
        },
    );
    let mut unfinished = connect(server.port);
    unfinished.write_all(&[0, 40, 1, 2]).unwrap();
    let mut short = connect(USUAL_SERVER.port);
    short.write_all(&[0, 3, 1, 2, 3]).unwrap();
    assert!(is_closed(&mut short), "shorter than a header");
    let mut huge = connect(USUAL_SERVER.port);
    huge.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(is_closed(&mut huge), "longer than any question");
    let mut silent = connect(server.port);
    let mut third = connect(server.port);
    third.write_all(&framed(&question())).unwrap();
    answer(&mut third).unwrap();
    assert!(is_refused(server.port), "a fourth of one network");
    let begun = Instant::now();
    assert!(is_closed(&mut silent) && is_closed(&mut unfinished));
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The seats are free again.
    let mut next = connect(server.port);
    next.write_all(&framed(&question())).unwrap();
    assert_eq!(answer(&mut next).unwrap().answers.len(), 2);
}

/// Closed without an answer.
fn is_refused(port: u16) -> bool {
    let mut stream = connect(port);
    // It may be closed already.
    let _ = stream.write_all(&framed(&question()));
    is_closed(&mut stream)
}

#[test]
fn a_connection_that_asks_and_asks_ends_at_its_age() {
    let age = Duration::from_millis(500);
    let server = serve(None, TcpLimits { age, ..USUAL });
    let begun = Instant::now();
    let mut stream = connect(server.port);
    let mut answered = 0;
    while stream.write_all(&framed(&question())).is_ok() && answer(&mut stream).is_ok() {
        answered += 1;
        assert!(begun.elapsed() < PATIENCE, "{answered} answers");
    }
    assert!(begun.elapsed() >= age && answered > 0, "{answered} answers");
}

#[test]
fn there_are_only_so_many_connections_in_all() {
    let limits = TcpLimits {
        connections: 2,
        ..USUAL
    };
    let server = serve(None, limits);
    let mut open = [connect(server.port), connect(server.port)];
    for stream in &mut open {
        stream.write_all(&framed(&question())).unwrap();
        answer(stream).unwrap();
    }
    assert!(is_refused(server.port));
    drop(open);
    let begun = Instant::now();
    while is_refused(server.port) {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn a_connection_ends_when_the_program_is_stopped() {
    let server = serve(None, USUAL);
    let mut open = connect(server.port);
    open.write_all(&framed(&question())).unwrap();
    answer(&mut open).unwrap();
    server.stopping.cancel();
    assert!(is_closed(&mut open));
    RUNTIME
        .block_on(async { tokio::time::timeout(PATIENCE, server.tcp.ended()).await })
        .unwrap();
}

#[test]
fn an_answer_comes_from_where_it_was_asked_and_nobody_answers_answers() {
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let server: SocketAddr = (LOCAL.parse::<std::net::IpAddr>().unwrap(), USUAL_SERVER.port).into();
    let mut an_answer = question();
    an_answer[2] |= 0x80;
    socket.send_to(&an_answer, server).unwrap();
    socket.send_to(&[1; 5], server).unwrap();
    let question = question();
    socket.send_to(&question, server).unwrap();
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(from, server);
    assert_eq!(Message::from_vec(&buffer[..length]).unwrap().answers.len(), 2);
    assert_eq!(buffer[..2], question[..2]);
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(socket.recv_from(&mut buffer).is_err(), "one answer to three datagrams");
}

#[test]
fn the_tools_are_there() {
    run_to_end("/usr/bin/dig", &["-v"]);
    run_to_end("/usr/bin/kdig", &["--version"]);
}
