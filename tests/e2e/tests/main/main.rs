//! The main job on real PostgreSQL, RabbitMQ and Pebble, with two processes of every worker. All tests of this program
//! share one stack, each with domains and organizations of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on says so")]

mod access_logs;
mod account_keys;
mod adopt;
mod bad_input;
mod broken_queue;
mod ca_limits;
mod ca_says_no;

mod caa;
mod catalog;
mod cdnctl;
mod database;
mod deadline;
mod doctor;
mod drift;
mod far_ca;
mod flood;
mod foreign_alias;
mod hand_over;
mod key_type;
mod log_level;
mod mending;
mod metrics;
mod osbapi;
mod outage;
mod ownership;
mod persist_rules;
mod plans;
mod poison;
mod preferred_chain;
mod profile;
mod queue_wiped;
mod reading;
mod records;
mod redirect;
mod renew;
mod renew_trouble;
mod restore;
mod revoke;
mod rollover;
mod scrape;
mod secrets;
mod shutdown;
mod state_table;
mod time;
mod tls;
mod trace;
mod two_of_each;
mod update;
mod upgrade;
mod vantage;
mod ways;
mod wildcard;
mod world;
