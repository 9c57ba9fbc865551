//! The open channels of this process, for a gauge. Whether a channel is open is asked of the channel itself, since a
//! lost connection closes its channels even while they are held.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use lapin::Channel;

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Consume,
    Publish,
}

impl Use {
    const ALL: [Self; 2] = [Self::Consume, Self::Publish];

    fn as_str(self) -> &'static str {
        match self {
            Self::Consume => "consume",
            Self::Publish => "publish",
        }
    }
}

/// Channels that somebody holds. They are not held here: dropping the last handle of a channel closes it.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Vec<(Use, Weak<Channel>)>>);

impl Channels {
    /// Counts the channel from now on, while it is held.
    pub(crate) fn add(&self, purpose: Use, channel: Channel) -> Arc<Channel> {
        let channel = Arc::new(channel);
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|(_, channel)| channel.strong_count() > 0);
        channels.push((purpose, Arc::downgrade(&channel)));
        channel
    }

    /// Sets the gauges.
    pub(crate) fn measure(&self) {
        let channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for purpose in Use::ALL {
            let open = channels
                .iter()
                .filter(|(of, channel)| {
                    *of == purpose && channel.upgrade().is_some_and(|channel| channel.status().connected())
                })
                .count();
            metrics::gauge!("amqp_channels_open", "use" => purpose.as_str()).set(open as f64);
        }
    }
}
