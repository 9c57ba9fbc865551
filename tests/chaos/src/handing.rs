//! How the lives of two instances that request the same domain interact.

use crate::facts::{End, Kind};
use crate::hands::{HandOver, Turn};
use crate::life::World;

/// The owner's old web server: a name that points there points to no distribution.
const ELSEWHERE: &str = "127.0.0.2";

impl World {
    /// Runs both lives; the final owner of the domain is recorded in the facts.
    pub async fn hand_over(&self, hand_over: &HandOver) {
        self.live(&hand_over.first).await;
        if !self.has_succeeded(&hand_over.first.id) {
            // No instance has the domain; the reason is in the facts.
            return;
        }
        match hand_over.turn {
            Turn::Goes => {
                if let Err(error) = self.proof_goes(&hand_over.domain).await {
                    let trouble = format!("{}: its proof does not go: {error:#}", hand_over.domain);
                    self.facts.seen().troubles.push(trouble);
                    return;
                }
                self.live(&hand_over.second).await;
            }
            Turn::Stays | Turn::Reaches => self.live(&hand_over.second).await,
            Turn::Again => {
                let removal = self.facts.asked(&hand_over.first.id, Kind::Deprovision);
                // Retried until the platform's first response, which may be that it is in progress already.
                let taken = self.controller.deprovision(&hand_over.first.id).await;
                tokio::join!(
                    self.removed(&hand_over.first.id, removal, taken),
                    self.live(&hand_over.second)
                );
            }
        }
        self.facts.seen().hand_overs.push(hand_over.clone());
    }

    async fn proof_goes(&self, domain: &str) -> anyhow::Result<()> {
        self.dns.clear_txt(&format!("_validation-persist.{domain}")).await?;
        self.dns.add_a(domain, &[ELSEWHERE]).await
    }

    fn has_succeeded(&self, instance: &str) -> bool {
        let seen = self.facts.seen();
        let mut of_it = seen.operations.iter().filter(|asked| asked.instance == instance);
        of_it.any(|asked| matches!(asked.ended, Some((_, End::Succeeded))))
    }
}
