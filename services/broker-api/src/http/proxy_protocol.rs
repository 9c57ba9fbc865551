//! The header by which a load balancer names the client of a connection: the PROXY protocol, versions 1 and 2
//! (haproxy's doc/proxy-protocol.txt, §2).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// §2.1: "the maximum line length the receiver must support including the CRLF".
const LINE_MOST: usize = 107;
/// Addresses and the optional fields after them (TLVs); AWS sends less than 100 bytes. §2.2 allows 64 KiB.
const BLOCK_MOST: usize = 4096;

/// Reads the header, and nothing after it. `None`: the connection is the load balancer's own, or the load balancer
/// doesn't know the client.
///
/// # Errors
/// When there is no header, or it can't be read.
pub(crate) async fn source(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE {
        return of_block(stream).await;
    }
    if !start.starts_with(b"PROXY ") {
        return Err(wrong("no PROXY protocol header"));
    }
    let mut line = start.to_vec();
    // Byte by byte, since the bytes after the line belong to the request.
    while !line.ends_with(b"\r\n") {
        if line.len() >= LINE_MOST {
            return Err(wrong("the line of the PROXY protocol has no end"));
        }
        line.push(stream.read_u8().await?);
    }
    of_line(&line)
}

/// §2.1: `PROXY TCP4 <source> <destination> <port> <port>`, or `PROXY UNKNOWN …`.
fn of_line(line: &[u8]) -> io::Result<Option<IpAddr>> {
    let unreadable = || wrong("the line of the PROXY protocol can't be read");
    let line = std::str::from_utf8(line).map_err(|_| unreadable())?;
    let mut words = line.trim_end().split(' ').skip(1);
    match words.next() {
        Some("UNKNOWN") => Ok(None),
        Some("TCP4" | "TCP6") => {
            let source = words.next().and_then(|word| word.parse().ok());
            source.map(Some).ok_or_else(unreadable)
        }
        _ => Err(unreadable()),
    }
}

/// §2.2: version and command, family and transport, length; then the addresses.
async fn of_block(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let (version_and_command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = usize::from(stream.read_u16().await?);
    if version_and_command >> 4 != 2 || length > BLOCK_MOST {
        return Err(wrong("the header of the PROXY protocol can't be read"));
    }
    let mut block = vec![0; length];
    stream.read_exact(&mut block).await?;
    let cut = || wrong("the header of the PROXY protocol ends too early");
    match (version_and_command & 0xf, family >> 4) {
        // LOCAL: "the connection was established on purpose by the proxy", as its health checks are.
        (0, _) => Ok(None),
        (1, 1) => {
            let four: [u8; 4] = *block.first_chunk().ok_or_else(cut)?;
            Ok(Some(Ipv4Addr::from(four).into()))
        }
        (1, 2) => {
            let six: [u8; 16] = *block.first_chunk().ok_or_else(cut)?;
            Ok(Some(Ipv6Addr::from(six).into()))
        }
        // AF_UNSPEC and AF_UNIX have no address that is of use here.
        (1, _) => Ok(None),
        _ => Err(wrong("an unknown command of the PROXY protocol")),
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result, and the bytes that remain for the request.
    async fn read(mut bytes: &[u8]) -> io::Result<(Option<String>, Vec<u8>)> {
        let source = source(&mut bytes).await?;
        Ok((source.map(|address| address.to_string()), bytes.to_vec()))
    }

    fn block(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0x20 | command, family]);
        bytes.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
        bytes.extend(addresses);
        bytes.extend(b"GET /");
        bytes
    }

    #[tokio::test]
    async fn both_versions_are_read_up_to_the_request() {
        let four = Some("203.0.113.7".to_string());
        let six = Some("2001:db8::1".to_string());
        let [a, b, c, d] = [203, 0, 113, 7];
        let mut of_six = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets().to_vec();
        of_six.extend([0; 20]);
        for (bytes, says) in [
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\nGET /".to_vec(), &four),
            (b"PROXY TCP6 2001:db8::1 fd00::1 4711 80\r\nGET /".to_vec(), &six),
            (b"PROXY UNKNOWN\r\nGET /".to_vec(), &None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET /".to_vec(), &None),
            (block(1, 0x11, &[a, b, c, d, 10, 0, 0, 1, 0, 1, 0, 80]), &four),
            // Followed by a TLV, as AWS sends its endpoint's id.
            (
                block(1, 0x11, &[a, b, c, d, 10, 0, 0, 1, 0, 1, 0, 80, 0xea, 0, 1, 1]),
                &four,
            ),
            (block(1, 0x21, &of_six), &six),
            (block(0, 0, &[]), &None),
            (block(1, 0x31, &[0; 216]), &None),
        ] {
            let (source, rest) = read(&bytes).await.unwrap();
            assert_eq!(&source, says, "{bytes:?}");
            assert_eq!(rest, b"GET /", "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let mut endless = b"PROXY TCP4 ".to_vec();
        endless.extend([b'1'; 200]);
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 nobody 10.0.0.1 4711 80\r\n".to_vec(),
            b"PROXY UDP4 203.0.113.7 10.0.0.1 4711 80\r\n".to_vec(),
            endless,
            block(1, 0x11, &[203, 0]),
            block(2, 0x11, &[0; 12]),
            block(1, 0x11, &[0; 5000]),
            b"PROXY".to_vec(),
            vec![],
        ] {
            assert!(read(&bytes).await.is_err(), "{bytes:?}");
        }
    }
}
