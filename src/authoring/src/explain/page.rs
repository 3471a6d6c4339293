//! The page that the sentences are written on: titles, sentences with the place that wrote what they tell, how a protection stands.
//!
//! Always holds: a protection is said to hold by what the plan says it rests on and never by what the policy asks for.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::plan::Plan;
use remand_policy::policy::{Enforce, Policy, Word};

/// Columns of the text.
pub(super) const WIDTH: usize = 110;

/// The text as it grows.
pub(super) struct Page<'p> {
    pub policy: &'p Policy,
    /// Where each value was written, by field.
    pub places: BTreeMap<String, String>,
    pub plan: Option<&'p Plan>,
    pub text: String,
}

impl Page<'_> {
    pub fn title(&mut self, title: &str) {
        let _ = write!(self.text, "\n{title}\n"); // writing to a String cannot fail
    }

    /// A sentence of its own.
    pub fn say(&mut self, sentence: impl AsRef<str>) {
        self.paragraph("- ", sentence.as_ref());
    }

    /// A sentence about a field, with its place.
    pub fn of(&mut self, field: &str, sentence: impl Display) {
        let place = self.place(field);
        self.say(format!("{sentence} [{place}]"));
    }

    /// Where a field was written; of a list, where its first entry was.
    pub fn place(&self, field: &str) -> &str {
        let place = self.places.get(field).or_else(|| self.places.get(&format!("{field}[0]")));
        place.map_or("floor", String::as_str)
    }

    /// How a protection stands, by its name in the plan: ` (cgroup v2 memory.max; required)`; without a plan, what the policy asks for.
    pub fn how(&self, protection: &Protection, asked: Option<Enforce>) -> String {
        let asked = asked.map(Enforce::word);
        let Some(plan) = self.plan else { return asked.map_or_else(String::new, |asked| format!(" ({asked})")) };
        let asked = asked.map_or_else(String::new, |asked| format!("; {asked}"));
        match plan.enforcement.get(protection) {
            Some(Enforcement::By(what)) => format!(" ({what}{asked})"),
            Some(Enforcement::Substitute { by, because }) => format!(" - HERE BY A SUBSTITUTE ({by}, since {because}{asked})"),
            Some(Enforcement::Absent(because)) => format!(" - NOT ENFORCED HERE ({because}{asked})"),
            None => format!(" - NOT ENFORCED HERE ({protection}{asked})"),
        }
    }

    /// Words of one paragraph, broken at the width.
    pub fn paragraph(&mut self, bullet: &str, text: &str) {
        let indent = " ".repeat(bullet.len());
        let mut line = bullet.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.text.push_str(&line);
                self.text.push('\n');
                line.clone_from(&indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }
}

/// `a, b and 3 more`.
pub(super) fn some<T: Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    let shown = all.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
