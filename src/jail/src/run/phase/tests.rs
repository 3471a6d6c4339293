//! Every event in every phase.
#![allow(clippy::unwrap_used)]

use super::Action::{Abandon, AskWhere, Drain, Follow, Forget, Hasten, Kill, Look, Meter, Order, Watch, Weigh};
use super::Phase::{Ending, Gone, Running, Starting};
use super::Source::{Denial, Job, Leaving, Report, Result as Frames, Stacks, Stderr, Stdout};
use super::*;

const COURSE: Course =
    Course { program: false, tells: false, own_server: true, wall: Some(Duration::from_secs(5)), in_flight: true, counted_late: 5 };

fn at(seconds: u64) -> Moment {
    Moment::told(seconds * 1_000_000_000)
}

/// Where an event leads, and what is done; `None`: nothing.
type Then = Option<(Phase, Vec<Action>)>;

/// A machine after these events, each in a second of its own from 1 on; and the moment of the last.
fn after(course: Course, events: &[Event]) -> (Machine, Moment) {
    let mut machine = Machine::begin(course, at(0));
    let mut now = at(0);
    for (second, event) in (1..).zip(events) {
        now = at(second);
        machine.on(*event, now);
    }
    (machine, now)
}

/// What leads to each phase, with a forkserver of its own.
fn way(phase: Phase) -> Vec<Event> {
    let mut way = match phase {
        Starting(Start::Forkserver) => return Vec::new(),
        Starting(Start::Init) => return vec![Event::Served],
        _ => vec![Event::Served, Event::Made],
    };
    way.extend_from_slice(match phase {
        Starting(_) => &[],
        Running => &[Event::Executing, Event::Ready],
        Ending(End::Word) => &[Event::Ready, Event::Stop(Stop::Limit(LimitKind::WallTime))],
        Ending(End::Processes) => &[Event::Ready, Event::Stop(Stop::Limit(LimitKind::Memory))],
        Ending(End::Pipes) => &[Event::Ready, Event::Died],
        Ending(End::Memory) | Gone => {
            &[Event::Closed(Stacks), Event::Ready, Event::Died, Event::Closed(Frames), Event::Closed(Stdout), Event::Closed(Stderr)]
        }
    });
    if matches!(phase, Ending(End::Memory) | Gone) {
        way.push(Event::Closed(Report));
    }
    way.extend((phase == Gone).then_some(Event::Held(Some(0))));
    way
}

/// Each event once; `Round` in time.
fn events() -> Vec<Event> {
    vec![
        Event::Served,
        Event::Made,
        Event::Unmade,
        Event::Executing,
        Event::Ready,
        Event::Stop(Stop::Limit(LimitKind::CpuTime)),
        Event::Closed(Stdout),
        Event::Left,
        Event::Given,
        Event::Accounted(at(1)),
        Event::Died,
        Event::Held(Some(7)),
        Event::Round(true),
        Event::Told,
        Event::Near,
    ]
}

/// Phases with, for each event in the order of [`events`], where it leads and what is done. `None`: nothing.
#[test]
fn every_event_in_every_phase() {
    let nothing: Then = None;
    let same = |phase: Phase, actions: &[Action]| Some((phase, actions.to_vec()));
    let given_up = || Some((Gone, vec![Abandon]));
    let (forkserver, init, ready) = (Starting(Start::Forkserver), Starting(Start::Init), Starting(Start::Ready));
    let (processes, pipes, memory) = (Ending(End::Processes), Ending(End::Pipes), Ending(End::Memory));
    let n = || nothing.clone();
    let living = |phase: Phase, ready: Then, stop: Then, round: Then| {
        vec![
            n(),
            n(),
            n(),
            same(phase, &[Watch(Denial), Watch(Leaving)]),
            ready,
            stop,
            same(phase, &[Forget(Stdout)]),
            same(phase, &[Forget(Leaving), Watch(Job)]),
            same(phase, &[Forget(Job)]),
            n(),
            Some((pipes, vec![Drain])),
            n(),
            round,
            n(),
            n(),
        ]
    };
    let stopped = || Some((processes, vec![Kill]));
    let rows: [(Phase, Vec<Then>); 8] = [
        (forkserver, vec![Some((init, vec![Order])), n(), given_up(), n(), n(), given_up(), n(), n(), n(), n(), n(), n(), n(), n(), n()]),
        (init, vec![n(), Some((ready, vec![Follow])), given_up(), n(), n(), given_up(), n(), n(), n(), n(), n(), n(), n(), n(), n()]),
        (ready, living(ready, Some((Running, vec![Meter])), stopped(), same(ready, &[Look]))),
        (Running, living(Running, n(), stopped(), same(Running, &[Look]))),
        (processes, living(processes, n(), n(), n())),
        (pipes, vec![n(), n(), n(), n(), n(), n(), same(pipes, &[Forget(Stdout)]), n(), n(), n(), n(), n(), n(), n(), n()]),
        (memory, vec![n(), n(), n(), n(), n(), Some((Gone, vec![])), n(), n(), n(), n(), n(), n(), same(memory, &[Weigh]), n(), n()]),
        (Gone, vec![n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n()]),
    ];
    for (phase, expected) in rows {
        assert_eq!(after(COURSE, &way(phase)).0.phase(), phase);
        assert_eq!(expected.len(), events().len());
        for (event, expected) in events().into_iter().zip(expected) {
            let (mut machine, now) = after(COURSE, &way(phase));
            let actions = machine.on(event, now);
            assert_eq!((machine.phase(), actions), expected.unwrap_or((phase, vec![])), "{event:?} in {phase:?}");
        }
    }
}

#[test]
fn each_phase_ends_in_time() {
    let late = |course, events: &[Event], second, any| {
        let (mut machine, _) = after(course, events);
        let before = machine.deadline();
        let actions = machine.on(Event::Round(any), at(second));
        (before, machine.phase(), actions, machine.stopped())
    };
    let (gone, killed) = (vec![Abandon], vec![Kill]);
    assert_eq!(late(COURSE, &way(Starting(Start::Forkserver)), 30, true), (Some(at(30)), Gone, gone.clone(), None));
    assert_eq!(late(COURSE, &way(Starting(Start::Init)), 30, true), (Some(at(30)), Gone, gone, None), "one time for both");
    let never = Some(Stop::NeverReady(Duration::from_secs(30)));
    assert_eq!(late(COURSE, &way(Starting(Start::Ready)), 32, true), (Some(at(32)), Ending(End::Processes), killed.clone(), never));
    assert_eq!(late(COURSE, &way(Running), 9, true), (Some(at(9)), Ending(End::Processes), killed, Some(Stop::Limit(LimitKind::WallTime))));
    assert_eq!(late(Course { wall: None, ..COURSE }, &way(Running), 900, true), (None, Running, vec![Look], None));
    assert_eq!(
        late(COURSE, &way(Ending(End::Processes)), 900, true),
        (None, Ending(End::Processes), vec![], Some(Stop::Limit(LimitKind::Memory)))
    );
    let died = way(Ending(End::Pipes));
    assert_eq!(late(COURSE, &died, 5, true), (Some(at(5)), Ending(End::Pipes), vec![], None), "what is there already is read");
    assert_eq!(late(COURSE, &died, 5, false), (Some(at(5)), Ending(End::Memory), vec![Weigh], None));
    assert_eq!(late(COURSE, &died, 6, true), (Some(at(5)), Ending(End::Memory), vec![Weigh], None), "not for ever");
    let (mut machine, now) = after(COURSE, &way(Ending(End::Memory)));
    assert_eq!(machine.on(Event::Held(Some(7)), now), vec![]);
    assert_eq!((machine.deadline(), machine.on(Event::Round(false), now)), (Some(now.after(LOOK)), vec![]));
    assert_eq!(machine.on(Event::Held(Some(7)), at(10)), vec![]);
    assert_eq!((machine.phase(), machine.held()), (Gone, Some((Some(7), 0))), "what is left is told");
}

/// Under load, one run in thirty was said to hold 16384 bytes: the kernel had not summed up that they were free.
#[test]
fn what_is_counted_late_is_waited_for_longer() {
    for (bytes, second, phase) in [(6, 1, Gone), (5, 1, Ending(End::Memory)), (5, 3, Ending(End::Memory)), (5, 4, Gone), (0, 1, Gone)] {
        let (mut machine, now) = after(COURSE, &way(Ending(End::Memory)));
        machine.on(Event::Held(Some(bytes)), now.after(Duration::from_secs(second)));
        assert_eq!((machine.phase(), machine.held()), (phase, Some((Some(bytes), 0))), "{bytes} bytes after {second} s");
    }
}

#[test]
fn a_cancelled_run_is_waited_for_no_longer() {
    let cancel = Event::Stop(Stop::Cancelled);
    let (mut draining, now) = after(COURSE, &[way(Ending(End::Pipes)), vec![cancel]].concat());
    assert_eq!((draining.stopped(), draining.deadline()), (Some(Stop::Cancelled), Some(now)));
    assert_eq!(draining.on(Event::Round(true), now), vec![], "what is there already is read");
    assert_eq!(draining.on(Event::Round(false), now), vec![Weigh]);
    assert_eq!(draining.on(Event::Held(Some(7)), now), vec![]);
    assert_eq!(draining.phase(), Gone);
    let (weighing, _) = after(COURSE, &[way(Ending(End::Memory)), vec![cancel]].concat());
    assert_eq!((weighing.phase(), weighing.stopped()), (Gone, None), "its code had ended by itself");
    let (unmade, _) = after(COURSE, &[cancel]);
    assert_eq!((unmade.phase(), unmade.stopped(), unmade.gave_up()), (Gone, Some(Stop::Cancelled), Some(Start::Forkserver)));
    // A forkserver that serves others too goes on, and what it makes is killed.
    let (mut shared, now) = after(Course { own_server: false, ..COURSE }, &[cancel, Event::Stop(Stop::Internal)]);
    assert_eq!((shared.phase(), shared.deadline()), (Starting(Start::Init), Some(at(30))));
    assert_eq!(shared.on(Event::Made, now), vec![Follow, Kill]);
    assert_eq!((shared.phase(), shared.stopped()), (Ending(End::Processes), Some(Stop::Cancelled)));
}

#[test]
fn the_first_reason_stays_and_one_kill_is_enough() {
    let (mut machine, now) = after(COURSE, &way(Running));
    assert_eq!(machine.on(Event::Stop(Stop::Limit(LimitKind::Stdout)), now), vec![Kill]);
    assert_eq!(machine.on(Event::Stop(Stop::Violated), now), vec![]);
    assert_eq!(machine.on(Event::Stop(Stop::Cancelled), now), vec![]);
    assert_eq!(machine.stopped(), Some(Stop::Limit(LimitKind::Stdout)));
    let (machine, _) = after(
        COURSE,
        &[way(Ending(End::Pipes)), vec![Event::Stop(Stop::Limit(LimitKind::Stdout)), Event::Stop(Stop::Limit(LimitKind::Memory))]].concat(),
    );
    assert_eq!(machine.stopped(), Some(Stop::Limit(LimitKind::Stdout)), "what the pipes held was too much, too");
}

/// Every event while the code says where it is.
#[test]
fn a_run_over_its_time_is_asked_where_it_is() {
    let course = Course { tells: true, ..COURSE };
    let word = Ending(End::Word);
    let (mut machine, now) = after(course, &way(Running));
    assert_eq!(machine.on(Event::Stop(Stop::Limit(LimitKind::CpuTime)), now), vec![Hasten, AskWhere]);
    assert_eq!(
        (machine.phase(), machine.stopped(), machine.deadline()),
        (word, Some(Stop::Limit(LimitKind::CpuTime)), Some(now.after(ASKED)))
    );
    let killed = || (Ending(End::Processes), vec![Kill]);
    let expected = [
        (word, vec![]),
        (word, vec![]),
        (word, vec![]),
        (word, vec![Watch(Denial), Watch(Leaving)]),
        (word, vec![]),
        (word, vec![]),
        (word, vec![Forget(Stdout)]),
        (word, vec![Forget(Leaving), Watch(Job)]),
        (word, vec![Forget(Job)]),
        (word, vec![]),
        (Ending(End::Pipes), vec![Drain]),
        (word, vec![]),
        (word, vec![]),
        (word, vec![]),
        (word, vec![]),
    ];
    for (event, expected) in events().into_iter().zip(expected) {
        let (mut machine, now) = after(course, &way(word));
        assert_eq!((machine.phase(), machine.stopped()), (word, Some(Stop::Limit(LimitKind::WallTime))));
        let actions = machine.on(event, now);
        assert_eq!((machine.phase(), actions), expected, "{event:?}");
    }
    let then = |events: &[Event], later: Duration| {
        let (mut machine, now) = after(course, &way(word));
        let actions: Vec<_> = events.iter().flat_map(|event| machine.on(*event, now)).collect();
        let last = machine.on(Event::Round(true), now.after(later));
        (machine.phase(), [actions, last].concat())
    };
    assert_eq!(then(&[], ASKED), killed(), "no longer than that");
    assert_eq!(then(&[Event::Told], QUIET), killed(), "nor longer than it speaks");
    assert_eq!(then(&[Event::Stop(Stop::Cancelled)], Duration::ZERO), killed());
    assert_eq!(then(&[Event::Stop(Stop::Violated)], Duration::ZERO), (word, vec![]), "why it ends is decided");
    // What is too much else ends it at once, and so does a program that knows nothing of it.
    let stopped = |course, why| {
        let (mut machine, now) = after(course, &way(Running));
        machine.on(Event::Stop(why), now)
    };
    assert_eq!(stopped(course, Stop::Limit(LimitKind::Memory)), vec![Kill]);
    assert_eq!(stopped(course, Stop::ResultClosed), vec![Hasten, AskWhere], "who can give no result any more is asked where that was");
    assert_eq!(stopped(COURSE, Stop::Limit(LimitKind::WallTime)), vec![Kill]);
}

#[test]
fn a_run_near_its_memory_limit_is_asked_and_goes_on() {
    let course = Course { tells: true, ..COURSE };
    let (mut machine, now) = after(course, &way(Running));
    let until = machine.deadline();
    assert_eq!((machine.on(Event::Near, now), machine.on(Event::Near, now)), (vec![AskWhere], vec![AskWhere]));
    assert_eq!((machine.on(Event::Told, now), machine.phase(), machine.deadline()), (vec![], Running, until));
    for phase in [Starting(Start::Ready), Ending(End::Processes), Ending(End::Pipes)] {
        let (mut machine, now) = after(course, &way(phase));
        assert_eq!(machine.on(Event::Near, now), vec![], "{phase:?}");
    }
}

#[test]
fn a_plain_program_is_ready_when_it_is_executed() {
    let course = Course { program: true, own_server: false, ..COURSE };
    let (mut machine, now) = after(course, &[Event::Made]);
    assert_eq!(machine.on(Event::Executing, now), vec![Watch(Denial), Watch(Job), Meter]);
    assert_eq!((machine.phase(), machine.deadline()), (Running, Some(at(6))));
    // It ended before its word was read.
    let (machine, _) = after(course, &[Event::Made, Event::Died, Event::Executing]);
    assert!(machine.is_ready());
}

#[test]
fn the_wall_clock_stops_with_the_last_process() {
    let end = [Frames, Stdout, Stderr, Report].map(Event::Closed);
    let ended = |middle: &[Event]| {
        let (machine, _) =
            after(COURSE, &[&[Event::Served, Event::Made, Event::Closed(Stacks), Event::Ready], middle, &[Event::Died], &end].concat());
        (machine.wall(), machine.stopped())
    };
    assert_eq!(ended(&[Event::Accounted(at(8))]), (Duration::from_secs(4), None), "read late, by a supervisor that was stopped itself");
    assert_eq!(ended(&[Event::Accounted(at(10))]), (Duration::from_secs(6), Some(Stop::Limit(LimitKind::WallTime))), "seen in time or not");
    assert_eq!(ended(&[]), (Duration::from_secs(5), None), "its init told nothing");
    assert_eq!(ended(&[Event::Accounted(at(3))]), (Duration::from_secs(3), None), "over before its first word was read: since the launch");
    let (machine, _) = after(COURSE, &[&[Event::Served, Event::Made, Event::Closed(Stacks), Event::Died], &end[..]].concat());
    assert_eq!(machine.wall(), Duration::ZERO, "no user code");
}

#[test]
fn a_run_that_can_hold_nothing_is_gone_with_its_pipes() {
    let course = Course { in_flight: false, ..COURSE };
    let (machine, _) = after(course, &way(Ending(End::Memory)));
    assert_eq!((machine.phase(), machine.held()), (Gone, None));
    let last = [Frames, Stdout, Stderr, Stacks, Report].map(Event::Closed).into_iter().chain([Event::Died]).collect::<Vec<_>>();
    let (machine, _) = after(course, &[&[Event::Served, Event::Made][..], &last].concat());
    assert_eq!(machine.phase(), Gone, "its pipes ended before it");
}
