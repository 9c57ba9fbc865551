//! A container's health check: an image without a shell has no curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// A little longer than the time limit of `/readyz`.
const PATIENCE: Duration = Duration::from_secs(4);

/// Requests `/readyz` from the service that listens there, on this machine. The exit code is 0 when it is ready;
/// otherwise its answer is printed on standard output, where `docker inspect` shows it.
pub fn ready(listen: SocketAddr) -> ExitCode {
    let told = match ask(listen) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.0 200 ") => {
            return ExitCode::SUCCESS;
        }
        Ok(answer) => answer.split("\r\n\r\n").last().unwrap_or_default().to_string(),
        Err(error) => format!("nothing answers at {listen}: {error}"),
    };
    // Nobody may be reading; the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{told}");
    ExitCode::FAILURE
}

fn ask(listen: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&reached_at(listen), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where this machine reaches what listens there: 0.0.0.0 and [::] on loopback.
pub fn reached_at(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answered(with: &'static str) -> ExitCode {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let listen = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /readyz "));
            stream.write_all(with.as_bytes()).unwrap();
        });
        let code = ready(listen);
        server.join().unwrap();
        code
    }

    #[test]
    fn ready_is_what_the_service_says_of_itself() {
        assert_eq!(answered("HTTP/1.0 200 OK\r\n\r\nready"), ExitCode::SUCCESS);
        assert_eq!(
            answered("HTTP/1.0 503 Service Unavailable\r\n\r\nPostgreSQL"),
            ExitCode::FAILURE
        );
    }

    #[test]
    fn what_does_not_listen_is_not_ready() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ready(free), ExitCode::FAILURE);
    }
}
