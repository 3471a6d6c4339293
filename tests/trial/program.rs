//! Programs that a test makes and starts.
//!
//! Always holds: the file is written by another process. A file that this one had open for writing would be so in whatever its other threads were
//! starting at that moment (a child has its parent's descriptors until it executes), and the kernel executes nothing that is open for writing
//! (ETXTBSY, "Text file busy").

use std::io::{Error, Result, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Writes a program, for everybody to execute.
///
/// # Errors
/// Why it cannot be written.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Result<()> {
    let mut writer = shell("cat >\"$1\" && chmod 755 \"$1\"").arg(path.as_ref()).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = writer.stdin.take() {
        input.write_all(content.as_ref())?;
    }
    done(writer, path.as_ref())
}

/// Copies a program, for everybody to execute.
///
/// # Errors
/// Why it cannot be copied.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    done(shell("cp \"$1\" \"$2\" && chmod 755 \"$2\"").args([from.as_ref(), to.as_ref()]).spawn()?, to.as_ref())
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]);
    command
}

fn done(mut child: Child, path: &Path) -> Result<()> {
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(Error::other(format!("cannot make the program {}: {status}", path.display()))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_program_starts_while_other_threads_start_others() -> Result<()> {
        // Large, so that writing takes a while.
        let script = "#!/bin/sh\nexit\n".to_owned() + &"#".repeat(1 << 20);
        let path = std::env::temp_dir().join(format!("remand-program-{}", std::process::id()));
        let (stop, own) = (AtomicBool::new(false), || -> Result<()> {
            for _ in 0..50 {
                write(&path, &script)?;
                done(Command::new(&path).spawn()?, &path)?;
            }
            std::fs::remove_file(&path)
        });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let _ = Command::new("/bin/true").status();
                    }
                });
            }
            let said = own();
            stop.store(true, Ordering::Relaxed);
            said
        })
    }
}
