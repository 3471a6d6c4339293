//! Where the code was, as its own process says: what CPython's faulthandler wrote into a pipe of its own.
//!
//! Always holds: a claim of the run, read as hostile; [`MOST`] bounds what is read of it, and what is not understood is left out.

use serde::{Deserialize, Serialize};

use remand_policy::places::WORKSPACE;

/// Most bytes that are read of it.
pub const MOST: usize = 64 << 10;
/// As many as faulthandler itself tells of.
const THREADS: usize = 100;
const FRAMES: usize = 100;
/// The name of the executor's own text.
const EXECUTOR: &str = "<remand>";

/// The stacks of the code's threads. A claim of the code's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Where {
    /// Each thread of Python's, as far as it was told.
    pub threads: Vec<Thread>,
}

/// The stack of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Thread {
    /// It is the one that was asked, or that failed.
    pub current: bool,
    /// Its calls, the last first.
    pub frames: Vec<Frame>,
}

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Frame {
    /// File of the function.
    pub file: String,
    /// Line, 1-based, where it is known.
    pub line: Option<u64>,
    /// Function.
    pub function: String,
}

impl Where {
    /// Reads what faulthandler writes; nothing where no stack is in it.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut threads: Vec<Thread> = Vec::new();
        for line in String::from_utf8_lossy(bytes).lines() {
            if line.starts_with("Fatal Python error: ") {
                threads.clear(); // what another process wrote before
            } else if let Some(current) = head(line) {
                threads.push(Thread { current, frames: Vec::new() });
            } else if let (Some(frame), Some(thread)) = (Frame::read(line), threads.last_mut()) {
                thread.frames.push(frame);
            }
        }
        threads.truncate(THREADS);
        threads.iter_mut().for_each(Thread::without_ours);
        threads.retain(|thread| !thread.frames.is_empty());
        (!threads.is_empty()).then_some(Self { threads })
    }

    /// Where the code's own text was, by the thread that was asked; else where that thread was.
    #[must_use]
    pub fn place(&self) -> Option<&Frame> {
        let thread = self.threads.iter().find(|thread| thread.current).or(self.threads.first())?;
        thread.frames.iter().find(|frame| frame.is_own()).or(thread.frames.first())
    }
}

impl Thread {
    /// Without the executor's calls, and the one that it was started by.
    fn without_ours(&mut self) {
        let started = |two: &[Frame]| matches!(two, [inner, outer] if inner.file == EXECUTOR && outer.file == "<string>");
        if self.frames.len() > 1 && self.frames.last_chunk::<2>().is_some_and(|two| started(two)) {
            self.frames.pop();
        }
        self.frames.retain(|frame| frame.file != EXECUTOR);
        self.frames.truncate(FRAMES);
    }
}

impl Frame {
    /// `  File "NAME", line N in FUNCTION`.
    fn read(line: &str) -> Option<Self> {
        let (file, rest) = line.strip_prefix("  File \"")?.rsplit_once("\", line ")?;
        let (number, function) = rest.split_once(" in ")?;
        Some(Self { file: plain(file), line: number.parse().ok(), function: plain(function) })
    }

    /// It is of the code's own text, not of a library.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !self.file.starts_with('/') && !self.file.starts_with("<frozen ")
            || self.file.strip_prefix(WORKSPACE).is_some_and(|rest| rest.starts_with('/'))
    }

    /// It is the text itself, not a function in it.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.function == "<module>" || self.file == "<code>" && self.function == "code"
    }
}

/// Whether a line begins the stack of a thread, and of the current one.
fn head(line: &str) -> Option<bool> {
    let thread = line.strip_suffix("(most recent call first):")?;
    let current = thread.starts_with("Current thread 0x");
    (current || thread.starts_with("Thread 0x")).then_some(current)
}

/// A name as it was: faulthandler writes what is no ASCII as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
fn plain(name: &str) -> String {
    let mut parts = name.split('\\');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = match part.as_bytes().first() {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let code = part.get(1..=digits).and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        match code.filter(|_| digits > 0).zip(part.get(digits + 1..)) {
            Some((letter, rest)) => {
                all.push(letter);
                all.push_str(rest);
            }
            None => {
                all.push('\\');
                all.push_str(part);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TOLD: &str = "Thread 0x00007f6e427b36c0 (most recent call first):
  File \"/usr/lib/python3.11/threading.py\", line 995 in _bootstrap

Current thread 0x00007f6e42a722c0 [python3] (most recent call first):
  File \"<remand>\", line 9 in send
  File \"/usr/lib/python3.11/json/decoder.py\", line ??? in decode
  File \"<code>\", line 2 in gr\\xf6\\xdfe\\u20ac
  File \"<code> \"x\\x0a\", line 3 in <module>
  File \"<code>\", line 4 in code
  File \"<remand>\", line 700 in call
  File \"<remand>\", line 900 in <module>
  File \"<string>\", line 5 in <module>
";

    #[test]
    fn stacks_without_what_is_ours() {
        let told = Where::read(TOLD.as_bytes()).unwrap();
        assert_eq!(told.threads.iter().map(|thread| (thread.current, thread.frames.len())).collect::<Vec<_>>(), [(false, 1), (true, 4)]);
        let frames = &told.threads[1].frames;
        assert_eq!((frames[0].line, frames[0].is_own()), (None, false));
        assert_eq!(told.place(), Some(&Frame { file: "<code>".into(), line: Some(2), function: "gr\u{f6}\u{df}e\u{20ac}".into() }));
        assert_eq!((frames[2].file.as_str(), frames[3].is_text()), ("<code> \"x\n", true));
    }

    #[test]
    fn a_program_of_an_argument_keeps_its_own_lines() {
        let told = "Current thread 0x1 (most recent call first):\n  File \"<string>\", line 7 in f\n  File \"<string>\", line 9 in <module>\n  \
                    File \"<remand>\", line 1 in evaluate\n  File \"<string>\", line 5 in <module>\n";
        let told = Where::read(told.as_bytes()).unwrap();
        assert_eq!(told.threads[0].frames.iter().map(|frame| frame.line).collect::<Vec<_>>(), [Some(7), Some(9)]);
    }

    #[test]
    fn hostile_text_is_bounded_and_nothing_is_nothing() {
        assert_eq!(Where::read(b""), None);
        assert_eq!(Where::read(b"\xff\xfe  File \"x\", line 1 in f\n"), None, "no thread");
        let flood = "Thread 0x1 (most recent call first):\n".to_owned() + &"  File \"f\", line 99999999999999999999 in x\n".repeat(1000);
        let told = Where::read(flood.repeat(300).as_bytes()).unwrap();
        assert!(told.threads.len() == THREADS && told.threads.iter().all(|thread| thread.frames.len() == FRAMES));
        let odd = "Current thread 0x1 (most recent call first):\n  File \"a\\\", line 1 in \\xzz\\u12\\\n";
        assert_eq!(Where::read(odd.as_bytes()).unwrap().place().unwrap().function, "\\xzz\\u12\\");
        let two = format!("{TOLD}Fatal Python error: Segmentation fault\n\n{TOLD}");
        assert_eq!(Where::read(two.as_bytes()), Where::read(TOLD.as_bytes()), "the last one counts");
    }
}
