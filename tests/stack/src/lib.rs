//! Starts real PostgreSQL, RabbitMQ, Pebble and challtestsrv, aws-sim and the services, on private ports in a local
//! folder, and stops them all on command or when the process that started it is gone.
//!
//! Tests use [`Handle`]; people use `stack up`. See the README.

mod aws_sim;
mod by_hand;
mod ca_connector;
mod caller;
mod command;
mod crash_points;
mod delegation;
mod dns;
mod endpoints;
mod folder;
mod handle;
mod http;
mod mail;
mod operators;
mod options;
mod origin;
mod origin_tls;
mod part;
mod pebble;
mod ports;
mod postgres;
mod process;
mod progress;
mod proxy;
mod queues;
mod rabbitmq;
mod run;
mod secret;
mod services;
mod shared_node;
mod supervisor;
mod tls;
mod turn;
mod turnstile;

pub use by_hand::by_hand;
pub use ca_connector::ca_connector;
pub use command::{Answer, Command, Signal};
pub use crash_points::CrashPoints;
pub use delegation::{DELEGATION_ZONE, DelegationEndpoint};
pub use dns::Dns;
pub use endpoints::{
    AccessKey, Endpoints, LinkEndpoint, OTHER_CA, OTHER_CA_REFUSES, OtherCa, ProcessInfo, ProxyEndpoint, TlsEndpoints,
};
pub use handle::{Handle, program};
pub use http::Http;
pub use mail::{MailEndpoint, why_no_mail};
pub use options::{DELAY_QUEUES_MS, FAST, Options, Peer};
pub use part::{Part, check, run_part};
pub use run::run;
pub use services::{SERVICES, WORKERS};
pub use shared_node::{SHARED_RABBITMQ, run_rabbitmq};
