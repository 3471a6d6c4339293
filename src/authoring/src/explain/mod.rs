//! A policy in sentences, by threat: what a run can read, write, reach, spend and call; why what is odd was granted; what is not protected.
//!
//! Always holds: every field of a policy has its sentence, with the place that wrote it. Where there is a plan, a protection is said to hold by what the
//! plan says it rests on and never by what the policy asks for. Whoever prints this escapes it: values are told as files write them.

mod calls;
mod choices;
mod files;
mod gaps;
mod odd;
mod page;
mod python;
mod reach;
mod spend;

use page::Page;
use remand_plan::plan::Plan;
use remand_policy::Policy;
use remand_policy::load::Loaded;
use remand_policy::text::terminal::escape_line;

use crate::show;

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
    python::result(&mut page);
    choices::choices(&mut page);
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

#[cfg(test)]
mod tests;
