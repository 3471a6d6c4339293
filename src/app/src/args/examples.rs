//! Examples for the help of each command.
//!
//! Always holds: each is a line that the definition of the command line takes; each command that does something has some.

use clap::Command;

/// (the words of a command, its examples).
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "run",
        &[
            "remand run code.py",
            "remand run -c 'return sum(range(10))'",
            "remand run --mode per_item --on-error item --items rows.ndjson code.py",
            "remand run -p strict -t 2s --set limits.memory=64MiB --json code.py",
            "remand run --request request.json",
            "remand run --via /run/remand/remand.sock code.py",
        ],
    ),
    (
        "python",
        &[
            "remand python script.py one two < input.txt",
            "remand python -c 'print(6 * 7)'",
            "remand python -m json.tool < data.json",
            "remand python --tty -m code",
            "remand python --via /run/remand/remand.sock script.py < input.txt",
            "remand python -p numeric --value display --outcome plots.json plots.py",
            "remand python -p strict -t 2s --outcome run.json solution.py < case.in > case.out",
        ],
    ),
    ("exec", &["remand exec -- /bin/ls -l /", "remand exec -p compile -t 10s -- gcc --version", "remand exec -p compile --tty -- bash"]),
    ("helper", &["remand helper < request.json", "remand helper --stream --allow-policy strict < request.json"]),
    (
        "judge",
        &["remand judge --program sum.py --tests tests/", "remand judge --program sum.c --tests tests/ --time 1s --memory 64MiB --json"],
    ),
    (
        "serve",
        &["remand serve", "remand serve --socket /run/remand/remand.sock --allow-all-users", "remand serve --check --config serve.jsonc"],
    ),
    ("ps", &["remand ps", "remand ps --all --for student42"]),
    ("logs", &["remand logs 0123456789abcdef0123456789abcdef", "remand logs --json 0123456789abcdef0123456789abcdef"]),
    ("why", &["remand why 0123456789abcdef0123456789abcdef", "remand why --json run.json"]),
    ("cancel", &["remand cancel 0123456789abcdef0123456789abcdef", "remand cancel --for student42"]),
    ("n8n", &["remand n8n", "remand n8n > runner.log"]),
    ("n8n doctor", &["remand n8n doctor"]),
    ("n8n install", &["remand n8n install /usr/local/lib/node_modules/n8n/node_modules/@n8n/task-runner-python"]),
    ("n8n uninstall", &["remand n8n uninstall /usr/local/lib/node_modules/n8n/node_modules/@n8n/task-runner-python"]),
    ("doctor", &["remand doctor", "remand doctor --json", "remand doctor --container docker"]),
    ("warm", &["remand warm --into /usr/lib/remand/warm", "remand warm --into warm /opt/venv/bin/python"]),
    ("oci", &["remand oci create --bundle /run/bundle id"]),
    ("oci agent", &["remand oci agent --socket /run/remand/agent.sock --log /var/log/remand-oci.jsonl"]),
    ("policy", &["remand policy explain strict", "remand policy edit mine", "remand policy why socket AF_INET"]),
    ("policy check", &["remand policy check mine.jsonc", "remand policy check --deny-warnings --no-host policies/mine.jsonc"]),
    ("policy diff", &["remand policy diff default strict", "remand policy diff --fail-on widen old.jsonc new.jsonc"]),
    ("policy show", &["remand policy show strict", "remand policy show mine --set limits.memory=64MiB"]),
    ("policy explain", &["remand policy explain", "remand policy explain numeric"]),
    ("policy why", &["remand policy why open /etc/passwd", "remand policy why --policy strict memory 2GiB"]),
    ("policy test", &["remand policy test mine.jsonc", "remand policy test --live strict"]),
    ("policy edit", &["remand policy edit mine", "remand policy edit ./job.jsonc"]),
    ("policy set", &["remand policy set mine limits.memory=256MiB", "remand policy set --create --dry-run ./job.jsonc environment.TZ=UTC"]),
    ("policy allow", &["remand policy allow mine mkdir @threads", "remand policy allow mine /srv/data:/data"]),
    ("policy deny", &["remand policy deny mine @threads", "remand policy deny mine /data"]),
    ("policy fmt", &["remand policy fmt mine.jsonc", "remand policy fmt --check policies/mine.jsonc"]),
    ("policy import", &["remand policy import seccomp.json", "remand policy import --output container.jsonc config.json"]),
    (
        "policy export",
        &[
            "remand policy export strict --as oci",
            "remand policy export mine --as text --arch aarch64",
            "remand policy export --as host-profile --base seccomp.json",
        ],
    ),
    ("policy learn", &["remand policy learn --from my.jsonc --items small.json --items large.json -- run analysis.py"]),
];

/// Puts its examples behind each command's help.
pub fn add(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (words, examples)| {
        let mut text = String::from("Examples:\n");
        examples.iter().for_each(|example| text.push_str(&format!("  {example}\n")));
        let words: Vec<_> = words.split(' ').collect();
        at(command, &words, &text)
    })
}

fn at(command: Command, words: &[&str], text: &str) -> Command {
    match words {
        [] => {
            let help = command.get_after_help().map(|help| format!("{help}\n\n")).unwrap_or_default();
            command.after_help(help + text.trim_end())
        }
        [word, rest @ ..] => command.mut_subcommand(*word, |command| at(command, rest, text)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::super::{command, parse};
    use super::*;

    fn visible(command: &Command, words: &str, all: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let words = format!("{words} {}", sub.get_name()).trim().to_owned();
            visible(sub, &words, all);
            all.push(words);
        }
    }

    #[test]
    fn each_command_has_examples_that_it_takes() {
        let mut all = Vec::new();
        visible(&command(), "", &mut all);
        for words in &all {
            let (_, examples) = EXAMPLES.iter().find(|(of, _)| of == words).unwrap_or_else(|| panic!("{words} has no example"));
            for example in *examples {
                let line = example.split(['<', '>']).next().unwrap();
                // Quotes as a shell reads them.
                let words = line
                    .split('\'')
                    .enumerate()
                    .flat_map(|(number, part)| if number % 2 == 1 { vec![part] } else { part.split_whitespace().collect() });
                parse(words.map(Into::into)).unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
        assert_eq!(all.len(), EXAMPLES.len(), "examples of what is no command");
    }
}
