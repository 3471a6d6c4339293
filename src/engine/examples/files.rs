//! Gives a run a file by its content and takes back what it made of it: `cargo run --example files`.

use remand_engine::{Caller, Engine, Program, Request};
use remand_plan::request::{Given, GivenKind};

const CODE: &str = "import csv
with open('in.csv') as rows, open('out/sum.txt', 'w') as out:
    out.write(str(sum(int(row['n']) for row in csv.DictReader(rows))))";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::from_environment();
    let policy = engine.policy("default", &serde_json::json!({"limits": {"artifacts": "1MiB"}}))?;
    let file = GivenKind::File { content: b"n\n40\n2\n".as_slice().into(), executable: false };
    let files =
        vec![Given { name: "in.csv".into(), kind: file }, Given { name: "out".into(), kind: GivenKind::Directory { imports: false } }];
    let request = Request { code: CODE.into(), files, artifacts: vec!["out/**".into()], ..Request::default() };
    let outcome = engine.run(&policy, Program::Python, &request, Caller::default())?;
    for file in outcome.files {
        println!("{} {} {} {:?}", file.name, file.mime, file.sha256, file.content.map(String::from_utf8).transpose()?);
    }
    Ok(())
}
