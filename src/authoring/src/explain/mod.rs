//! A policy in sentences, by threat: what a run can read, write, reach, spend and call; why what is odd was granted; what is not protected.
//!
//! Always holds: every field of a policy has its sentence, with the place that wrote it. Where there is a plan, a protection is said to hold by what the
//! plan says it rests on and never by what the policy asks for. Whoever prints this escapes it: values are told as files write them.

mod calls;
mod files;
mod gaps;
mod odd;
mod python;
mod reach;
mod spend;

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use remand_plan::enforcement::Enforcement;
use remand_plan::plan::Plan;
use remand_policy::load::Loaded;
use remand_policy::policy::{Enforce, Policy, Word};
use remand_policy::text::terminal::escape_line;

use crate::show;

/// Columns of the text.
const WIDTH: usize = 110;

/// The text. `loaded` is what `policy` was narrowed from, or holds it itself; `plan` is what it means on this host, or why there is none here.
#[must_use]
pub fn text(policy: &Policy, loaded: &Loaded, plan: Result<&Plan, &str>) -> String {
    let places = show::values(policy, loaded).into_iter().map(|shown| (shown.field, shown.written.told())).collect();
    let mut page = Page { policy, places, plan: plan.ok(), text: String::new() };
    head(&mut page, plan);
    files::read(&mut page);
    files::write(&mut page);
    reach::reach(&mut page);
    spend::spend(&mut page);
    calls::call(&mut page);
    python::python(&mut page);
    odd::odd(&mut page);
    gaps::gaps(&mut page);
    page.text
}

fn head(page: &mut Page<'_>, plan: Result<&Plan, &str>) {
    let Policy { name, description, .. } = page.policy;
    page.paragraph("", &format!("{}: {}", escape_line(name), if description.is_empty() { "(no description)" } else { description }));
    match plan {
        Ok(_) => page.paragraph(
            "",
            "As it is enforced on this machine, for the user who asks. Behind each sentence stands what wrote it; floor: no file did.",
        ),
        Err(why) => page.paragraph(
            "",
            &format!(
                "NOTHING RUNS UNDER IT HERE: {}. So this says what the policy asks for, not what a kernel does.",
                why.trim_end_matches('.')
            ),
        ),
    }
}

/// The text as it grows.
struct Page<'p> {
    policy: &'p Policy,
    /// Where each value was written, by field.
    places: BTreeMap<String, String>,
    plan: Option<&'p Plan>,
    text: String,
}

impl Page<'_> {
    fn title(&mut self, title: &str) {
        let _ = write!(self.text, "\n{title}\n"); // writing to a String cannot fail
    }

    /// A sentence of its own.
    fn say(&mut self, sentence: impl AsRef<str>) {
        self.paragraph("- ", sentence.as_ref());
    }

    /// A sentence about a field, with its place.
    fn of(&mut self, field: &str, sentence: impl Display) {
        let place = self.place(field);
        self.say(format!("{sentence} [{place}]"));
    }

    /// Where a field was written; of a list, where its first entry was.
    fn place(&self, field: &str) -> &str {
        let place = self.places.get(field).or_else(|| self.places.get(&format!("{field}[0]")));
        place.map_or("floor", String::as_str)
    }

    /// How a protection stands, by its name in the plan: ` (cgroup v2 memory.max; required)`; without a plan, what the policy asks for.
    fn how(&self, protection: &str, asked: Option<Enforce>) -> String {
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
    fn paragraph(&mut self, bullet: &str, text: &str) {
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
fn some<T: Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    let shown = all.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
