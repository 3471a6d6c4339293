#![allow(clippy::unwrap_used)]

use super::*;

fn with<T>(given: &[(&str, &str)], read: impl Fn(&Variables<'_>) -> T) -> T {
    let variable = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
    let file = |path: &str| match path {
        "/none" => Err("No such file or directory (os error 2)".to_owned()),
        _ => Ok(format!("\n {path} \n")),
    };
    read(&Variables { variable: &variable, file: &file })
}

fn settings(given: &[(&str, &str)]) -> Result<Settings, String> {
    with(given, Settings::read).map_err(|why| why.0)
}

fn refused(name: &str, value: &str) -> String {
    settings(&[(name, value)]).unwrap_err()
}

#[test]
fn nothing_is_set() {
    let read = settings(&[]).unwrap();
    assert_eq!(read.broker, Broker { tls: false, host: "127.0.0.1".to_owned(), port: 5679 });
    assert_eq!((read.max_concurrency, read.max_payload), (5, 1 << 30));
    assert_eq!((read.task_timeout, read.idle, read.grace), (Duration::from_secs(60), None, Duration::from_secs(10)));
    assert_eq!((&read.stdlib_allow, &read.external_allow), (&Allowed::Only(BTreeSet::new()), &Allowed::Only(BTreeSet::new())));
    assert_eq!(read.builtins_deny.len(), 22);
    assert_eq!((&read.runner, settings(&[("N8N_RUNNERS_ID", "")]).unwrap().runner), (&None, None));
    assert!(read.block_environment && !read.transitive_imports && read.health.is_none() && read.ignored.is_empty());
    assert_eq!((read.level, read.no_color), (Level::Info, false));
}

#[test]
fn what_cannot_be_used_is_told_by_its_name() {
    let cases = [
        ("N8N_RUNNERS_MAX_CONCURRENCY", "abc", "Environment variable N8N_RUNNERS_MAX_CONCURRENCY must be an integer, got 'abc'"),
        (
            "N8N_RUNNERS_MAX_PAYLOAD",
            "4294967296",
            "Max payload size of 4294967296 bytes exceeds pipe message limit of 4294967295 bytes. Reduce N8N_RUNNERS_MAX_PAYLOAD.",
        ),
        ("N8N_RUNNERS_TASK_TIMEOUT", "0", "Task timeout must be positive, got 0"),
        ("N8N_RUNNERS_TASK_TIMEOUT", "", "Environment variable N8N_RUNNERS_TASK_TIMEOUT must be an integer, got ''"),
        ("N8N_RUNNERS_AUTO_SHUTDOWN_TIMEOUT", "-1", "Auto shutdown timeout must be non-negative, got -1"),
        ("N8N_RUNNERS_GRACEFUL_SHUTDOWN_TIMEOUT", "0", "Graceful shutdown timeout must be positive, got 0"),
        (
            "N8N_RUNNERS_STDLIB_ALLOW",
            "json, *",
            "Wildcard '*' in N8N_RUNNERS_STDLIB_ALLOW must be used alone, not with other modules. Got: *, json",
        ),
        (
            "N8N_RUNNERS_MAX_CONCURRENCY_FILE",
            "/none",
            "Failed to read N8N_RUNNERS_MAX_CONCURRENCY_FILE from file /none: No such file or directory (os error 2)",
        ),
    ];
    for (name, value, told) in cases {
        assert_eq!(refused(name, value), told);
    }
    let port = [("N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED", " True"), ("N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT", "65536")];
    assert_eq!(settings(&port).unwrap_err(), "Invalid health check configuration: Port must be between 0 and 65535, got 65536");
    assert!(settings(&port[1..]).is_ok(), "nobody asks for it");
}

#[test]
fn a_variable_goes_before_its_file_even_if_it_is_empty() {
    let both = [("N8N_RUNNERS_BUILTINS_DENY", ""), ("N8N_RUNNERS_BUILTINS_DENY_FILE", "eval")];
    assert!(settings(&both).unwrap().builtins_deny.is_empty());
    assert_eq!(settings(&both[1..]).unwrap().builtins_deny, names::list("eval"));
    assert_eq!(settings(&[("N8N_RUNNERS_TASK_TIMEOUT_FILE", "7")]).unwrap().task_timeout, Duration::from_secs(7));
}

#[test]
fn lists_are_read_by_the_contract() {
    let allowed = |text| settings(&[("N8N_RUNNERS_EXTERNAL_ALLOW", text)]).unwrap().external_allow;
    assert_eq!(allowed(" , ,"), Allowed::Only(BTreeSet::new()));
    assert_eq!(allowed(" * "), Allowed::All);
    assert_eq!(allowed("*,*"), Allowed::All, "twice the same is once");
    let names = ["PIL", "numpy", "os.path"].into_iter().map(str::to_owned).collect();
    assert_eq!(allowed("numpy, PIL,,os.path,numpy"), Allowed::Only(names));
}

#[test]
fn fewer_than_no_tasks_are_none() {
    assert_eq!(settings(&[("N8N_RUNNERS_MAX_CONCURRENCY", "-3")]).unwrap().max_concurrency, 0);
}

#[test]
fn sentry_is_set_and_means_nothing() {
    assert_eq!(settings(&[("N8N_SENTRY_DSN", "https://x"), ("ENVIRONMENT", "")]).unwrap().ignored, ["N8N_SENTRY_DSN"]);
}

#[test]
fn who_this_runner_is() {
    let read = |given| with(given, token);
    assert_eq!(read(&[]).unwrap_err().0, "Environment variable N8N_RUNNERS_GRANT_TOKEN is required");
    assert_eq!(read(&[("N8N_RUNNERS_GRANT_TOKEN", "")]).unwrap_err().0, "Environment variable N8N_RUNNERS_GRANT_TOKEN is required");
    assert_eq!(read(&[("N8N_RUNNERS_GRANT_TOKEN_FILE", "abc")]), Ok(Token::Grant("abc".to_owned())));
    assert_eq!(read(&[("N8N_RUNNERS_GRANT_TOKEN", "a"), ("N8N_RUNNERS_AUTH_TOKEN", "b")]), Ok(Token::Auth("b".to_owned())));
    assert_eq!(format!("{:?}", Token::Auth("secret".to_owned())), "Auth(...)");
}

#[test]
fn brokers() {
    let read = |uri| Broker::read(uri).map(|broker| (broker.tls, broker.authority())).map_err(|why| why.0);
    assert_eq!(read("http://n8n:5679/ignored?x#y"), Ok((false, "n8n:5679".to_owned())));
    assert_eq!(read("https://broker.example"), Ok((true, "broker.example:443".to_owned())));
    assert_eq!(read("HTTP://[::1]:5679"), Ok((false, "[::1]:5679".to_owned())));
    for wrong in [
        "",
        "n8n:5679",
        "ftp://n8n",
        "http://",
        "http://user@n8n",
        "http://n8n:x",
        "http://n8n:99999",
        "http://a b:1",
        "http://a\r\nX: y:1",
    ] {
        assert!(read(wrong).unwrap_err().starts_with("N8N_RUNNERS_TASK_BROKER_URI: "), "{wrong:?}");
    }
}
