//! Responses that something between here and the server has changed.

use std::net::SocketAddr;

use hickory_proto::op::{Message, ResponseCode};
use pipeline::reason::DnsWriteProblem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Settings, adds};
use crate::world::{BOTH, STRANGER, ZONE, world};

/// A proxy that changes each response.
async fn proxy(to: SocketAddr, change: fn(&mut Message)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(to).await.unwrap();
        send(&mut server, &receive(&mut client).await).await;
        let mut message = Message::from_vec(&receive(&mut server).await).unwrap();
        change(&mut message);
        send(&mut client, &message.to_vec().unwrap()).await;
    });
    address
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_u16(bytes.len().try_into().unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
}

/// What an update through the proxy says, and a list.
async fn through(to: SocketAddr, settings: fn(Settings) -> Settings, change: fn(&mut Message)) -> [String; 2] {
    let name = format!("forged.{ZONE}");
    let update = settings(Settings::at(proxy(to, change).await)).open().await;
    let list = settings(Settings::at(proxy(to, change).await)).open().await;
    let problems = [
        update.apply(&[adds(&name, &["x"])]).await.unwrap_err(),
        list.list().await.unwrap_err(),
    ];
    problems.map(|problem| match problem {
        DnsWriteProblem::Unsigned { why, .. } => why,
        other => panic!("{other:?}"),
    })
}

#[tokio::test]
async fn a_signature_that_was_removed() {
    for server in BOTH {
        let strip = |message: &mut Message| message.signature = None;
        let why = through(world().address(server), |same| same, strip).await;
        assert_eq!(why, ["it has no TSIG record"; 2]);
    }
}

#[tokio::test]
async fn a_signature_that_was_changed() {
    for server in BOTH {
        let spoil = |message: &mut Message| message.signature.as_mut().unwrap().data.mac[0] ^= 1;
        let why = through(world().address(server), |same| same, spoil).await;
        assert!(
            why[0].contains("is not valid") && why[1].contains("is not valid"),
            "{why:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_was_made_a_success() {
    for server in BOTH {
        let succeed = |message: &mut Message| message.metadata.response_code = ResponseCode::NoError;
        through(
            world().address(server),
            |settings| settings.with_key(&STRANGER),
            succeed,
        )
        .await;
        let other_secret = |settings| Settings {
            secret: STRANGER.secret.to_owned(),
            ..settings
        };
        through(world().address(server), other_secret, succeed).await;
    }
}

#[tokio::test]
async fn a_response_to_another_request() {
    for server in BOTH {
        let other = |message: &mut Message| message.metadata.id = message.metadata.id.wrapping_add(1);
        let why = through(world().address(server), |same| same, other).await;
        assert_eq!(why, ["it responds to another request"; 2]);
    }
}

#[tokio::test]
async fn a_proxy_that_changes_nothing_is_none() {
    for server in BOTH {
        let at = proxy(world().address(server), |_| {}).await;
        let change = adds(&format!("proxied.{ZONE}"), &["x"]);
        Settings::at(at).open().await.apply(&[change]).await.unwrap();
    }
}
