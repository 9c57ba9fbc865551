//! A server by a script, on this machine: what is said to it, and how long it is waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lettre::Address;
use pipeline::Schedule;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::{Answer, Phase, Smtp, SmtpArgs, Trouble, Verdict, verdict};

/// What the server says to a line that begins so; `""` is its greeting, `"."` the end of a mail. Nothing: silence. `"!"`: it hangs up.
type Script = &'static [(&'static str, &'static str)];

const FRIENDLY: [(&str, &str); 6] = [
    ("", "220 mail.example ESMTP"),
    ("EHLO", "250-mail.example\r\n250 8BITMIME"),
    ("MAIL", "250 2.1.0 ok"),
    ("RCPT", "250 2.1.5 ok"),
    ("DATA", "354 go on"),
    (".", "250 2.0.0 queued as 17"),
];

/// Each limit of a phase.
const LIMIT: Duration = Duration::from_millis(300);

/// A server, and the lines that it got.
struct Server {
    port: u16,
    got: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Friendly, but for these.
    async fn start(other: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let lines = got.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let lines = lines.clone();
                tokio::spawn(async move { talk(stream, other, &lines).await });
            }
        });
        Self { port, got }
    }

    fn smtp(&self, user: &str, query: &str) -> Smtp {
        let args = SmtpArgs {
            smtp_url: format!("smtp://{user}127.0.0.1:{}{query}", self.port).as_str().into(),
            smtp_ca_file: None,
            smtp_from: "CDN <cdn@example.com>".parse().unwrap(),
            smtp_connect_timeout: LIMIT.into(),
            smtp_command_timeout: LIMIT.into(),
            smtp_data_timeout: LIMIT.into(),
            mail_retry: Schedule::default(),
        };
        Smtp::new(&args).unwrap()
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

/// Until it hangs up, or the other side does.
async fn talk(stream: TcpStream, other: Script, got: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut line, mut in_mail) = (String::new(), false);
    loop {
        let mut known = other.iter().chain(&FRIENDLY);
        let said = known.find(|(begin, _)| match begin.is_empty() {
            true => line.is_empty(),
            false => line.starts_with(begin),
        });
        match said {
            Some((_, "!")) => return Ok(()),
            Some((_, "")) | None => {}
            Some(_) if in_mail && line != "." => {}
            Some((begin, reply)) => {
                in_mail = *begin == "DATA" && reply.starts_with("354");
                write.write_all(format!("{reply}\r\n").as_bytes()).await?;
            }
        }
        match lines.next_line().await? {
            None => return Ok(()),
            // Only the greeting has nothing before it.
            Some(next) => line = if next.is_empty() { " ".to_owned() } else { next },
        }
        got.lock().unwrap().push(line.clone());
    }
}

fn to() -> Address {
    "operators@example.org".parse().unwrap()
}

async fn sent(smtp: &Smtp) -> Result<String, Trouble> {
    let (result, connection) = smtp.offer(&to()).await?.send(b"Subject: x\r\n\r\n.hidden\r\n").await;
    connection.end();
    result
}

const PLAIN: &str = "?tls=none";

#[tokio::test]
async fn a_mail_is_handed_over_and_its_dots_stay() {
    let server = Server::start(&[]).await;
    let answer = sent(&server.smtp("", PLAIN)).await.unwrap();
    assert_eq!(answer, "250 2.0.0 queued as 17");
    let got = server.got();
    for line in [
        "EHLO example.com",
        "MAIL FROM:<cdn@example.com>",
        "RCPT TO:<operators@example.org>",
        "DATA",
        // RFC 5321 §4.5.2.
        "..hidden",
        ".",
    ] {
        assert!(got.iter().any(|known| known == line), "{line}: {got:?}");
    }
}

#[tokio::test]
async fn without_tls_neither_password_nor_mail_is_said() {
    let server = Server::start(&[("EHLO", "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME")]).await;
    let trouble = sent(&server.smtp("us:s3cret@", "")).await.unwrap_err();
    assert_eq!((trouble.phase, trouble.answer), (Phase::Connect, Answer::Lost));
    assert!(trouble.to_string().contains("STARTTLS"), "{trouble}");
    let got = server.got();
    assert!(
        !got.iter()
            .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
        "{got:?}"
    );
}

#[tokio::test]
async fn silence_ends_each_phase_at_its_limit() {
    let cases: [(Script, Phase); 6] = [
        (&[("", "")], Phase::Connect),
        (&[("EHLO", "")], Phase::Connect),
        (&[("MAIL", "")], Phase::Sender),
        (&[("RCPT", "")], Phase::Recipient),
        (&[("DATA", "")], Phase::Data),
        (&[(".", "")], Phase::Content),
    ];
    for (script, phase) in cases {
        let server = Server::start(script).await;
        let begun = Instant::now();
        let trouble = sent(&server.smtp("", PLAIN)).await.unwrap_err();
        assert!(begun.elapsed() < LIMIT * 20, "{phase:?} took {:?}", begun.elapsed());
        assert_eq!((trouble.phase, trouble.answer), (phase, Answer::Lost), "{trouble}");
        assert!(trouble.to_string().ends_with("no answer within 300 ms"), "{trouble}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_after_the_mail_may_have_it_and_before_it_not() {
    let cases: [(Script, bool); 4] = [
        (&[(".", "!")], true),
        (&[("DATA", "!")], false),
        (&[("RCPT", "!")], false),
        // Neither yes nor no.
        (&[(".", "354 go on")], true),
    ];
    for (script, maybe_doubled) in cases {
        let server = Server::start(script).await;
        let trouble = sent(&server.smtp("", PLAIN)).await.unwrap_err();
        let expected = Verdict::Again {
            maybe_doubled,
            operators: false,
        };
        assert_eq!(
            verdict(trouble.phase, trouble.answer),
            expected,
            "{script:?}: {trouble}"
        );
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_told_by_phase_code_and_words() {
    let cases: [(Script, Phase, u16, bool, &str); 5] = [
        (
            &[("", "554 5.3.2 not now")],
            Phase::Connect,
            554,
            false,
            "connect: 554 5.3.2 not now",
        ),
        (
            &[("MAIL", "530 log in")],
            Phase::Sender,
            530,
            false,
            "sender: 530 log in",
        ),
        (
            &[("RCPT", "550-5.1.1 no such\r\n550 5.1.1 mailbox")],
            Phase::Recipient,
            550,
            false,
            "recipient: 550 5.1.1 no such mailbox",
        ),
        (
            &[("RCPT", "554 5.7.1 relay access denied")],
            Phase::Recipient,
            554,
            true,
            "recipient: 554 5.7.1 relay access denied",
        ),
        (
            &[(".", "451 4.3.0 later")],
            Phase::Content,
            451,
            false,
            "content: 451 4.3.0 later",
        ),
    ];
    for (script, phase, code, by_policy, words) in cases {
        let server = Server::start(script).await;
        let trouble = sent(&server.smtp("", PLAIN)).await.unwrap_err();
        assert_eq!(
            (trouble.phase, trouble.answer),
            (phase, Answer::Refused { code, by_policy }),
            "{trouble}"
        );
        assert_eq!(trouble.to_string(), words);
    }
}
