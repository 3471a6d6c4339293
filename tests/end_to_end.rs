//! End-to-end tests of the built command, as whatever user runs them: one trial per technique, one module per mechanism.
//!
//! Always holds: a trial that needs what the host lacks is skipped by name; every catalogue id that we promise to try is tried by some trial.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // test code: a panic is a failed test

mod artifacts;
mod asking;
mod catalogue;
mod ceiling;
mod cgroup_tree;
mod cgroups;
mod command_line;
mod compile;
mod containers;
mod display;
mod doctor;
mod endings;
mod errors;
mod files;
mod filesystem;
mod forkserver;
mod guest;
mod here;
mod interpreters;
mod isolation;
mod jobs;
mod judge;
mod learn;
mod levels;
mod libraries;
mod lifecycle;
mod limits;
mod locks;
mod machine;
mod n8n;
mod n8n_tasks;
mod oci;
mod offers;
mod output;
mod policies;
mod programs;
mod python;
mod quiet;
mod reading;
mod readme;
mod relay;
mod requests;
mod results;
mod serve;
mod snippets;
mod soak;
mod start;
mod surroundings;
mod syscalls;
mod teardown;
mod terminal;
mod troubleshooting;
mod tty;
mod values;
mod via;
mod whereabouts;

use libtest_mimic::{Arguments, Trial};
use remand_tests::technique;

fn main() {
    if std::env::args().nth(1).is_some_and(|word| word == guest::WORD) {
        return guest::be_one();
    }
    if serve::hostile::began() {
        return;
    }
    let mut args = Arguments::from_args();
    args.test_threads = args.test_threads.or(Some(2));
    libtest_mimic::run(&args, trials()).exit();
}

fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = [
        technique::trials("syscalls", syscalls::TABLE),
        technique::trials("filesystem", filesystem::TABLE),
        technique::trials("lifecycle", lifecycle::TABLE),
        technique::trials("limits", limits::TABLE),
        technique::trials("locks", locks::TABLE),
        technique::trials("results", results::TABLE),
        technique::trials("isolation", isolation::TABLE),
        technique::trials("endings", endings::TABLE),
        technique::trials("python", python::TABLE),
        artifacts::trials(),
        serve::trials(),
        files::trials(),
        filesystem::trials(),
        forkserver::trials(),
        lifecycle::trials(),
        limits::trials(),
        locks::trials(),
        cgroups::trials(),
        cgroup_tree::trials(),
        levels::trials(),
        results::trials(),
        isolation::trials(),
        python::trials(),
        interpreters::trials(),
        quiet::trials(),
        compile::trials(),
        jobs::trials(),
        judge::trials(),
        learn::trials(),
        command_line::trials(),
        policies::trials(),
        programs::trials(),
        machine::trials(),
        n8n::trials(),
        n8n_tasks::trials(),
        oci::trials(),
        containers::trials(),
        offers::trials(),
        output::trials(),
        here::trials(),
        snippets::trials(),
        soak::trials(),
        endings::trials(),
        errors::trials(),
        start::trials(),
        guest::trials(),
        doctor::trials(),
        asking::trials(),
        reading::trials(),
        readme::trials(),
        libraries::trials(),
        relay::trials(),
        requests::trials(),
        terminal::trials(),
        tty::trials(),
        display::trials(),
        teardown::trials(),
        surroundings::trials(),
        ceiling::trials(),
        troubleshooting::trials(),
        whereabouts::trials(),
        values::trials(),
        via::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    trials.push(catalogue::trial(&trials));
    trials
}
