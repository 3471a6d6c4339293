#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::*;

const GRACE: Duration = Duration::from_secs(8);
const IDLE: Duration = Duration::from_secs(60);

/// A machine, its time, and the offers that it made.
struct Told {
    machine: Machine,
    now: Moment,
    offers: Vec<String>,
}

const REGISTERED: &str = r#"{"type":"broker:runnerregistered"}"#;
const INFO: &str = r#"{"type":"broker:inforequest"}"#;
const DRAIN: &str = r#"{"type":"broker:drain"}"#;
const SETTINGS_OF_T: &str =
    r#"{"type":"broker:tasksettings","taskId":"t","settings":{"code":"x","nodeMode":"runOnceForAllItems","items":[]}}"#;
const BAD_SETTINGS_OF_T: &str = r#"{"type":"broker:tasksettings","taskId":"t","settings":{"nodeMode":"runOnceForAllItems","items":[]}}"#;
const CANCEL_T: &str = r#"{"type":"broker:taskcancel","taskId":"t","reason":"x"}"#;

impl Told {
    fn new(slots: usize) -> Self {
        Self { machine: Machine::new(slots, Some(IDLE), GRACE), now: Moment::told(1), offers: Vec::new() }
    }

    /// One that is registered, with its offers.
    fn registered(slots: usize) -> Self {
        let mut told = Self::new(slots);
        told.on(Event::Opened);
        told.on(Event::Message(REGISTERED));
        told
    }

    /// One whose only slot has task `t`, which waits for its settings.
    fn waiting() -> Self {
        let mut told = Self::registered(1);
        assert_eq!(told.accept("t"), ["accepted t", "log Accepted task t"]);
        told
    }

    /// One whose only slot has task `t`, which runs.
    fn running() -> Self {
        let mut told = Self::waiting();
        assert_eq!(told.on(Event::Message(SETTINGS_OF_T)), ["start 1"]);
        told
    }

    fn after(&mut self, length: Duration) -> &mut Self {
        self.now = self.now.after(length);
        self
    }

    /// What is done, a word or two each.
    fn on(&mut self, event: Event<'_>) -> Vec<String> {
        let actions = self.machine.on(event, self.now);
        actions.into_iter().map(|action| self.shown(action)).collect()
    }

    fn shown(&mut self, action: Action) -> String {
        match action {
            Action::Send(text) => {
                let message: Value = serde_json::from_str(&text).unwrap_or_else(|_| text.clone().into());
                let of = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
                match of("type").as_str() {
                    "runner:taskoffer" => {
                        assert!((5000..=5500).contains(&message["validFor"].as_u64().unwrap()), "{text}");
                        self.offers.push(of("offerId"));
                        "offer".to_owned()
                    }
                    "runner:taskrejected" => format!("rejected {}: {}", of("taskId"), of("reason")),
                    "runner:taskerror" => format!("error {}: {}", of("taskId"), message["error"]["message"].as_str().unwrap()),
                    "" => text,
                    kind => format!("{} {}", kind.trim_start_matches("runner:task"), of("taskId")).trim().to_owned(),
                }
            }
            Action::Start(number, _) => format!("start {number}"),
            Action::Cancel(number) => format!("cancel {number}"),
            Action::Log(_, line) => format!("log {line}"),
            Action::End(status) => format!("end {status}"),
        }
    }

    /// The broker accepts the newest offer for this task.
    fn accept(&mut self, task: &str) -> Vec<String> {
        let offer = self.offers.last().cloned().unwrap_or_default();
        self.accept_of(task, &offer)
    }

    fn accept_of(&mut self, task: &str, offer: &str) -> Vec<String> {
        self.on(Event::Message(&format!(r#"{{"type":"broker:taskofferaccept","taskId":"{task}","offerId":"{offer}"}}"#)))
    }
}

fn over() -> Event<'static> {
    Event::Over(1, vec!["print".into(), "done".into()])
}

const NONE: [&str; 0] = [];

#[test]
fn apart_nothing_is_offered() {
    let mut told = Told::new(2);
    assert_eq!(told.on(Event::Tick), NONE);
    assert_eq!(told.on(over()), NONE);
    assert_eq!(told.on(Event::Lost), NONE);
    assert_eq!(told.on(Event::Opened), ["log Connected to broker"]);
    assert_eq!(told.on(Event::Opened), NONE, "once");
}

#[test]
fn connected_it_says_who_it_is_and_offers_nothing() {
    let mut told = Told::new(2);
    told.on(Event::Opened);
    assert_eq!(told.on(Event::Message(INFO)), ["runner:info"]);
    assert_eq!(told.on(Event::Tick), NONE);
    assert_eq!(told.accept("t"), ["rejected t: Offer expired - not accepted within validity window"]);
    assert_eq!(told.on(Event::Message(REGISTERED)), ["log Registered with broker", "offer", "offer"]);
}

#[test]
fn offers_are_topped_up_when_they_expire_and_not_before() {
    let mut told = Told::registered(3);
    assert_eq!(told.offers.len(), 3);
    assert_eq!(told.after(Duration::from_millis(4999)).on(Event::Tick), NONE);
    assert_eq!(told.after(Duration::from_millis(602)).on(Event::Tick), ["offer"; 3]);
    let distinct: std::collections::BTreeSet<_> = told.offers.iter().collect();
    assert_eq!(distinct.len(), 6);
    assert!(told.offers.iter().all(|offer| offer.len() == 22 && offer.chars().all(|one| one.is_ascii_alphanumeric())));
}

#[test]
fn without_slots_nothing_is_ever_offered() {
    let mut told = Told::registered(0);
    assert_eq!((told.offers.len(), told.on(Event::Tick).len()), (0, 0));
}

#[test]
fn an_offer_is_taken_once_and_while_it_stands() {
    let mut told = Told::registered(2);
    let expired = ["rejected u: Offer expired - not accepted within validity window"];
    let offer = told.offers.last().cloned().unwrap();
    assert_eq!(told.accept_of("t", &offer), ["accepted t", "log Accepted task t"]);
    assert_eq!(told.accept_of("u", &offer), expired);
    assert_eq!(told.accept_of("u", "never made"), expired);
    let other = told.offers.first().cloned().unwrap();
    assert_eq!(told.accept_of("t", &other), ["rejected t: The runner has this task already"]);
    told.after(Duration::from_millis(5601));
    assert_eq!(told.accept_of("u", &other), expired);
}

#[test]
fn a_task_waits_for_its_settings() {
    assert_eq!(Told::waiting().on(Event::Message(SETTINGS_OF_T)), ["start 1"]);
    assert_eq!(Told::waiting().on(Event::Tick), NONE, "its slot is taken");
    let cancelled = ["log Cancelled task t (waiting for settings)", "offer"];
    assert_eq!(Told::waiting().on(Event::Message(CANCEL_T)), cancelled);
    let unread = "Missing field in task settings message: 'code'";
    let bad = [format!("log Error handling message: {unread}"), format!("error t: {unread}"), "offer".to_owned()];
    assert_eq!(Told::waiting().on(Event::Message(BAD_SETTINGS_OF_T)), bad);
    assert_eq!(Told::waiting().on(Event::Lost), NONE, "nobody waits for it, and it never ran");
    let given_up = "Task settings did not come within 30 seconds";
    let late = [format!("log {given_up}: task t is given up"), format!("error t: {given_up}"), "offer".to_owned()];
    assert_eq!(Told::waiting().after(Duration::from_secs(31)).on(Event::Tick), late);
    let stopped = ["log Received SIGTERM signal, starting shutdown...", "error t: Runner is shutting down", "end 0"];
    assert_eq!(Told::waiting().on(Event::Stop("SIGTERM")), stopped);
}

#[test]
fn a_task_runs() {
    let again = ["log Received settings for task but it is already running. Discarding message."];
    assert_eq!(Told::running().on(Event::Message(SETTINGS_OF_T)), again);
    assert_eq!(Told::running().on(Event::Message(BAD_SETTINGS_OF_T)).len(), 1, "logged, and the task goes on");
    assert_eq!(Told::running().on(over()), ["print", "done", "offer"]);
    assert_eq!(Told::running().on(Event::Message(CANCEL_T)), ["cancel 1"]);
    assert_eq!(Told::running().after(Duration::from_secs(600)).on(Event::Tick), NONE, "neither idle nor too long");
    assert_eq!(Told::running().on(Event::Lost), ["cancel 1"]);
    assert_eq!(Told::running().on(Event::Message(DRAIN)), ["log Received drain signal, stopped accepting new tasks"]);
    assert_eq!(Told::running().on(Event::Stop("SIGINT")), ["log Received SIGINT signal, starting shutdown..."]);
}

#[test]
fn a_task_is_cancelled_once_and_answers() {
    let mut told = Told::running();
    told.on(Event::Message(CANCEL_T));
    assert_eq!(told.on(Event::Message(CANCEL_T)), NONE);
    assert_eq!(told.on(Event::Tick), NONE, "its slot is taken until it is gone");
    let late = ["log Received settings for task but it is already aborting. Discarding message."];
    assert_eq!(told.on(Event::Message(SETTINGS_OF_T)), late);
    assert_eq!(told.on(over()), ["print", "done", "offer"]);
    let unknown = ["log Received cancel for unknown task: t. Discarding message."];
    assert_eq!(told.on(Event::Message(CANCEL_T)), unknown);
    assert_eq!(told.on(over()), NONE, "once");
    let missing = ["log Failed to find task t. This is likely an internal error."];
    assert_eq!(told.on(Event::Message(SETTINGS_OF_T)), missing);
}

#[test]
fn a_task_of_a_lost_connection_keeps_its_slot_until_it_is_gone_and_tells_nobody() {
    let mut told = Told::running();
    told.on(Event::Lost);
    told.on(Event::Opened);
    assert_eq!(told.on(Event::Message(REGISTERED)), ["log Registered with broker"], "no slot is free");
    assert_eq!(told.on(over()), ["offer"]);
}

#[test]
fn no_settings_leak_a_slot() {
    let mut told = Told::registered(1);
    for _ in 0..100 {
        assert_eq!(told.accept("t").len(), 2);
        assert_eq!(told.on(Event::Message(BAD_SETTINGS_OF_T)).last().map(String::as_str), Some("offer"));
    }
}

#[test]
fn draining_nothing_begins_and_what_runs_ends() {
    let mut told = Told::registered(2);
    told.accept("t");
    told.on(Event::Message(SETTINGS_OF_T));
    assert_eq!(told.on(Event::Message(DRAIN)), ["log Received drain signal, stopped accepting new tasks"]);
    let offer = told.offers.first().cloned().unwrap();
    assert_eq!(told.accept_of("u", &offer), ["rejected u: Runner is draining and takes no more tasks"]);
    assert_eq!(told.on(Event::Message(DRAIN)), NONE);
    assert_eq!(told.on(Event::Tick), NONE);
    assert_eq!(told.on(over()), ["print", "done"]);
    assert_eq!(told.on(Event::Message(REGISTERED)), ["log Registered with broker"], "the same connection");
    told.on(Event::Lost);
    told.on(Event::Opened);
    assert_eq!(told.on(Event::Message(REGISTERED)), ["log Registered with broker", "offer", "offer"], "another connection");
}

#[test]
fn stopping_waits_for_tasks_and_ends_within_the_grace_time() {
    let mut told = Told::running();
    told.on(Event::Stop("SIGTERM"));
    assert_eq!(told.accept("u"), ["rejected u: Runner is shutting down and takes no more tasks"]);
    assert_eq!(told.after(Duration::from_secs(6)).on(Event::Tick), NONE);
    assert_eq!(told.after(Duration::from_secs(1)).on(Event::Tick), ["log Shutdown timed out after 8s, forcing exit...", "cancel 1"]);
    assert_eq!(told.on(Event::Tick), NONE);
    assert_eq!(told.on(over()), ["print", "done", "end 1"]);
    assert_eq!(told.on(Event::Tick), NONE, "it has ended");

    let mut told = Told::running();
    told.on(Event::Stop("SIGTERM"));
    assert_eq!(told.on(over()), ["print", "done", "end 0"]);

    let mut told = Told::running();
    told.on(Event::Stop("SIGTERM"));
    told.after(Duration::from_millis(7500)).on(Event::Tick);
    assert_eq!(told.after(Duration::from_millis(500)).on(Event::Tick), ["end 1"], "whether it is gone or not");

    let mut told = Told::running();
    told.on(Event::Stop("SIGTERM"));
    assert_eq!(told.on(Event::Stop("SIGTERM")), ["log Received SIGTERM signal again, forcing exit...", "end 1"]);
}

#[test]
fn stopping_while_the_connection_is_lost_ends_with_the_tasks() {
    let mut told = Told::running();
    told.on(Event::Stop("SIGTERM"));
    assert_eq!(told.on(Event::Lost), ["cancel 1"]);
    assert_eq!(told.on(over()), ["end 0"]);
    assert_eq!(Told::new(1).on(Event::Stop("SIGTERM")).last().map(String::as_str), Some("end 0"), "apart");
}

#[test]
fn idle_it_ends() {
    let mut told = Told::registered(1);
    assert_eq!(told.after(Duration::from_secs(59)).on(Event::Tick), ["offer"]);
    told.accept("t");
    assert_eq!(told.after(Duration::from_secs(20)).on(Event::Tick), NONE, "accepting is no idleness");
    told.on(Event::Message(SETTINGS_OF_T));
    told.after(Duration::from_secs(100)).on(Event::Tick);
    told.on(over());
    assert!(!told.after(Duration::from_secs(59)).on(Event::Tick).iter().any(|action| action.starts_with("end")));
    let ended = ["log Reached idle timeout, starting shutdown...", "end 0"];
    assert_eq!(told.after(Duration::from_secs(1)).on(Event::Tick), ended);
}

#[test]
fn what_is_no_message_changes_nothing() {
    let mut told = Told::registered(1);
    for text in ["", "[]", "{}", r#"{"type":"broker:nodetypes"}"#, r#"{"type":"broker:tasksettings"}"#, &"[".repeat(100_000)] {
        let done = told.on(Event::Message(text));
        assert!(done.len() == 1 && done.iter().all(|action| action.starts_with("log Error handling message: ")), "{done:?}");
    }
    assert_eq!(told.on(Event::Message(r#"{"type":"broker:rpcresponse","callId":"c","taskId":"t","status":"error"}"#)), NONE);
}
