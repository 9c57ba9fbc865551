//! What is counted. The counters are looked up once, since there are many questions.

use metrics::Counter;

use crate::answer::Class;
use crate::reply::{Reply, Transport};

/// The counters of one transport.
pub struct Tally {
    answers: Vec<(Class, Counter)>,
    ignored: Counter,
    dropped: Counter,
    slipped: Counter,
}

impl Tally {
    /// The counters, all at 0.
    pub fn new(transport: Transport) -> Self {
        let transport = transport.as_str();
        let answered = |answer: &'static str| metrics::counter!("dns_questions_total", "transport" => transport, "answer" => answer);
        let limited = |action: &'static str| metrics::counter!("dns_answers_limited_total", "action" => action);
        Self {
            answers: Class::ALL
                .into_iter()
                .map(|class| (class, answered(class.as_str())))
                .collect(),
            ignored: answered("ignored"),
            dropped: limited("dropped"),
            slipped: limited("slipped"),
        }
    }

    /// Counts one.
    pub fn count(&self, reply: &Reply) {
        let class = match reply {
            Reply::Ignored => {
                self.ignored.increment(1);
                return;
            }
            Reply::Dropped(class) => {
                self.dropped.increment(1);
                class
            }
            Reply::Slipped(class, _) => {
                self.slipped.increment(1);
                class
            }
            Reply::Sent(class, _) => class,
        };
        if let Some((_, counter)) = self.answers.iter().find(|(of, _)| of == class) {
            counter.increment(1);
        }
    }
}
