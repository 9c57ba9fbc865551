//! What becomes of a letter whose mail was not taken.

use crate::smtp::{Answer, Phase};

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is tried again.
    Again {
        /// The server may have taken it all the same (RFC 1047).
        maybe_doubled: bool,
        /// Only the operator can help: every letter fails in the same way.
        operators: bool,
    },
    /// It is given up.
    GivenUp {
        /// The recipient was refused.
        refused: bool,
    },
}

/// By where it happened and what the server said (RFC 5321 §4.2.1, §4.3.2). A refusal for good counts where it is about this recipient or this mail;
/// one of the connection, of us, or of our sender is about the operator's settings, and waits for them.
pub(crate) fn verdict(phase: Phase, answer: Answer) -> Verdict {
    let again = Verdict::Again {
        maybe_doubled: false,
        operators: false,
    };
    let waits_for_operator = Verdict::Again {
        maybe_doubled: false,
        operators: true,
    };
    match (phase, answer) {
        (Phase::Content, Answer::Lost) => Verdict::Again {
            maybe_doubled: true,
            operators: false,
        },
        (_, Answer::Lost | Answer::Refused { code: ..500, .. }) => again,
        (Phase::Connect | Phase::Auth | Phase::Sender, Answer::Refused { .. }) => waits_for_operator,
        // "Relaying denied" says so, and so does a server that refuses the sender only when it has seen the mail: then every mail is refused. One
        // that is refused for what it says is given up 4 days later.
        (_, Answer::Refused { by_policy: true, .. }) => waits_for_operator,
        // A full mailbox has room again (RFC 5321 §4.5.3.1.10: as 452).
        (Phase::Recipient, Answer::Refused { code: 552, .. }) => again,
        // No such mailbox (550), elsewhere (551), not a name (553), no (554), no mail at all (521, 556: RFC 7504).
        (
            Phase::Recipient,
            Answer::Refused {
                code: 521 | 550 | 551 | 553 | 554 | 556,
                ..
            },
        ) => Verdict::GivenUp { refused: true },
        // 500 to 504: the server knows no such command; 530 to 538: it wants another authentication; 555: other parameters.
        (Phase::Recipient, Answer::Refused { .. }) => waits_for_operator,
        (Phase::Data | Phase::Content, Answer::Refused { .. }) => Verdict::GivenUp { refused: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Verdict = Verdict::Again {
        maybe_doubled: false,
        operators: false,
    };
    const MAYBE_DOUBLED: Verdict = Verdict::Again {
        maybe_doubled: true,
        operators: false,
    };
    const OPERATORS: Verdict = Verdict::Again {
        maybe_doubled: false,
        operators: true,
    };
    const REFUSED: Verdict = Verdict::GivenUp { refused: true };
    const GIVEN_UP: Verdict = Verdict::GivenUp { refused: false };

    const ALL: [Phase; 6] = [
        Phase::Connect,
        Phase::Auth,
        Phase::Sender,
        Phase::Recipient,
        Phase::Data,
        Phase::Content,
    ];

    fn code(code: u16) -> Answer {
        Answer::Refused { code, by_policy: false }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_only_silence_after_the_mail_may_double_it() {
        for phase in ALL {
            for temporary in [421, 450, 451, 452, 454] {
                assert_eq!(verdict(phase, code(temporary)), AGAIN, "{phase:?} {temporary}");
            }
            let lost = if phase == Phase::Content { MAYBE_DOUBLED } else { AGAIN };
            assert_eq!(verdict(phase, Answer::Lost), lost, "{phase:?}");
        }
    }

    #[test]
    fn a_refusal_for_good_is_the_recipients_the_mails_or_the_operators() {
        for (phase, answer, expected) in [
            (Phase::Connect, 554, OPERATORS),
            (Phase::Connect, 521, OPERATORS),
            (Phase::Auth, 535, OPERATORS),
            (Phase::Sender, 550, OPERATORS),
            (Phase::Sender, 530, OPERATORS),
            (Phase::Recipient, 550, REFUSED),
            (Phase::Recipient, 553, REFUSED),
            (Phase::Recipient, 556, REFUSED),
            (Phase::Recipient, 552, AGAIN),
            (Phase::Recipient, 503, OPERATORS),
            (Phase::Recipient, 530, OPERATORS),
            (Phase::Data, 554, GIVEN_UP),
            (Phase::Content, 550, GIVEN_UP),
            (Phase::Content, 552, GIVEN_UP),
        ] {
            assert_eq!(verdict(phase, code(answer)), expected, "{phase:?} {answer}");
        }
    }

    #[test]
    fn what_is_denied_by_policy_costs_neither_a_recipient_nor_a_mail() {
        let denied = Answer::Refused {
            code: 554,
            by_policy: true,
        };
        for phase in ALL {
            assert_eq!(verdict(phase, denied), OPERATORS, "{phase:?}");
        }
        // Not for ever: it may pass.
        let later = Answer::Refused {
            code: 451,
            by_policy: true,
        };
        assert_eq!(verdict(Phase::Content, later), AGAIN);
    }
}
