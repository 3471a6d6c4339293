//! Lines of the log, as n8n and its launcher read them from a runner's standard output.
//!
//! Always holds: a line is one line, whatever the broker or a task wrote; the level comes first, and a time only where somebody looks on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use remand_policy::text::terminal::escape_line;

use crate::settings::Level;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Least of what is written.
    pub least: Level,
    /// With a time.
    pub times: bool,
    /// With colours.
    pub colors: bool,
}

/// Where lines go.
pub struct Log<'s> {
    form: Form,
    say: &'s dyn Fn(&str),
}

impl<'s> Log<'s> {
    /// In this form; each line comes without its end.
    pub fn new(form: Form, say: &'s dyn Fn(&str)) -> Self {
        Self { form, say }
    }

    /// Something happened.
    pub fn say(&self, level: Level, line: &str) {
        if level >= self.form.least {
            (self.say)(&written(self.form, level, line, SystemTime::now()));
        }
    }
}

fn written(form: Form, level: Level, line: &str, now: SystemTime) -> String {
    let (name, color) = match level {
        Level::Debug => ("DEBUG", "36"),
        Level::Info => ("INFO", "32"),
        Level::Warning => ("WARN", "33"),
        Level::Error => ("ERROR", "31"),
    };
    let line = escape_line(line);
    let name = if form.colors { format!("\u{1b}[{color}m{name:<5}\u{1b}[0m") } else { format!("{name:<5}") };
    if form.times { format!("{} {name} {line}", time(now)) } else { format!("{name} {line}") }
}

/// As RFC 3339 has it, in UTC.
fn time(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days since the first of March of the year 0, of which 400 years have 146,097.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// A length of time as n8n's runner writes it.
#[must_use]
pub fn duration(length: Duration) -> String {
    match (length.as_millis(), length.as_secs()) {
        (ms, 0) => format!("{ms}ms"),
        (_, seconds @ 1..60) => format!("{seconds}s"),
        (_, seconds) => format!("{}m", seconds / 60),
    }
}

/// A size as n8n's runner writes it.
#[must_use]
#[allow(clippy::cast_precision_loss)] // one decimal of it is shown
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let form = Form { least: Level::Info, times: false, colors: false };
        assert_eq!(written(form, Level::Info, "a\nb", UNIX_EPOCH), "INFO  a\\nb");
        let now = UNIX_EPOCH + Duration::from_millis(1_709_210_096_007);
        let form = Form { times: true, colors: true, ..form };
        assert_eq!(written(form, Level::Error, "x", now), "2024-02-29T12:34:56.007Z \u{1b}[31mERROR\u{1b}[0m x");
        assert_eq!(time(UNIX_EPOCH + Duration::from_secs(946_684_799)), "1999-12-31T23:59:59.000Z");
        assert_eq!(time(UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn less_than_the_least_is_not_written() {
        let said = std::cell::RefCell::new(Vec::new());
        let say = |line: &str| said.borrow_mut().push(line.to_owned());
        let log = Log::new(Form { least: Level::Warning, times: false, colors: false }, &say);
        log.say(Level::Info, "x");
        log.say(Level::Warning, "y");
        assert_eq!(*said.borrow(), ["WARN  y"]);
    }

    #[test]
    fn lengths_and_sizes_are_n8ns() {
        let ms = |ms| duration(Duration::from_millis(ms));
        assert_eq!([ms(187), ms(1900), ms(59_999), ms(150_000)], ["187ms", "1s", "59s", "2m"]);
        assert_eq!([size(44), size(2970), size(1_048_576)], ["44 bytes", "2.9 KB", "1.0 MB"]);
    }
}
