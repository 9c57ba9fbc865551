//! Where a name points, by DNS: every CNAME is queried separately, so that the report can name the one that is wrong.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use pipeline::outside::{Dns, Persist};
use pipeline::proof::{Challenge, Judged, LookFor};
use time::OffsetDateTime;

/// More consecutive CNAMEs than this are considered a mistake.
const MOST_CNAMES: usize = 8;
/// The timeout of a query; each is sent twice.
const PATIENCE: Duration = Duration::from_secs(3);

/// A DNS client.
pub struct Names(TokioResolver);

/// Where a name points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trail {
    /// The names on the way, after the first.
    pub(crate) chain: Vec<String>,
    pub(crate) end: End,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// IPv4 first; empty when the name has other records only.
    Addresses(Vec<IpAddr>),
    NoSuchName,
    Failed(String),
}

impl Trail {
    /// The addresses to connect to.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        match &self.end {
            End::Addresses(addresses) => addresses,
            End::NoSuchName | End::Failed(_) => &[],
        }
    }
}

impl Names {
    /// Queries this server, or those of /etc/resolv.conf. /etc/hosts is ignored: the outside world doesn't have it.
    ///
    /// # Errors
    /// When /etc/resolv.conf can't be read.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NetError> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
                    let mut connection = ConnectionConfig::new(protocol);
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = PATIENCE;
        options.attempts = 2;
        Ok(Self(builder.build()?))
    }

    /// Follows a name's CNAMEs to its addresses.
    pub(crate) async fn follow(&self, name: &str) -> Trail {
        let mut chain = Vec::new();
        let end = match self.cnames(name, &mut chain).await {
            Ok(()) => self.addresses(chain.last().map_or(name, String::as_str)).await,
            Err(end) => end,
        };
        Trail { chain, end }
    }

    /// The CNAMEs that lead on from a name, and why they were not followed to their end, if so.
    pub async fn aliases(&self, name: &str) -> (Vec<String>, Option<String>) {
        let mut chain = Vec::new();
        let broken = match self.cnames(name, &mut chain).await {
            Err(End::Failed(why)) => Some(why),
            Ok(()) | Err(End::NoSuchName | End::Addresses(_)) => None,
        };
        (chain, broken)
    }

    async fn cnames(&self, name: &str, chain: &mut Vec<String>) -> Result<(), End> {
        let failed = |error: &NetError| End::Failed(error.to_string());
        loop {
            let current = absolute(chain.last().map_or(name, String::as_str)).map_err(End::Failed)?;
            match self.0.lookup(current, RecordType::CNAME).await {
                Ok(lookup) => {
                    let target = lookup.answers().iter().find_map(|record| match &record.data {
                        RData::CNAME(target) => Some(relative(&target.0)),
                        _ => None,
                    });
                    let Some(target) = target else { return Ok(()) };
                    if chain.len() == MOST_CNAMES {
                        let why = format!("more than {MOST_CNAMES} CNAMEs in a row, or a circle of them");
                        return Err(End::Failed(why));
                    }
                    chain.push(target);
                }
                Err(error) if error.is_nx_domain() => return Err(End::NoSuchName),
                Err(error) if error.is_no_records_found() => return Ok(()),
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    async fn addresses(&self, name: &str) -> End {
        let name = match absolute(name) {
            Ok(name) => name,
            Err(why) => return End::Failed(why),
        };
        match self.0.lookup_ip(name).await {
            Ok(found) => {
                let mut addresses: Vec<IpAddr> = found.iter().collect();
                addresses.sort();
                End::Addresses(addresses)
            }
            Err(error) if error.is_nx_domain() => End::NoSuchName,
            Err(error) if error.is_no_records_found() => End::Addresses(Vec::new()),
            Err(error) => End::Failed(error.to_string()),
        }
    }

    /// The TXT records of a name.
    ///
    /// # Errors
    /// When there are none, or DNS doesn't answer.
    pub async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, NetError> {
        let name = absolute(name).map_err(NetError::from)?;
        let lookup = self.0.lookup(name, RecordType::TXT).await?;
        let answers = lookup.answers().iter();
        Ok(answers.filter_map(|record| text(&record.data)).collect())
    }

    /// The standing dns-persist-01 record for the CA.
    pub(crate) async fn persist(&self, domain: &str, challenge: &Challenge) -> Persist {
        let LookFor::Txt(judge) = challenge.look_for(domain) else {
            return Persist::Unused;
        };
        let texts = match self.texts(challenge.place(domain).name()).await {
            Ok(texts) => texts,
            Err(error) if error.is_no_records_found() => return Persist::None,
            Err(_) => return Persist::Unknown,
        };
        match judge(&texts, OffsetDateTime::now_utc()) {
            Judged::Good(_) => Persist::Set,
            Judged::Wrong(_) => Persist::Other,
            Judged::Unrelated => Persist::None,
        }
    }
}

/// A record's strings, joined.
fn text(data: &RData) -> Option<Vec<u8>> {
    match data {
        RData::TXT(text) => Some(text.txt_data.concat()),
        _ => None,
    }
}

fn absolute(name: &str) -> Result<Name, String> {
    Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).map_err(|error| error.to_string())
}

fn relative(name: &Name) -> String {
    name.to_ascii().to_ascii_lowercase().trim_end_matches('.').to_owned()
}

/// Whether the chain leads to the distribution, whose own addresses are `its`.
pub(crate) fn judge(path: &Trail, distribution: &str, its: &[IpAddr]) -> Dns {
    let chain = path.chain.clone();
    if let Some(at) = chain.iter().position(|name| name.eq_ignore_ascii_case(distribution)) {
        return Dns::Cname {
            chain: chain[..=at].to_vec(),
        };
    }
    match &path.end {
        End::NoSuchName => Dns::NoSuchName { chain },
        End::Failed(why) => Dns::Failed { why: why.clone() },
        // CloudFront's answers vary with time and place: one address in common is enough. Other distributions have the
        // same addresses, though.
        End::Addresses(addresses)
            if !chain.iter().any(|name| name.ends_with(".cloudfront.net"))
                && addresses.iter().any(|address| its.contains(address)) =>
        {
            Dns::SameAddresses {
                chain,
                addresses: addresses.clone(),
            }
        }
        End::Addresses(addresses) => Dns::Elsewhere {
            chain,
            addresses: addresses.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(chain: &[&str], end: End) -> Trail {
        Trail {
            chain: chain.iter().map(|name| (*name).to_owned()).collect(),
            end,
        }
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_leads_to_the_distribution_or_not() {
        let ours = "d1.cloudfront.net";
        let its = addresses(&["1.1.1.1", "1.1.1.2"]);
        let at = |texts: &[&str]| End::Addresses(addresses(texts));
        let table = [
            (path(&[ours], at(&["9.9.9.9"])), "cname"),
            (path(&["D1.CloudFront.net"], at(&[])), "cname"),
            (path(&["cdn.example", ours], End::Failed("late".into())), "cname"),
            (path(&[], at(&["9.9.9.9", "1.1.1.2"])), "same-addresses"),
            (path(&["apex.example"], at(&["1.1.1.1"])), "same-addresses"),
            (path(&[], at(&["9.9.9.9"])), "elsewhere"),
            (path(&[], at(&[])), "elsewhere"),
            // Another distribution may have the same addresses.
            (path(&["d2.cloudfront.net"], at(&["1.1.1.1"])), "elsewhere"),
            (path(&[], End::NoSuchName), "no-such-name"),
            (path(&["gone.example"], End::NoSuchName), "no-such-name"),
            (path(&[], End::Failed("SERVFAIL".into())), "failed"),
        ];
        for (path, state) in table {
            let judged = serde_json::to_value(judge(&path, ours, &its)).unwrap();
            assert_eq!(judged["state"], state, "{path:?}");
        }
    }
}
