//! The main job on real PostgreSQL, RabbitMQ and Pebble, with two processes of every worker. All tests of this program
//! share one stack, each with domains and organizations of its own.

mod bad_input;
mod ca_says_no;
mod foreign_alias;
mod mending;
mod ownership;
mod persist_rules;
mod queue_wiped;
mod reading;
mod secrets;
mod two_of_each;
mod vantage;
mod ways;
mod world;
