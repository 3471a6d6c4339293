//! One load of a program, and of libraries that it may load later, with every file that takes part.
//!
//! Always holds: objects are looked at breadth first, as loaders do, and each once; a name that is loaded already is not looked for again. The number of
//! objects is bounded, and so is the work (`Budget`): what is not found by then is missing.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use super::parse::Object;
use super::rules::Rules;
use super::search::{Link, Search};
use crate::interpreter::budget::Budget;
use crate::interpreter::reach::Reach;
use crate::interpreter::tree::resolve;

/// Most objects of the program, or of one library loaded later.
const MAX_OBJECTS: usize = 2048;
/// An object in memory.
struct Loaded {
    /// The path that it was found by.
    path: String,
    object: Rc<Object>,
    /// Who needs it.
    by: Option<usize>,
}

/// What is in memory, by all that it answers to.
#[derive(Default)]
struct Known {
    names: HashSet<String>,
    reals: HashSet<String>,
}

/// A name that was not found.
pub(super) struct Missing {
    by: usize,
    pub name: String,
}

/// The load.
pub(super) struct Load<'a> {
    search: Search<'a>,
    rules: &'a Rules,
    reach: &'a Reach<'a>,
    loaded: Vec<Loaded>,
    /// Of the program.
    base: Known,
    /// Of what is being loaded.
    now: Known,
    /// What the program itself lacks.
    pub missing: Vec<Missing>,
    /// Paths that every object was found by.
    pub names: BTreeSet<String>,
    /// Where these lead.
    pub reals: BTreeSet<String>,
}

impl<'a> Load<'a> {
    /// Loads a program (a real path) by its loader. `listed`: with the host's configuration of the loader.
    ///
    /// # Errors
    /// There is no such loader that a run may be shown.
    pub(super) fn new(program: &str, loader: &str, rules: &'a Rules, listed: bool, reach: &'a Reach<'a>) -> Result<Self, String> {
        let mut load = Self {
            search: Search::new(rules, listed, reach),
            rules,
            reach,
            loaded: Vec::new(),
            base: Known::default(),
            now: Known::default(),
            missing: Vec::new(),
            names: BTreeSet::new(),
            reals: BTreeSet::new(),
        };
        reach.budget.begin();
        let object = reach.object(program)?;
        load.loaded.push(Loaded { path: program.to_owned(), object, by: None });
        if !load.take(loader, None) {
            reach.complete(program)?;
            return Err(format!("{program} wants {loader:?} as its dynamic loader: {}", load.why_not(loader)));
        }
        load.missing = load.settle(0);
        reach.complete(program)?;
        load.base = std::mem::take(&mut load.now);
        Ok(load)
    }

    /// Loads libraries into the running program, each as if it were the first. One that takes too much work is loaded in part.
    ///
    /// # Errors
    /// All together take too much.
    pub(super) fn add(&mut self, also: &[String]) -> Result<(), String> {
        let program = self.loaded.len();
        // Whoever loads one by name may be the program, or a library without directories of its own.
        let named = also.iter().filter(|library| !library.contains('/')).flat_map(|name| [(name, Some(0)), (name, None)]);
        for (library, by) in also.iter().filter(|library| library.contains('/')).map(|path| (path, Some(0))).chain(named) {
            self.reach.budget.begin();
            self.now = Known::default();
            if library.contains('/') {
                self.take(library, by);
            } else {
                self.find(library, by);
            }
            self.settle(program);
            self.loaded.truncate(program);
            if self.reach.budget.is_all_out() {
                return Err(Budget::refused(library));
            }
        }
        self.reach.budget.end();
        Ok(())
    }

    /// Why the program cannot be loaded.
    pub(super) fn explain(&self, missing: &Missing) -> String {
        let by = self.loaded.get(missing.by).map_or("", |by| by.path.as_str());
        let places = self.search.places(&missing.name, &self.chain(Some(missing.by)));
        let there = places.into_iter().flatten().find(|path| resolve(path, &|path| self.reach.look(path)).is_some());
        let why = there
            .map_or_else(|| "which is nowhere that its loader looks".to_owned(), |path| format!("but {path}: {}", self.why_not(&path)));
        format!("{by} needs {}, {why}", missing.name)
    }

    fn why_not(&self, path: &str) -> String {
        let Some(found) = resolve(path, &|path| self.reach.look(path)) else { return "there is no such file".to_owned() };
        if let Some(own) = self.reach.own(&found) {
            return format!("{own} is the run's own, where this file is not; keep libraries elsewhere");
        }
        match (self.reach.closed(&found), self.reach.object(&found.real)) {
            (Some((place, mode)), _) => format!(
                "not everybody can reach and read {place} (mode {mode:04o}), and a run is shown what a file asks for only where everybody can; chmod o+rX it"
            ),
            (None, Err(reason)) => reason,
            (None, Ok(_)) => "it is no library".to_owned(),
        }
    }

    /// Looks at everything from an object on, in order. Gives what is missing.
    fn settle(&mut self, mut next: usize) -> Vec<Missing> {
        let mut missing = Vec::new();
        while let Some(object) = self.loaded.get(next).map(|loaded| Rc::clone(&loaded.object)) {
            for name in &object.filters {
                self.find(name, Some(next));
            }
            for name in &object.needed {
                if !self.find(name, Some(next)) {
                    missing.push(Missing { by: next, name: name.clone() });
                }
            }
            next += 1;
        }
        missing
    }

    /// Loads what is meant by a name, unless it is loaded. False if there is none.
    fn find(&mut self, name: &str, by: Option<usize>) -> bool {
        if !self.reach.budget.pay(name.len(), 0) {
            return false;
        }
        if self.rules.is_loader(name) || self.base.names.contains(name) || self.now.names.contains(name) {
            return true;
        }
        let chain = self.chain(by);
        if !self.reach.budget.pay(chain.len() * size_of::<Link<'_>>(), 0) {
            return false;
        }
        for place in self.search.places(name, &chain) {
            // Each of them: the processor decides which is loaded.
            let found = place.iter().filter(|path| self.take(path, by)).count();
            if found > 0 {
                self.now.names.insert(name.to_owned());
                return true;
            }
        }
        self.search.sought(name, &self.chain(by));
        false
    }

    /// Loads the library at a path, if it is one.
    fn take(&mut self, path: &str, by: Option<usize>) -> bool {
        let Some(found) = self.reach.content(path) else { return false };
        let Ok(object) = self.reach.object(&found.real) else { return false };
        if object.fixed || self.loaded.len() >= MAX_OBJECTS {
            return false;
        }
        self.names.insert(path.to_owned());
        if !self.base.reals.contains(&found.real) && self.now.reals.insert(found.real.clone()) {
            // musl goes by the names that were asked for.
            self.now.names.extend(object.soname.clone().filter(|_| !self.rules.musl));
            self.now.names.insert(path.to_owned());
            self.loaded.push(Loaded { path: path.to_owned(), object, by });
        }
        self.reals.insert(found.real);
        true
    }

    /// From an object to the program.
    fn chain(&self, by: Option<usize>) -> Vec<Link<'_>> {
        let mut chain = Vec::new();
        let mut next = by;
        while let Some(link) = next.and_then(|at| self.loaded.get(at)) {
            chain.push(Link { path: &link.path, object: &link.object });
            next = link.by;
        }
        chain
    }
}
