use super::*;

const QUOTA: Quota = Quota { concurrent: 2, queued: 3, rate: 0, cpu: 0, memory: 0, label: (0, 0) };

fn at(seconds: u64) -> Moment {
    Moment::told(seconds * 1_000_000_000)
}

fn of(tenant: &str) -> Share<'_> {
    Share { tenant, label: "", memory: 0 }
}

fn ended(queue: &mut Queue, share: Share<'_>) {
    queue.ended(share, Duration::ZERO, QUOTA, at(0));
}

#[test]
fn tenants_take_turns_however_many_runs_one_has() {
    let mut queue = Queue::new(1, 100);
    for number in 0..3 {
        queue.offer(of("greedy"), QUOTA, &format!("g{number}"), at(0)).unwrap();
    }
    queue.offer(of("late"), QUOTA, "l0", at(0)).unwrap();
    let mut order = Vec::new();
    while let Some(run) = queue.next(|_| QUOTA) {
        ended(&mut queue, of(if run.starts_with('g') { "greedy" } else { "late" }));
        order.push(run);
    }
    assert_eq!(order, ["g0", "l0", "g1", "g2"]);
    assert_eq!(queue.counts(), (0, 0));
}

#[test]
fn so_do_labels_of_one_which_have_a_part_of_its_own() {
    let quota = Quota { concurrent: 3, queued: 9, label: (1, 2), ..QUOTA };
    let label = |label| Share { tenant: "a", label, memory: 0 };
    let mut queue = Queue::new(9, 100);
    let offer = |queue: &mut Queue, name, run: &str| queue.offer(label(name), quota, run, at(0));
    for run in ["g0", "g1"] {
        offer(&mut queue, "g", run).unwrap();
    }
    assert_eq!(offer(&mut queue, "g", "g2"), Err(Overload::Label(2)), "as many as a label may have waiting");
    offer(&mut queue, "l", "l0").unwrap();
    assert_eq!([queue.next(|_| quota), queue.next(|_| quota), queue.next(|_| quota)], [Some("g0".into()), Some("l0".into()), None]);
    ended(&mut queue, label("l"));
    assert_eq!(queue.next(|_| quota), None, "one of a label at once");
    ended(&mut queue, label("g"));
    assert_eq!(queue.next(|_| quota).as_deref(), Some("g1"));
    ended(&mut queue, label("g"));
    assert!(queue.tenants["a"].lanes.is_empty(), "labels that have nothing are forgotten");
}

#[test]
fn a_quota_bounds_what_runs_and_what_waits() {
    let mut queue = Queue::new(10, 100);
    let quota = Quota { concurrent: 1, queued: 2, ..QUOTA };
    let offer = |queue: &mut Queue, run: &str| queue.offer(of("a"), quota, run, at(0));
    offer(&mut queue, "1").unwrap();
    assert_eq!(queue.next(|_| quota).as_deref(), Some("1"));
    assert_eq!(queue.next(|_| quota), None);
    offer(&mut queue, "2").unwrap();
    offer(&mut queue, "3").unwrap();
    assert_eq!(queue.next(|_| quota), None);
    assert_eq!(offer(&mut queue, "4"), Err(Overload::Tenant(2)));
    queue.offer(of("b"), quota, "5", at(0)).unwrap();
    assert_eq!(queue.next(|_| quota).as_deref(), Some("5"), "another is not held up");
    assert!(queue.withdraw(of("a"), "2") && !queue.withdraw(of("a"), "2"));
    ended(&mut queue, of("a"));
    assert_eq!(queue.next(|_| quota).as_deref(), Some("3"));
    assert_eq!(queue.counts(), (2, 0));
}

#[test]
fn what_cannot_wait_can_still_begin() {
    let mut queue = Queue::new(10, 100);
    let quota = Quota { concurrent: 1, queued: 0, ..QUOTA };
    queue.offer(of("a"), quota, "1", at(0)).unwrap();
    assert_eq!(queue.offer(of("a"), quota, "2", at(0)), Err(Overload::Tenant(1)));
    assert_eq!(queue.next(|_| quota).as_deref(), Some("1"));
    assert_eq!(queue.offer(of("a"), quota, "2", at(0)), Err(Overload::Tenant(0)));
}

#[test]
fn all_together_are_bounded() {
    let mut queue = Queue::new(1, 2);
    for run in ["1", "2"] {
        queue.offer(of(run), QUOTA, run, at(0)).unwrap();
    }
    assert_eq!(queue.offer(of("3"), QUOTA, "3", at(0)), Err(Overload::Whole(2)));
    queue.next(|_| QUOTA).unwrap();
    queue.offer(of("3"), QUOTA, "3", at(0)).unwrap();
    assert_eq!(queue.next(|_| QUOTA), None, "one at once");
}

#[test]
fn a_rate_comes_back_with_time() {
    let mut queue = Queue::new(10, 100);
    let quota = Quota { concurrent: 9, queued: 9, rate: 2, ..QUOTA };
    let mut offer = |seconds| queue.offer(of("a"), quota, "r", at(seconds));
    assert_eq!([offer(0), offer(0), offer(0), offer(29)], [Ok(()), Ok(()), Err(Overload::Rate(2, 30)), Err(Overload::Rate(2, 1))]);
    assert_eq!([offer(30), offer(30)], [Ok(()), Err(Overload::Rate(2, 30))]);
    queue.withdraw(of("a"), "r");
    queue.tidy(at(40));
    assert_eq!(queue.tenants.len(), 1, "what it has used is remembered");
    queue.tidy(at(100));
    assert!(queue.tenants.is_empty());
}

#[test]
fn cpu_that_was_taken_comes_back_with_time() {
    let mut queue = Queue::new(10, 100);
    let quota = Quota { cpu: 6_000_000, ..QUOTA };
    queue.offer(of("a"), quota, "1", at(0)).unwrap();
    queue.next(|_| quota).unwrap();
    queue.ended(of("a"), Duration::from_secs(9), quota, at(0));
    assert_eq!(
        queue.room(of("a"), quota, at(0)),
        Err(Overload::Cpu(6_000_000, 30)),
        "three seconds too much, a tenth of which comes back in one"
    );
    assert_eq!(queue.room(of("b"), quota, at(0)), Ok(()));
    queue.tidy(at(80));
    assert_eq!(queue.tenants.len(), 1, "not whole yet");
    assert_eq!(queue.room(of("a"), quota, at(31)), Ok(()));
}

#[test]
fn memory_at_once_is_waited_for() {
    let mut queue = Queue::new(10, 100);
    let quota = Quota { memory: 100, ..QUOTA };
    let share = |memory| Share { memory, ..of("a") };
    assert_eq!(queue.offer(share(101), quota, "0", at(0)), Err(Overload::Memory(100)));
    assert_eq!(Overload::Memory(100).after(), None, "however long one waits");
    for (run, memory) in [("1", 60), ("2", 50), ("3", 10)] {
        queue.offer(share(memory), quota, run, at(0)).unwrap();
    }
    assert_eq!([queue.next(|_| quota), queue.next(|_| quota)], [Some("1".into()), None], "in their order");
    ended(&mut queue, share(60));
    assert_eq!([queue.next(|_| quota), queue.next(|_| quota)], [Some("2".into()), Some("3".into())]);
}
