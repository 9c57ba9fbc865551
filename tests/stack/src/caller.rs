//! Which process opened a connection, according to the kernel's tables: for links of many processes to one address.

use std::fs;
use std::net::SocketAddr;

/// The process id, out of these, that holds the connection from `client` (an address on this machine) to `listen`.
pub(crate) fn caller(client: SocketAddr, listen: SocketAddr, candidates: &[u32]) -> Option<u32> {
    let inode = inode(client, listen)?;
    let socket = format!("socket:[{inode}]");
    candidates.iter().copied().find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| target.as_os_str() == socket.as_str())
    })
}

/// The inode of the client's socket (proc_pid_net(5): addresses in hexadecimal, the inode in the tenth column).
fn inode(client: SocketAddr, listen: SocketAddr) -> Option<u64> {
    let wanted = (Some(client.port()), Some(listen.port()));
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    fs::read_to_string("/proc/net/tcp")
        .ok()?
        .lines()
        .skip(1)
        .find_map(|line| {
            let mut columns = line.split_whitespace().skip(1);
            let (local, remote) = (columns.next()?, columns.next()?);
            if (port(local), port(remote)) != wanted {
                return None;
            }
            columns.nth(6)?.parse().ok()
        })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_known_by_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap();
        let client = TcpStream::connect(listen).unwrap().local_addr().unwrap();
        // The stream above is closed by now.
        assert_eq!(caller(client, listen, &[std::process::id()]), None);
        let stream = TcpStream::connect(listen).unwrap();
        let client = stream.local_addr().unwrap();
        assert_eq!(
            caller(client, listen, &[1, std::process::id()]),
            Some(std::process::id())
        );
        assert_eq!(caller(client, listen, &[1]), None);
    }
}
