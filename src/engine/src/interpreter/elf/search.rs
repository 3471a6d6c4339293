//! Where a loader looks for one name that an object needs.
//!
//! Always holds: places come in the loader's order; a place is a list of paths of which the loader may take any, by the processor or by how it was
//! built. Relative paths are left out: they lead from the run's working directory.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::parse::{MAX_PATH, Object};
use super::rules::{LEVELS, Listing, OLD_LEVELS, PLATFORMS, Rules, libs};
use crate::interpreter::reach::Reach;
use crate::interpreter::tree::resolve;

/// An object on the way from the program to what is looked for.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    /// The path that it was loaded by.
    pub path: &'a str,
    pub object: &'a Object,
}

/// A search by one loader's rules.
pub(super) struct Search<'a> {
    rules: &'a Rules,
    /// Whether the host's configuration of the loader is there.
    listed: bool,
    reach: &'a Reach<'a>,
    /// A directory with those below it that hold libraries for some processors only; nothing where there is none.
    levels: RefCell<HashMap<String, Rc<Vec<String>>>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(rules: &'a Rules, listed: bool, reach: &'a Reach<'a>) -> Self {
        Self { rules, listed, reach, levels: RefCell::default() }
    }

    /// Places for a name that the first of `chain` needs; each is needed by the next, the last is the program. Those that can be paid.
    pub(super) fn places(&self, name: &str, chain: &[Link<'_>]) -> Vec<Vec<String>> {
        if name.contains('/') {
            let by = chain.first().filter(|_| !self.rules.musl);
            let paths = by.map_or_else(|| vec![name.to_owned()], |by| expand(name, origin(by.path)));
            return vec![paths.into_iter().filter(|path| path.starts_with('/')).collect()];
        }
        let (mut places, mut seen) = (Vec::new(), HashSet::new());
        let directories = if self.rules.musl { self.musl(chain) } else { self.glibc(chain) };
        for place in directories {
            let mut place: Vec<String> = match place {
                Place::Directories(any) => {
                    // What was not found in a directory is not found there the second time.
                    let any = any.into_iter().filter(|one| seen.insert(one.clone()));
                    any.flat_map(|one| self.with_levels(&one).iter().map(|one| format!("{one}/{name}")).collect::<Vec<_>>()).collect()
                }
                Place::Listed { nodeflib } => self.listed(name, nodeflib),
            };
            place.retain(|path| path.len() < MAX_PATH);
            if !place.iter().all(|path| self.reach.budget.pay(path.len(), 0)) || self.reach.budget.is_out() {
                break;
            }
            if !place.is_empty() {
                places.push(place);
            }
        }
        places
    }

    /// Remembers where a name was looked for in vain: there may be such a library another time. Without its list, a loader finds less, and not for lack of it.
    pub(super) fn sought(&self, name: &str, chain: &[Link<'_>]) {
        if self.listed {
            let places = self.places(name, chain).into_iter().flatten();
            let directories = places.filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned()));
            self.reach.sought.borrow_mut().extend(directories.chain(self.rules.listing.iter().map(|(list, _)| list.clone())));
        }
    }

    /// What a part of a search path may stand for.
    fn part(&self, text: &str, origin: &str) -> Place {
        self.reach.budget.pay(text.len(), 0);
        Place::Directories(expand(text, origin))
    }

    /// `RPATH` of the object, and of those that led to it, unless the object has a `RUNPATH`; its `RUNPATH`; the cache; default directories.
    fn glibc<'c>(&'c self, chain: &'c [Link<'c>]) -> Box<dyn Iterator<Item = Place> + 'c> {
        let by = chain.first();
        let nodeflib = by.is_some_and(|by| by.object.nodeflib);
        let inherited = chain.iter().take_while(move |_| by.is_some_and(|by| by.object.runpath.is_none()));
        let inherited =
            inherited.filter_map(|link| Some((link.path, link.object.rpath.as_deref().filter(|_| link.object.runpath.is_none())?)));
        let own = by.and_then(|by| Some((by.path, by.object.runpath.as_deref()?)));
        let named = inherited.chain(own).flat_map(move |(path, list)| list.split(':').map(move |part| self.part(part, origin(path))));
        let defaults = self.rules.defaults.iter().filter(move |_| !nodeflib).map(|one| Place::Directories(vec![one.clone()]));
        Box::new(named.chain([Place::Listed { nodeflib }]).chain(defaults))
    }

    /// `RUNPATH` or else `RPATH` of the object and of those that led to it; configured directories, or else default ones.
    fn musl<'c>(&'c self, chain: &'c [Link<'c>]) -> Box<dyn Iterator<Item = Place> + 'c> {
        let lists = chain.iter().filter_map(|link| {
            let list = link.object.runpath.as_deref().or(link.object.rpath.as_deref())?;
            if list.len() > MAX_PATH || !self.reach.budget.pay(list.len(), 0) {
                return None;
            }
            let list = list.replace("${ORIGIN}", origin(link.path)).replace("$ORIGIN", origin(link.path));
            // It knows nothing else, and then ignores the whole list.
            (!list.contains('$') && list.len() <= MAX_PATH).then_some(list)
        });
        let named = lists.flat_map(|list| list.split([':', '\n']).map(str::to_owned).collect::<Vec<_>>());
        let last = match &self.rules.listing {
            Some((_, Listing::Directories(directories))) if self.listed => directories,
            _ => &self.rules.defaults,
        };
        // It knows no other variable, and so nothing is left to put in.
        Box::new(named.chain(last.iter().cloned()).map(|one| self.part(&one, "")))
    }

    fn listed(&self, name: &str, nodeflib: bool) -> Vec<String> {
        let Some((_, Listing::Cache(cache))) = self.rules.listing.as_ref().filter(|_| self.listed) else { return Vec::new() };
        let default =
            |path: &str| self.rules.defaults.iter().any(|one| path.rsplit_once('/').is_some_and(|(directory, _)| directory == one));
        cache.lookup(name).iter().filter(|path| path.starts_with('/') && !(nodeflib && default(path))).cloned().collect()
    }

    /// Best processors first, as glibc has it; musl knows none of them.
    fn with_levels(&self, directory: &str) -> Rc<Vec<String>> {
        let known = self.levels.borrow().get(directory).cloned();
        known.unwrap_or_else(|| {
            let mut all = Vec::new();
            if self.is_there(directory) {
                if !self.rules.musl {
                    let levels = LEVELS.iter().map(|level| format!("{directory}/glibc-hwcaps/{level}"));
                    all.extend(levels.filter(|level| self.is_there(level)));
                    self.old_levels(directory, OLD_LEVELS, &mut all);
                }
                all.push(directory.to_owned());
            }
            let all = Rc::new(all);
            self.levels.borrow_mut().insert(directory.to_owned(), Rc::clone(&all));
            all
        })
    }

    fn old_levels(&self, directory: &str, names: &[&str], all: &mut Vec<String>) {
        for (at, name) in names.iter().enumerate() {
            let below = format!("{directory}/{name}");
            if self.is_there(&below) {
                self.old_levels(&below, names.get(at + 1..).unwrap_or_default(), all);
                all.push(below);
            }
        }
    }

    fn is_there(&self, directory: &str) -> bool {
        resolve(directory, &|path| self.reach.look(path)).is_some()
    }
}

enum Place {
    /// Any of them may be the one that is meant.
    Directories(Vec<String>),
    /// What glibc's cache says.
    Listed { nodeflib: bool },
}

/// The directory of a path.
fn origin(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// What an absolute path with glibc's variables in it may stand for.
fn expand(text: &str, origin: &str) -> Vec<String> {
    if text.len() > MAX_PATH {
        return Vec::new();
    }
    let put = |text: &str, name: &str, value: &str| text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    let text = put(text, "ORIGIN", origin);
    let fits = |text: &String| text.starts_with('/') && text.len() <= MAX_PATH;
    if !text.contains('$') {
        return Some(text).into_iter().filter(fits).collect();
    }
    let mut all: Vec<String> = Vec::new();
    for lib in libs() {
        for platform in PLATFORMS {
            let one = put(&put(&text, "LIB", &lib), "PLATFORM", platform);
            if fits(&one) && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}
