//! Runs Python code from standard input in the sandbox, and shows its value and how it ended: `echo 'return 6 * 7' | cargo run --example run_python`.

use remand_engine::{Caller, Engine, Program, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let code = std::io::read_to_string(std::io::stdin())?;
    let engine = Engine::from_environment();
    let policy = engine.policy("default", &serde_json::json!({"limits": {"wall_time": "2s"}}))?;
    let outcome = engine.run(&policy, Program::Python, &Request { code: code.into(), ..Request::default() }, Caller::default())?;
    println!("{} {}", outcome.verdict.kind(), outcome.value);
    Ok(())
}
