//! Variables of the environment, and files in their place.

use std::fs::File;
use std::io::Read;

/// Largest file that stands in a variable's place.
const LARGEST: u64 = 1 << 20;

/// What cannot be used, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// Where values come from.
pub struct Variables<'v> {
    /// What a variable says.
    pub variable: &'v dyn Fn(&str) -> Option<String>,
    /// What a file holds.
    pub file: &'v dyn Fn(&str) -> Result<String, String>,
}

/// This process's own.
#[must_use]
pub fn environment() -> Variables<'static> {
    Variables { variable: &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()), file: &read }
}

fn read(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 > LARGEST { Err(format!("larger than {LARGEST} bytes")) } else { Ok(text) }
}

impl Variables<'_> {
    /// A variable's own value, even an empty one; else what the file holds that `NAME_FILE` names, without blanks around it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn text(&self, name: &str) -> Result<Option<String>, Unusable> {
        if let Some(text) = (self.variable)(name) {
            return Ok(Some(text));
        }
        let beside = format!("{name}_FILE");
        let Some(path) = (self.variable)(&beside) else { return Ok(None) };
        let text = (self.file)(&path).map_err(|why| Unusable(format!("Failed to read {beside} from file {path}: {why}")))?;
        Ok(Some(text.trim().to_owned()))
    }

    /// A whole number.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, name: &str, default: i64) -> Result<i64, Unusable> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        text.trim().parse().map_err(|_| Unusable(format!("Environment variable {name} must be an integer, got '{text}'")))
    }

    /// `true`, in any case, or false.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Unusable> {
        Ok(self.text(name)?.map_or(default, |text| text.trim().eq_ignore_ascii_case("true")))
    }
}
