//! Probes: one attack or one honest program per file, built into the test binary so that it runs from any directory and as any user.

/// One file of `probes/`.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The file's stem.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// A probe by its file's stem.
#[macro_export]
macro_rules! probe {
    ($name:literal) => {
        $crate::probe::Probe { name: $name, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/probes/", $name, ".py")) }
    };
}

impl Probe {
    /// Catalogue ids, from the first line: `# S1, K2: what it does`.
    #[must_use]
    pub fn ids(&self) -> Vec<&'static str> {
        let first = self.text.lines().next().unwrap_or("");
        let list = first.trim_start_matches('#').split(':').next().unwrap_or("");
        list.split(',').map(str::trim).filter(|id| is_id(id)).collect()
    }

    /// What is run: the probe, behind the raw system calls where it asks for them.
    #[must_use]
    pub fn code(&self) -> String {
        let native = self.text.lines().any(|line| line == "# needs: native");
        if native {
            format!("{}\n{}", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/native.py")), self.text)
        } else {
            self.text.to_owned()
        }
    }
}

/// `S1`, or an item of an issue, as `9.7`.
fn is_id(text: &str) -> bool {
    if let Some((issue, item)) = text.split_once('.') {
        let plain = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || letter.is_ascii_lowercase());
        return issue.parse::<u32>().is_ok() && plain(item);
    }
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && !letters.as_str().is_empty()
        && letters.all(|rest| rest.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_the_first_line() {
        assert_eq!(Probe { name: "x", text: "# S1, K12: does this, too\n# Z9: no\n" }.ids(), ["S1", "K12"]);
        assert_eq!(Probe { name: "x", text: "# 9.e, 9.12: of an issue\n" }.ids(), ["9.e", "9.12"]);
        assert!(Probe { name: "x", text: "# honest: S1 is not meant\n" }.ids().is_empty());
        assert!(Probe { name: "x", text: "" }.ids().is_empty());
    }

    #[test]
    fn native_calls_stand_before_a_probe_that_asks_for_them() {
        assert!(Probe { name: "x", text: "# S1: x\n# needs: native\nreturn 1\n" }.code().contains("def syscall"));
        assert_eq!(Probe { name: "x", text: "return 1\n" }.code(), "return 1\n");
    }
}
