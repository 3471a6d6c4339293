//! What a run may do with the terminal that it was given, besides what any program asks of its streams.
//!
//! Always holds: nothing here puts characters into a terminal's input (TIOCSTI, TIOCLINUX), changes its line discipline (TIOCSETD), takes the console
//! (TIOCCONS) or makes another terminal the controlling one (TIOCSCTTY).

use crate::rules::{Comparison, Condition, Grant};

/// `TCSETS`, `TCSETSW`, `TCSETSF`, `TCSBRK`, `TCXONC`, `TCFLSH`, `TIOCSPGRP`, `TIOCOUTQ`, `TIOCSWINSZ`, `TCSBRKP`, `TIOCGSID`, and `TCSETS2`, `TCSETSW2`, `TCSETSF2`.
const REQUESTS: [u64; 14] =
    [0x5402, 0x5403, 0x5404, 0x5409, 0x540a, 0x540b, 0x5410, 0x5411, 0x5414, 0x5425, 0x5429, 0x402c_542b, 0x402c_542c, 0x402c_542d];

/// The grant of a run that has a terminal of its own: its modes, its size, its foreground group.
#[must_use]
pub fn of_a_terminal() -> Grant {
    let when = vec![Condition { arg: 1, op: Comparison::OneOf(REQUESTS.to_vec()) }];
    Grant {
        call: "ioctl".to_owned(),
        when,
        reason: Some("sets the modes, the size and the foreground group of the run's own terminal".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn it_types_nowhere_and_takes_no_other_terminal() {
        let Some(Condition { arg: 1, op: Comparison::OneOf(requests) }) = of_a_terminal().when.pop() else { panic!("one condition") };
        for (name, request) in
            [("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541c), ("TIOCSETD", 0x5423), ("TIOCCONS", 0x541d), ("TIOCSCTTY", 0x540e)]
        {
            assert!(!requests.contains(&request), "{name}");
        }
        assert!(requests.contains(&0x5402) && requests.contains(&0x5410), "modes and the foreground group");
    }
}
