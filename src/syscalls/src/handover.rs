//! What a start needs of a filter that is in force already: one `sendmsg`, by which the executor process hands the filter's listener over.
//!
//! Always holds: the policy's own filter follows unchanged and decides everything else. The one call is known by a key of 192 random bits, in registers that
//! the kernel hands to filters and `sendmsg` itself ignores: no rule about a descriptor's number is needed, and the code of a run, whose memory and registers
//! are new after `execve`, has no key. All words of the key are compared before the answer, so that its time tells nothing about a part of it.

use crate::arch::Arch;
use crate::bpf::{Instruction, code};
use crate::names::number;
use crate::seccomp::{ALLOW, ARCH, ARGUMENTS, NUMBER, audit_arch};

/// What the fourth, fifth and sixth register hold in the one call.
pub type Key = [u64; 3];

/// Instructions that stand before the policy's own.
pub(crate) const LENGTH: usize = 8 + 6 * COMPARED;
/// Instructions that look at one word.
const COMPARED: usize = 5;
/// The register that `sendmsg` is the first to ignore.
const FIRST: u32 = 3;

/// A policy's filter for a start with this key.
#[must_use]
pub fn with_handover(filter: &[Instruction], arch: Arch, key: Key) -> Vec<Instruction> {
    let Some(sendmsg) = number(arch, "sendmsg") else { return filter.to_vec() };
    let plain = |code, k| Instruction { code, jt: 0, jf: 0, k };
    // Jumps count what they skip; the filter of the policy begins at LENGTH.
    let unless = |at: usize, k| Instruction { jf: u8::try_from(LENGTH - at - 1).unwrap_or(u8::MAX), ..plain(code::JEQ_K, k) };
    let mut program = vec![
        plain(code::LD_ABS, NUMBER),
        unless(1, sendmsg),
        plain(code::LD_ABS, ARCH),
        unless(3, audit_arch(arch)),
        plain(code::LD_IMM, 0),
        plain(code::ST, 0),
    ];
    let words = key.iter().flat_map(|word| word.to_le_bytes().as_chunks::<4>().0.to_vec()).map(u32::from_le_bytes);
    for (offset, word) in (ARGUMENTS + 8 * FIRST..).step_by(4).zip(words) {
        program.extend([
            plain(code::LD_ABS, offset),
            plain(code::XOR_K, word),
            plain(code::LDX_MEM, 0),
            plain(code::OR_X, 0),
            plain(code::ST, 0),
        ]);
    }
    program.extend([unless(LENGTH - 2, 0), plain(code::RET_K, ALLOW)]);
    program.extend_from_slice(filter);
    program
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bpf::{MAX_LENGTH, SeccompData, check, run};
    use crate::tests::{safe_groups, section};
    use crate::{KILL, NOTIFY, Rules, compile};

    const KEY: Key = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x0f1e_2d3c_4b5a_6978];

    fn rules() -> [Rules; 3] {
        [
            section(&safe_groups(), &[], &[]),
            section(&["@io", "sendmsg", "sendmmsg"], &["sendmsg", "sendmmsg"], &["ptrace"]),
            section(&[], &[], &[]),
        ]
    }

    fn data(arch: Arch, call: &str, args: [u64; 6]) -> SeccompData {
        SeccompData { nr: number(arch, call).unwrap(), arch: audit_arch(arch), instruction_pointer: 0, args }
    }

    #[test]
    fn only_the_whole_key_opens_and_only_one_call() {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            for rules in rules() {
                let own = compile(&rules, arch).unwrap();
                let program = with_handover(&own, arch, KEY);
                check(&program).unwrap();
                assert_eq!(program.len(), own.len() + LENGTH);
                let [a, b, c] = KEY;
                let answer = |data: SeccompData| run(&program, &data).unwrap();
                assert_eq!(answer(data(arch, "sendmsg", [7, 1, 2, a, b, c])), ALLOW);
                for bit in 0..192 {
                    let mut args = [5, 1, 2, a, b, c];
                    args[3 + bit / 64] ^= 1 << (bit % 64);
                    assert_eq!(answer(data(arch, "sendmsg", args)), NOTIFY, "{rules:?}: without bit {bit}");
                }
                // By no descriptor: 0 to 5 and what dup2 could make of them.
                for fd in 0..300 {
                    for args in [[fd, 0, 0, 0, 0, 0], [fd, 1, 2, 3, 4, 5], [fd; 6]] {
                        assert_eq!(answer(data(arch, "sendmsg", args)), NOTIFY, "{rules:?}: {args:?}");
                    }
                }
                assert_eq!(answer(data(arch, "sendmmsg", [5, 1, 2, a, b, c])), NOTIFY);
                assert_eq!(answer(SeccompData { arch: 0x4000_0003, ..data(arch, "sendmsg", [5, 1, 2, a, b, c]) }), KILL);
            }
        }
    }

    #[test]
    fn every_other_call_is_answered_by_the_policy() {
        let own = compile(&section(&safe_groups(), &[], &[]), Arch::X86_64).unwrap();
        let program = with_handover(&own, Arch::X86_64, KEY);
        for nr in (0..1024).filter(|nr| *nr != 46) {
            for args in [[0; 6], [1; 6], [u64::MAX; 6], [1, 1, 1, KEY[0], KEY[1], KEY[2]]] {
                let data = SeccompData { nr, arch: audit_arch(Arch::X86_64), instruction_pointer: 0, args };
                assert_eq!(run(&program, &data), run(&own, &data), "{nr} {args:x?}");
            }
        }
    }

    #[test]
    fn the_longest_filter_has_room_for_it() {
        let longest = vec![Instruction { code: code::RET_K, jt: 0, jf: 0, k: ALLOW }; MAX_LENGTH - LENGTH];
        check(&with_handover(&longest, Arch::X86_64, KEY)).unwrap();
    }
}
