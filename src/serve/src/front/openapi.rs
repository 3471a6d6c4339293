//! The description of the API, OpenAPI 3.1, from the types that it is made of.

use remand_plan::Outcome;
use remand_plan::event::Event;
use remand_plan::submission::Submission;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::answer::Shown;
use super::batch;

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An answer of this type of content and schema.
fn said(description: &str, kind: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { kind: { "schema": schema } } })
}

/// A path that is read.
fn read(summary: &str, schema: &Value) -> Value {
    json!({ "summary": summary, "responses": { "200": said("As asked", "application/json", schema), "default": { "$ref": "#/components/responses/Problem" } } })
}

/// A path's operation that takes a parameter.
fn listed(mut operation: Value, parameter: &Value) -> Value {
    operation["parameters"] = json!([parameter]);
    operation
}

/// The whole document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let request = generator.subschema_for::<Submission<'static>>().to_value();
    let outcome = generator.subschema_for::<Outcome>().to_value();
    let event = generator.subschema_for::<Event<'static>>().to_value();
    let problem = generator.subschema_for::<Shown<'static>>().to_value();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("RunState".to_owned(), run_state(&outcome));
    let label = |required: bool| json!({ "name": "for", "in": "query", "required": required, "schema": { "type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$" }, "description": "Those of a label" });
    let run = json!([{ "name": "run", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let state = reference("RunState");
    let anything = json!({ "type": "object" });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "remand", "version": env!("CARGO_PKG_VERSION"), "description": "Runs untrusted Python. HTTP/1.1 over a Unix socket." },
        "paths": {
            "/v1/runs": {
                "get": listed(read("Your runs, the newest first", &json!({ "type": "object", "properties": { "runs": { "type": "array", "items": state } } })), &label(false)),
                "delete": listed(
                    read("Cancels what waits or goes on of a label", &json!({ "type": "object", "properties": { "cancelled": { "type": "array", "items": { "type": "string" } } } })),
                    &label(true),
                ),
                "post": {
                    "summary": "Runs code and waits for its end. Closing the connection cancels it, but with Prefer: respond-async",
                    "parameters": [
                        { "name": "Prefer", "in": "header", "schema": { "type": "string" }, "description": "respond-async: answer at once, and go on without the connection" },
                        { "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
                          "description": "The same key and body join the run that they were first sent for, which goes on without the connection, or get its result; another body is a conflict (409)" },
                    ],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": request } } },
                    "responses": {
                        "200": { "description": "It is over; or its events, where Accept is text/event-stream", "content": {
                            "application/json": { "schema": outcome }, "text/event-stream": { "schema": event } } },
                        "202": said("It goes on; Location says where", "application/json", &json!({ "type": "object", "properties": { "run": { "type": "string" } } })),
                        "default": { "$ref": "#/components/responses/Problem" },
                    },
                },
            },
            "/v1/batches": { "post": batches(&request) },
            "/v1/runs/{run}": {
                "parameters": run,
                "get": read("What goes on with a run; its outcome when it is over", &state),
                "delete": read("Cancels a run; forgets one that is over", &state),
            },
            "/v1/runs/{run}/events": {
                "parameters": run,
                "get": { "summary": "Its events from the first, or from after Last-Event-ID, until the last, which is the outcome", "responses": {
                    "200": said("Events", "text/event-stream", &event), "default": { "$ref": "#/components/responses/Problem" } } },
            },
            "/v1/policies": { "get": read("The policies that you may use", &anything) },
            "/v1/policies/{name}": {
                "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
                "get": read("What a policy that you may use says, with all that it extends, and its hash", &json!({
                    "type": "object", "required": ["name", "hash", "policy"],
                    "properties": { "name": { "type": "string" }, "hash": { "type": "string" }, "policy": { "type": "object" } },
                })),
            },
            "/healthz": { "get": read("This front answers", &anything) },
            "/readyz": { "get": read("Whether runs are taken, and what is wrong with the configuration", &anything) },
            "/metrics": { "get": {
                "summary": "What is counted of everybody's runs; for root, and the readers of the configuration",
                "responses": { "200": said("As OpenMetrics has it", "application/openmetrics-text", &json!({ "type": "string" })), "default": { "$ref": "#/components/responses/Problem" } },
            } },
            "/version": { "get": read("Versions, and what is weaker here than it could be", &anything) },
            "/openapi.json": { "get": read("This document", &anything) },
        },
        "components": {
            "schemas": schemas,
            "responses": { "Problem": said("Why there is no answer", "application/problem+json", &problem) },
        },
    })
}

/// Many runs of one request.
fn batches(request: &Value) -> Value {
    json!({
        "summary": "Runs one request with many inputs, each a run of its own, a few at once; a line for each as it ends. Closing the connection cancels the rest",
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "type": "object", "required": ["request", "inputs"], "additionalProperties": false,
            "properties": {
                "request": request,
                "inputs": { "type": "array", "maxItems": batch::INPUTS, "description": "What stands in the place of the request's own", "items": {
                    "type": "object", "additionalProperties": false,
                    "properties": batch::FIELDS.map(|field| (field.to_owned(), json!(true))).into_iter().collect::<serde_json::Map<_, _>>(),
                } },
                "stop_on_failure": { "type": "boolean", "default": false, "description": "After a run that is not finished no other begins, and those that go on are cancelled" },
            },
        } } } },
        "responses": {
            "200": said("A line with index and outcome, or problem, for each input in the order of their ends; then one that counts them", "application/x-ndjson", &json!({ "type": "object" })),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn run_state(outcome: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["run", "state", "age_ms", "policy"],
        "properties": {
            "run": { "type": "string" },
            "state": { "enum": ["queued", "running", "over"] },
            "age_ms": { "type": "integer", "description": "Milliseconds since it was taken" },
            "verdict": { "type": "string", "description": "The kind of its verdict, of a run that is over and has an outcome" },
            "policy": { "type": "string" },
            "user": { "type": "integer", "description": "Whose it is, if it is a user's of the host" },
            "container": { "type": "string", "description": "The cgroup of the container whose it is" },
            "for": { "type": ["string", "null"] },
            "outcome": outcome,
            "problem": { "type": "object" },
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every reference leads somewhere.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
        }
    }
}
