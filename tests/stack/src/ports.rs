//! Free ports that stay reserved until they are listened on.
//!
//! Binding port 0 gives a port of the ephemeral range, which outgoing connections use too, and RabbitMQ takes seconds
//! to bind its port: any connection opened in the meantime may take it. So ports come from below that range, and two
//! stacks never share a block: each holds an abstract socket named after its block, which the kernel frees however the
//! supervisor ends.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::{Context, bail};

/// The default listen address of every process of the stack.
pub(crate) const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// The customer's old web server.
pub(crate) const ORIGIN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// broker-api.
pub(crate) const BROKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

const FIRST: u16 = 15_000;
const BLOCK: u16 = 128;
const BLOCKS: u16 = 132;

/// A block of ports that no other stack on this machine uses.
pub(crate) struct Ports {
    _reservation: UnixListener,
    next: u16,
    end: u16,
}

impl Ports {
    /// Reserves a block.
    pub(crate) fn reserve() -> anyhow::Result<Self> {
        let start = u16::try_from(std::process::id() % u32::from(BLOCKS))?;
        for offset in 0..BLOCKS {
            let block = (start + offset) % BLOCKS;
            let name = SocketAddr::from_abstract_name(format!("cdn-broker-stack-ports-{block}"))
                .context("an abstract socket name")?;
            if let Ok(reservation) = UnixListener::bind_addr(&name) {
                let next = FIRST + block * BLOCK;
                return Ok(Self {
                    _reservation: reservation,
                    next,
                    end: next + BLOCK,
                });
            }
        }
        bail!("all {BLOCKS} blocks of ports are taken by other stacks")
    }

    /// The next port of the block that is free on 127.0.0.1.
    pub(crate) fn take(&mut self) -> anyhow::Result<u16> {
        self.take_on(&[LOCAL])
    }

    /// The next port of the block that is free on all these addresses, for TCP and UDP.
    pub(crate) fn take_on(&mut self, addresses: &[Ipv4Addr]) -> anyhow::Result<u16> {
        while self.next < self.end {
            let port = self.next;
            self.next += 1;
            let free = |ip: &Ipv4Addr| TcpListener::bind((*ip, port)).is_ok() && UdpSocket::bind((*ip, port)).is_ok();
            if addresses.iter().all(free) {
                return Ok(port);
            }
        }
        bail!("no free port is left in this stack's block of {BLOCK}")
    }
}
