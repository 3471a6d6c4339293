//! This host, looked at for real, as root, as an ordinary user, and in poorer surroundings.

use super::*;

#[test]
fn a_second_quick_look_sees_the_same() {
    assert_eq!(observe(Depth::Quick), observe(Depth::Quick));
}

#[test]
fn privilege_is_ids_for_runs() {
    let facts = observe(Depth::Full);
    assert_eq!(facts.run_ids == 0, !facts.privileged, "{facts:#?}");
    assert_eq!(own_ids(), remand_plan::own_ids(&facts));
}
