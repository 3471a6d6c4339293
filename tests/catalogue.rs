//! Which techniques of the catalogue the trials cover, by the ids in their names.

use libtest_mimic::Trial;
use remand_tests::ensure;

/// Ids that some trial must carry.
const REQUIRED: &str = "S1 S2 S3 S4 S5 S6 S8 S9 S12 S13 S14 K1 K2 K3 K4 K5 K6 K7 K8 K9 K12 F1 F2 F4 F6 F8 F9 F10 F11 F12 F13 F14 F17 \
    P1 P2 P3 P4 P5 P10 P11 P12 P13 P14 P15 R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R12 R14 O1 O2 O3 O4 O5 O6 O12 O14 \
    N1 N3 N6 N9 N10 N11 N12 N13 Y1 Y2 Y9 Y10 Y11 Y12 Y13 Y14 Y15 9.1 9.2 9.3 9.4 9.5 9.6 9.7 9.8 9.9 9.10 9.11 9.12 9.13 9.14 9.15 9.16 \
    9.a 9.b 9.c 9.d 9.e 9.g 9.i 9.17 9.18 9.19 9.21 9.23 9.27 9.28 9.29 9.31 9.33 9.40 9.41 9.42 9.44 9.45 9.50 9.51 9.60 9.61 9.76 \
    9.70 9.71 9.72 9.73 9.74";

/// A trial that fails where an id has none.
pub fn trial(trials: &[Trial]) -> Trial {
    let names: Vec<String> = trials.iter().map(|trial| trial.name().to_owned()).collect();
    remand_tests::trial("catalogue::every_promised_technique_is_tried", move || {
        let covered: Vec<&str> =
            names.iter().filter_map(|name| name.split_once('[')).flat_map(|(_, ids)| ids.trim_end_matches(']').split(' ')).collect();
        let missing: Vec<&str> = REQUIRED.split_whitespace().filter(|id| !covered.contains(id)).collect();
        ensure(missing.is_empty(), "every promised technique is tried", &missing)
    })
}
