//! What this process may do: nothing that whoever started it may not; and no more than it still has to, once its run has begun.

use remand_jail::rights;

use crate::failure::Failure;
use crate::print;

/// A copy with a set-user-id bit or file capabilities would do for everybody what its owner may do.
pub fn none_gained() -> Result<(), Failure> {
    let Some(how) = rights::gained().map_err(Failure::internal)? else { return Ok(()) };
    Err(Failure {
        hint: Some(
            "remand is not made to be installed set-user-id, set-group-id or with file capabilities: take them off (chmod ug-s, setcap -r) and \
             start it with sudo, or as an ordinary user; ordinary users will be served by the privileged helper's socket, once there is one"
                .into(),
        ),
        ..Failure::rights(format!("refused: {how}"))
    })
}

/// Gives up what only the start of a run takes; says so if the kernel refuses.
pub fn give_up() {
    if let Err(error) = rights::keep_for_the_end() {
        print::stderr(&format!("remand: capabilities that are needed no more cannot be given up: {error}\n"));
    }
}
