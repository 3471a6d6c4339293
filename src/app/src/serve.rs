//! `remand serve`: the daemon.

use remand_serve::{Form, Places, ServeError, configured, serve as daemon};

use crate::args::{LogForm, ServeArgs};
use crate::failure::{Failure, NOT_STARTED};
use crate::policy::snippet;
use crate::print::{self, plain};
use crate::rights;

/// Is a front, where this process was started as one.
pub fn front() -> Option<u8> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != remand_serve::FRONT {
        return None;
    }
    if let Err(failure) = rights::none_gained() {
        print::failure(&failure);
        return Some(failure.code);
    }
    let user = words.next().and_then(|word| word.to_str()?.parse().ok());
    let done = remand_serve::front(user).map_err(|why| print::failure(&Failure::usage(plain(&why).into_owned())));
    Some(if done.is_ok() { 0 } else { NOT_STARTED })
}

/// Serves until a signal comes, or checks the configuration. Gives 0.
pub fn serve(args: ServeArgs) -> Result<u8, Failure> {
    let places = Places { socket: args.socket, config: args.config, everybody: args.allow_all_users };
    if args.check {
        let (_, file) = configured(&places).map_err(told)?;
        let file =
            file.map_or_else(|| "there is none: root and this user may run".to_owned(), |file| format!("{} can be used", file.display()));
        print::stdout(&format!("{}\n", plain(&file)))?;
        return Ok(0);
    }
    let form = if args.log == LogForm::Json { Form::Json } else { Form::Plain };
    daemon(&places, form, |line| print::stderr(&format!("{line}\n"))).map_err(told)?;
    Ok(0)
}

fn told(error: ServeError) -> Failure {
    match error {
        ServeError::Wrong { text, problems } => {
            let file = text.file.clone();
            Failure::usage(format!("{}:\n{}", plain(&file), snippet::told(&[text], &problems)))
        }
        other => Failure::usage(plain(&other.to_string()).into_owned()),
    }
}
