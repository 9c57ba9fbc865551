//! RabbitMQ, which wakes workers up: the only crate that uses lapin. A message says "check this step now" and nothing
//! else; PostgreSQL is the source of truth, so RabbitMQ may lose everything. See README.md.

mod args;
mod call;
mod channels;
mod check;
mod consumer;
mod delay_queues;
mod error;
mod message;
pub mod operator;
mod publisher;
mod queue_repair;
mod tls;
mod topology;
mod trace;
mod turn;

pub use args::{AmqpArgs, AmqpUrl};
pub use check::check_rabbitmq;
pub use consumer::{Consumer, Delivery};
pub use delay_queues::DelayQueues;
pub use error::{MessagingError, TlsRefused};
pub use message::Message;
pub use publisher::Messaging;
pub use trace::Trace;
