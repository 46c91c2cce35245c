//! The actions of the demo page.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Builder, Connection, Stellar,
    actions::{Action, ActionError, ActionResult, Call, Format, Input, Params},
};

pub(crate) fn add(builder: Builder) -> Builder {
    builder
        .add_action(
            Action::new("actions", actions).describe("Lists the actions that can be called"),
        )
        .add_action(
            Action::new("randomNumber", random_number)
                .describe("Draws a number from 0 to 1")
                .example(json!({ "randomNumber": 0.5 })),
        )
        .add_action(Action::new("echo", echo).describe("Gives back what it is sent"))
        .add_action(
            Action::new("sum", sum)
                .describe("Adds two numbers")
                .input(Input::required("a").format(Format::Float))
                .input(Input::required("b").format(Format::Float))
                .example(json!({ "sum": 4.5 })),
        )
        .add_action(
            Action::new("sleep", sleep)
                .describe("Answers after some milliseconds, at most 10,000")
                .input(Input::required("ms").format(Format::Integer))
                .example(json!({ "slept": 1000 })),
        )
        .add_action(
            Action::new("alert", alert)
                .describe("Sends an alert to this connection")
                .input(Input::optional("text").format(Format::String)),
        )
        .add_action(
            Action::new("dropMe", drop_me)
                .describe("Ends this connection without an answer; the client comes back"),
        )
}

async fn actions(stellar: Stellar) -> ActionResult {
    let list: Vec<Value> = stellar
        .actions()
        .iter()
        .filter(|action| !action.is_private())
        .map(|action| {
            json!({
                "name": action.name(),
                "version": action.version(),
                "description": action.description(),
                "inputs": inputs(action.inputs()),
            })
        })
        .collect();
    Ok(json!({ "actions": list }))
}

fn inputs(inputs: &[Input]) -> Vec<Value> {
    inputs
        .iter()
        .map(|input| json!({ "name": input.name(), "required": input.is_required() }))
        .collect()
}

async fn random_number() -> ActionResult {
    let bits = getrandom::u64().map_err(|_| ActionError::from("there is no randomness"))?;
    // A double has 53 bits of precision.
    let number = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    Ok(json!({ "randomNumber": number }))
}

async fn echo(call: Call) -> ActionResult {
    let mut value = call.value();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("action");
        fields.remove("apiVersion");
    }
    Ok(value)
}

#[derive(Deserialize)]
struct Terms {
    a: f64,
    b: f64,
}

#[derive(Serialize)]
struct Sum {
    sum: f64,
}

async fn sum(Params(Terms { a, b }): Params<Terms>) -> ActionResult<Sum> {
    Ok(Sum { sum: a + b })
}

#[derive(Deserialize)]
struct Sleep {
    ms: u64,
}

async fn sleep(Params(Sleep { ms }): Params<Sleep>) -> ActionResult {
    if ms > 10_000 {
        return Err("That is longer than 10,000 milliseconds".into());
    }
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(json!({ "slept": ms }))
}

#[derive(Deserialize)]
struct Alert {
    text: Option<String>,
}

async fn alert(connection: Connection, Params(Alert { text }): Params<Alert>) -> ActionResult {
    let text = text.unwrap_or_else(|| "Look up: the stars are out".into());
    connection
        .alert(&json!({ "text": text }))
        .map_err(|error| ActionError::from(error.to_string()))?;
    Ok(json!({}))
}

async fn drop_me(connection: Connection) -> ActionResult {
    connection.spark().end_with_reconnect();
    Ok(json!({}))
}
