//! The one place that prints.
//!
//! Always holds: a closed or full standard output or standard error is an error, never a panic and never silent success; nothing that a run, a file or a
//! caller said reaches a terminal with its control characters alive; output is written whole, in one write where the kernel takes it and in portions where it is
//! a long record, unless the run was cancelled, another signal comes and nobody reads.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use clap::builder::StyledStr;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use remand_plan::event::Event;
use remand_policy::text::terminal::{escape, escape_line, one_line};
use serde::Serialize;

use crate::cancel::Cancel;
use crate::failure::Failure;

/// A pipe that polls as writable takes this many bytes without blocking (PIPE_BUF, and the smallest free space that counts as writable).
const PORTION: usize = 4096;
/// So much of a record is made before it is written.
const LONG: usize = 1 << 16;

/// Text of others, made fit for a line of ours.
pub fn plain(text: &str) -> Cow<'_, str> {
    escape_line(text)
}

/// Text of others with its lines kept.
pub fn lines(text: &str) -> String {
    escape(text).into_owned()
}

/// One JSON text and a newline on standard output.
pub fn json(text: &str) -> Result<(), Failure> {
    exact(format!("{}\n", one_line(text)).as_bytes())
}

/// An event as a line, without its end.
pub fn event(event: &Event<'_>) -> String {
    // Data of ours, which is always JSON.
    one_line(&serde_json::to_string(event).unwrap_or_default()).into_owned()
}

/// The same of a record, which is as long as what a run said: its JSON is made as it is written, and never there as a whole.
pub fn record(record: &impl Serialize) -> Result<(), Failure> {
    record_to(&io::stdout(), record).map_err(|errno| Failure::unwritten("standard output", errno))
}

/// The same to another place.
pub fn record_to(to: &impl AsFd, record: &impl Serialize) -> Result<(), Errno> {
    let mut line = RecordLine { to, waiting: Vec::new() };
    // Data of ours is always JSON: what can fail is the writing.
    let errno = |error: io::Error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    serde_json::to_writer(&mut line, record).map_err(|error| errno(error.into()))?;
    line.flush().map_err(errno)?;
    write_all(to, b"\n")
}

/// Where a record's JSON goes: text, in pieces that are whole characters.
struct RecordLine<'a, T> {
    to: &'a T,
    waiting: Vec<u8>,
}

impl<T: AsFd> io::Write for RecordLine<'_, T> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(text);
        if self.waiting.len() >= LONG {
            self.flush()?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(std::mem::take(&mut self.waiting)).map_err(io::Error::other)?;
        Ok(write_all(self.to, one_line(&text).as_bytes())?)
    }
}

/// Whether there is a standard output to answer on. Asked before anything is done, so that nothing is done for nothing.
pub fn can_answer() -> Result<(), Failure> {
    let flags = fcntl(io::stdout(), FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    if flags.is_ok_and(|flags| matches!(flags & OFlag::O_ACCMODE, OFlag::O_WRONLY | OFlag::O_RDWR) && !flags.contains(OFlag::O_PATH)) {
        return Ok(());
    }
    let hint = Some("nothing was done; redirect it to a file, or to /dev/null where nobody reads it".into());
    Err(Failure { hint, ..Failure::internal("cannot write to standard output: it is closed, or not open for writing".into()) })
}

/// Text for people on standard output.
pub fn stdout(text: &str) -> Result<(), Failure> {
    exact(escape(text).as_bytes())
}

/// Text of clap's, which has only what was made harmless before: help.
pub fn help(text: &StyledStr) -> Result<(), Failure> {
    exact(styled(text, &io::stdout()).as_bytes())
}

/// The same of what is wrong.
pub fn wrong(text: &StyledStr) {
    note(styled(text, &io::stderr()).as_bytes());
}

fn styled(text: &StyledStr, to: &impl RawStream) -> String {
    if colours(to) { text.ansi().to_string() } else { text.to_string() }
}

/// Whether colours are wanted there: NO_COLOR, CLICOLOR_FORCE and CLICOLOR say so, or a terminal that has some.
fn colours(to: &impl RawStream) -> bool {
    AutoStream::choice(to) != ColorChoice::Never
}

/// A line of a log that was made harmless before, on standard output. Nobody waits for who does not read it: what there is no room for is lost.
pub fn log(line: &str) {
    let stdout = io::stdout();
    let mut ready = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
    let room = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0);
    let end = (0..PORTION.min(line.len() + 1)).rev().find(|end| line.is_char_boundary(*end));
    if let Some(line) = line.get(..end.unwrap_or_default()).filter(|_| room) {
        let _ = write_all(&stdout, format!("{line}\n").as_bytes()); // a log that nobody takes any more ends nothing
    }
}

/// A file's content on standard output, byte for byte; a terminal gets it as text.
pub fn content(bytes: &[u8]) -> Result<(), Failure> {
    if io::stdout().is_terminal() { stdout(&String::from_utf8_lossy(bytes)) } else { exact(bytes) }
}

fn exact(bytes: &[u8]) -> Result<(), Failure> {
    write_all(&io::stdout(), bytes).map_err(|errno| Failure::unwritten("standard output", errno))
}

/// Text on standard error. What can't be written there is not forgotten: see [`lost`].
pub fn stderr(text: &str) {
    note(escape(text).as_bytes());
}

/// The same of what remand says of itself: no line of a run's begins as one of ours, so that only ours are coloured.
pub fn account(text: &str) {
    let text = escape(text);
    note(if colours(&io::stderr()) { painted(&text) } else { text.into_owned() }.as_bytes());
}

/// Our own name in red, where the ending of a run is told; what was denied in yellow; the run's words dim.
fn painted(text: &str) -> String {
    const STARTS: [(&str, &str); 3] = [("remand:", "1;31"), ("  denied:", "33"), ("|", "2")];
    let line = |line: &str| match STARTS.iter().find(|(start, _)| line.starts_with(start)) {
        Some(("|", colour)) => format!("\x1b[{colour}m{}\x1b[0m\n", line.trim_end_matches('\n')),
        Some((start, colour)) => format!("\x1b[{colour}m{start}\x1b[0m{}", line.get(start.len()..).unwrap_or_default()),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn note(bytes: &[u8]) {
    if write_all(&io::stderr(), bytes).is_err() {
        lose();
    }
}

/// Whether something could not be written to standard error.
pub fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Something could not be.
pub fn lose() {
    LOST.store(true, Ordering::Relaxed);
}

static LOST: AtomicBool = AtomicBool::new(false);

/// The signals that are held back while the answer is given: one more Ctrl-C must not cut off an answer that is being read, and must end one that is not.
static ANSWERING: OnceLock<Cancel> = OnceLock::new();

/// From here on this process does nothing but give its answer. Where no signal has come yet, the first one ends it as it would any other command.
pub fn answering(cancel: Cancel) {
    if cancel.came().is_some() {
        answering_whole(cancel);
    }
}

/// The same where the first one too ends nothing by itself: there is something to be put in order at the end.
pub fn answering_whole(cancel: Cancel) {
    while cancel.came().is_some() {} // those were for the run
    let _ = ANSWERING.set(cancel); // a second one is let go
}

/// Waits until something can be written without waiting for whoever reads, or a pipe that is read has ended.
///
/// # Errors
/// EINTR: a signal came that is to end this process, and nobody reads.
pub fn wait_for(reader: BorrowedFd<'_>) -> Result<(), Errno> {
    let cancel = ANSWERING.get().map(|cancel| PollFd::new(cancel.fd(), PollFlags::POLLIN));
    let mut fds: Vec<_> = [PollFd::new(reader, PollFlags::POLLOUT)].into_iter().chain(cancel).collect();
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) if fds.first().and_then(PollFd::any) == Some(false) => Err(Errno::EINTR),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Not by way of the standard library, which takes a descriptor that is not open for writing for one that swallows everything.
fn write_all(to: &impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        wait_for(to.as_fd())?;
        let portion = if ANSWERING.get().is_some() { bytes.get(..PORTION).unwrap_or(bytes) } else { bytes };
        match write(to, portion) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            // EAGAIN: somebody who shares it has made it non-blocking.
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A failure on standard error.
pub fn failure(failure: &Failure) {
    let mut text = format!("remand: {}\n", failure.message);
    if let Some(hint) = &failure.hint {
        let _ = writeln!(text, "  {hint}");
    }
    if !failure.message.is_empty() {
        account(&text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_is_ours_is_painted() {
        let text = "| x\nremand: over\n  denied: a\nbad remand: b\n";
        assert_eq!(painted(text), "\x1b[2m| x\x1b[0m\n\x1b[1;31mremand:\x1b[0m over\n\x1b[33m  denied:\x1b[0m a\nbad remand: b\n");
    }

    #[test]
    fn a_long_record_is_its_json() {
        let record = vec!["\u{1}\u{e9}\u{202e}\n\"".repeat(10_000), "x".to_owned()];
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let read = std::thread::spawn(move || io::read_to_string(std::fs::File::from(reader)).unwrap());
        record_to(&writer, &record).unwrap();
        drop(writer);
        let written = read.join().unwrap();
        assert_eq!(written, one_line(&serde_json::to_string(&record).unwrap()).into_owned() + "\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), record);
        let (reader, writer) = nix::unistd::pipe().unwrap();
        drop(reader);
        assert_eq!(record_to(&writer, &record), Err(Errno::EPIPE), "what cannot be written is told");
    }

    #[test]
    fn json_stays_the_same_value_on_one_harmless_line() {
        let json = "{\r\n\t\"a\u{9b}2J\u{7f}\": \"\u{202e}\\n\u{e9}\u{e0041}\"\n}";
        let line = one_line(json);
        assert_eq!(line, "{   \"a\\u009b2J\\u007f\": \"\\u202e\\n\u{e9}\\udb40\\udc41\" }");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(json), value(&line));
        assert!(matches!(one_line("[1, 2]"), Cow::Borrowed(_)));
    }
}
