//! The learner: lines from runs, each placed beside the others as the file can say it and the ceilings allow.
//!
//! Always holds: the text of a proposal is what the editor made of the file and the loader read; a line that would go beyond a ceiling is never in it.

use remand_policy::ceiling::exceeding;
use remand_policy::load::{Chain, parse};
use remand_policy::policy::Policy;
use remand_policy::text::Problem;
use serde_json::Value;

use super::{Change, HostSize, Line, Run, Standing, calls, imports, limits, mounts, network};
use crate::edit;

/// What learning starts from.
pub struct Start {
    /// The policy file with its bases.
    pub chain: Chain,
    /// Its policy's name.
    pub name: String,
    /// What no proposal may exceed; the file itself is within.
    pub ceilings: Vec<Policy>,
    /// How far limits can be raised.
    pub host: HostSize,
    /// Dangerous grants are tried and proposed.
    pub try_dangerous: bool,
}

/// Most lines of a proposal.
const LINES: usize = 64;

/// A proposal that grows.
pub struct Learner {
    start: Start,
    text: String,
    base: Policy,
    lines: Vec<Line>,
    measured: limits::Measured,
}

impl Learner {
    /// Nothing learned yet.
    ///
    /// # Errors
    /// The file is no policy.
    pub fn new(start: Start) -> Result<Self, Vec<Problem>> {
        let base = parse(&start.chain, &start.name)?;
        let text = start.chain.files.first().map_or_else(String::new, |file| String::from_utf8_lossy(&file.text).into_owned());
        Ok(Self { start, text, base, lines: Vec::new(), measured: limits::Measured::default() })
    }

    /// The policy that the file says now.
    #[must_use]
    pub fn base(&self) -> &Policy {
        &self.base
    }

    /// The file with what is proposed.
    ///
    /// # Errors
    /// The text is written in a way that the editor cannot change.
    pub fn text(&self) -> Result<String, Vec<Problem>> {
        self.text_of(self.proposed().map(|line| &line.change))
    }

    /// The policy of [`Self::text`].
    ///
    /// # Errors
    /// As there.
    pub fn policy(&self) -> Result<Policy, Vec<Problem>> {
        self.read(self.text()?)
    }

    /// Takes in a run under the trial; whether the trial changed.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn learn(&mut self, run: &Run<'_>) -> Result<bool, Vec<Problem>> {
        let before = self.text()?;
        if run.done {
            self.measured.take(run.outcome);
        }
        let kills = self.base.syscalls.rules.kill.clone();
        let asked = [
            calls::asked(run, &kills),
            imports::asked(run).into_iter().collect(),
            network::asked(run).into_iter().collect(),
            mounts::asked(run),
            limits::asked(run, &self.start.host),
        ];
        for line in asked.into_iter().flatten() {
            self.take(line, run.done);
        }
        for line in mounts::directories(&self.lines, run) {
            self.take(line, false);
        }
        Ok(self.text()? != before)
    }

    /// A mount that the plan could not make is refused; whether there was one.
    pub fn refuse_mount(&mut self, target: &str, because: &str) -> bool {
        let at = |line: &&mut Line| mounts::target(line) == Some(target);
        let Some(line) = self.lines.iter_mut().find(at) else { return false };
        line.standing = Standing::Refused { because: because.to_owned() };
        true
    }

    /// Limits that were raised step by step, or nearly met, become what was measured with headroom; with `tighten`, others are lowered to that.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn settle(&mut self, tighten: bool) -> Result<(), Vec<Problem>> {
        for (index, change) in limits::settled(&self.lines, &self.measured, &self.start.host) {
            let fits = self.placed(&change, Some(index));
            if let (Some(line), Some((change, Standing::Proposed))) = (self.lines.get_mut(index), fits) {
                line.change = change;
            }
        }
        for line in limits::close(&self.policy()?, &self.lines, &self.measured, &self.start.host) {
            self.take(line, false);
        }
        if tighten {
            let policy = self.policy()?;
            for line in limits::tightened(&policy, &self.measured) {
                self.take(line, false);
            }
        }
        Ok(())
    }

    /// Positions of the proposed changes whose need is only suspected; limits were proven by their counters.
    #[must_use]
    pub fn doubtful(&self) -> Vec<usize> {
        let doubtful = |line: &Line| line.standing == Standing::Proposed && matches!(line.change, Change::Add { .. });
        (0..self.lines.len()).rev().filter(|index| self.lines.get(*index).is_some_and(doubtful)).collect()
    }

    /// Takes a change out of the proposal, or puts it back.
    pub fn set_needed(&mut self, index: usize, needed: bool) {
        if let Some(line) = self.lines.get_mut(index) {
            line.standing = if needed { Standing::Proposed } else { Standing::Unneeded };
        }
    }

    /// Everything that was asked for.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The file's text before.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.text
    }

    fn proposed(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.standing == Standing::Proposed)
    }

    fn take(&mut self, mut line: Line, finished: bool) {
        if let Some(same) = self.lines.iter_mut().find(|same| same.change == line.change) {
            for need in std::mem::take(&mut line.needs) {
                if same.needs.iter().all(|known| known.input != need.input) {
                    same.needs.push(need);
                }
            }
            // Where one input finished without it, another may not.
            if same.standing != Standing::Unneeded || finished {
                return;
            }
            line.needs = std::mem::take(&mut same.needs);
            let gone = line.change.clone();
            self.lines.retain(|same| same.change != gone);
        }
        if line.standing == Standing::Dangerous && self.start.try_dangerous {
            line.standing = Standing::Proposed;
        }
        if line.standing == Standing::Proposed && finished {
            line.standing = Standing::Unneeded;
        }
        if line.standing == Standing::Proposed {
            mounts::absorb(&mut self.lines, &mut line);
        }
        // Each line is tried beside all others, which a job must not make slow; nobody reads more of them either.
        if line.standing == Standing::Proposed && self.lines.iter().filter(|line| line.standing == Standing::Proposed).count() >= LINES {
            line.standing = Standing::Refused { because: format!("{LINES} lines are proposed already; write this one by hand") };
        }
        // The last value of a limit is the one that counts.
        let raised = |old: &Line| {
            matches!((&old.change, &line.change), (Change::Set { field, .. }, Change::Set { field: new, .. }) if field == new)
                && old.standing == Standing::Proposed
        };
        let old = self.lines.iter().position(raised);
        if line.standing == Standing::Proposed {
            let unfit = || (line.change.clone(), Standing::Refused { because: "it does not fit beside what the file says".into() });
            (line.change, line.standing) = self.placed(&line.change, old).unwrap_or_else(unfit);
        }
        let Some(slot) = old.filter(|_| line.standing == Standing::Proposed).and_then(|old| self.lines.get_mut(old)) else {
            if self.lines.iter().all(|same| same.change != line.change) {
                self.lines.push(line);
            }
            return;
        };
        if let (Change::Set { was, .. }, Change::Set { was: first, .. }) = (&mut line.change, &slot.change) {
            was.clone_from(first);
        }
        line.needs.splice(0..0, std::mem::take(&mut slot.needs));
        *slot = line;
    }

    /// A change beside the proposed ones (instead of the one at `index`) as far as the ceiling lets it; `None` if the file cannot say it.
    fn placed(&self, change: &Change, index: Option<usize>) -> Option<(Change, Standing)> {
        let excess = self.excess(change, index)?;
        let Some(most) = excess else { return Some((change.clone(), Standing::Proposed)) };
        if let Change::Set { field, was, .. } = change
            && let Ok(highest) = serde_json::from_str::<Value>(&most)
        {
            let clamped = Change::Set { field, was: was.clone(), value: highest };
            let held = index.and_then(|index| self.lines.get(index)).is_some_and(|line| line.change.value() == clamped.value());
            if clamped.value() != was && !held && self.excess(&clamped, index)?.is_none() {
                return Some((clamped, Standing::Proposed));
            }
        }
        Some((change.clone(), Standing::Beyond { most }))
    }

    /// The most that is allowed where the change is beyond the ceiling. Outer `None`: the text with it is no policy.
    fn excess(&self, change: &Change, index: Option<usize>) -> Option<Option<String>> {
        let others = self.lines.iter().enumerate().filter(|(at, line)| Some(*at) != index && line.standing == Standing::Proposed);
        let policy = self.read(self.text_of(others.map(|(_, line)| &line.change).chain([change])).ok()?).ok()?;
        Some(self.start.ceilings.iter().flat_map(|ceiling| exceeding(ceiling, &policy)).next().map(|excess| excess.most))
    }

    fn text_of<'l>(&self, changes: impl Iterator<Item = &'l Change>) -> Result<String, Vec<Problem>> {
        let file = self.start.chain.files.first().map_or_else(String::new, |source| source.file.clone());
        let failed = |problem: edit::EditError| vec![Problem { file: file.clone(), ..*problem }];
        changes.into_iter().try_fold(self.text.clone(), |text, change| match change {
            // A target has one mount.
            Change::Add { field, value } => match mounts::place(change).filter(|place| self.mounted(place)) {
                Some(place) => edit::replace(&text, field, place, value).map_err(failed),
                None => edit::add(&text, field, value, None).map_err(failed),
            },
            Change::Set { field, value, .. } => edit::set(&text, field, value).map_err(failed),
        })
    }

    fn mounted(&self, place: &str) -> bool {
        self.base.filesystem.mounts.iter().any(|mount| mount.target == place)
    }

    fn read(&self, text: String) -> Result<Policy, Vec<Problem>> {
        parse(&self.start.chain.with(text), &self.start.name)
    }
}
