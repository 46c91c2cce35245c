//! The actions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Builder, Connection, Stellar,
    actions::{Action, ActionError, ActionResult, Call, Format, Input, Params, Shared},
    rooms::RoomOptions,
};

use crate::cache::Cache;

/// Maximum duration of `sleep`.
const LONGEST: u64 = 60_000;

pub(crate) fn add(builder: Builder) -> Builder {
    builder
        .share(Cache::default())
        .share(Started(now_ms()))
        .add_action(
            Action::new("randomNumber", random_number)
                .describe("Draws a number from 0 to 1")
                .example(json!({ "number": 0.123 })),
        )
        .add_action(Action::new("status", status).describe("Tells how the server is"))
        .add_action(
            Action::new("sleep", sleep)
                .describe("Answers after a while")
                .input(
                    Input::optional("sleepDuration")
                        .describe("Milliseconds, at most a minute")
                        .format(Format::Integer)
                        .default(1_000),
                )
                .example(json!({
                    "sleepStarted": 1_420_953_269_345_u64,
                    "sleepEnded": 1_420_953_269_446_u64,
                    "sleepDelta": 101,
                    "sleepDuration": 100,
                })),
        )
        .add_action(
            Action::new("cacheTest", cache_test)
                .describe("Saves a value, and loads and deletes it again")
                .requires("key")
                .requires("value"),
        )
        .add_action(
            Action::new("sumANumber", sum_a_number)
                .describe("Adds two integers, for other actions")
                .private()
                .input(Input::required("a").format(Format::Integer))
                .input(Input::required("b").format(Format::Integer))
                .example(json!({ "result": 7 })),
        )
        .add_action(
            Action::new("formattedSum", formatted_sum)
                .describe("Adds two integers and writes it down")
                .input(Input::required("a").format(Format::Integer))
                .input(Input::required("b").format(Format::Integer))
                .example(json!({ "formatted": "3 + 4 = 7" })),
        )
        .add_action(
            Action::new("isolated.action", async || {
                ActionResult::Ok(json!({ "success": "ok" }))
            })
            .describe("Has a dot in its name"),
        )
        .add_action(
            Action::new("versionedAction", async || {
                ActionResult::Ok(json!({ "version": 1 }))
            })
            .describe("Version 1"),
        )
        .add_action(
            Action::new("versionedAction", async || {
                ActionResult::Ok(json!({ "version": 2, "news": "new version" }))
            })
            .describe("Version 2")
            .versioned(2),
        )
        .add_action(
            Action::new("echo", echo)
                .describe("Gives its payload back as it was sent")
                .accepts("payload"),
        )
        .add_action(
            Action::new("move", change_membership)
                .describe("Takes a connection into a room or out of it, by the server")
                .requires("room")
                .input(
                    Input::optional("join")
                        .describe("Into it, not out of it")
                        .format(Format::Bool)
                        .default(true),
                )
                .accepts("connection"),
        )
        .add_action(
            Action::new("room", change_room)
                .describe("Creates a room for so many members, or destroys it")
                .requires("room")
                .input(Input::optional("places").format(Format::Integer)),
        )
        .add_action(
            Action::new("push", push)
                .describe("Pushes its payload to the connection it comes from")
                .accepts("payload"),
        )
        .add_action(
            Action::new("end", end)
                .describe("Ends the connection it comes from")
                .input(
                    Input::optional("reconnect")
                        .describe("Whether its client is to come again")
                        .format(Format::Bool)
                        .default(false),
                )
                .render(false),
        )
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// The start time of the server.
struct Started(u64);

async fn random_number() -> ActionResult {
    let bits = getrandom::u64().map_err(|_| ActionError::from("there is no randomness"))?;
    // A double has 53 bits of precision.
    let number = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    Ok(json!({ "number": number }))
}

async fn status(stellar: Stellar, started: Shared<Started>) -> ActionResult {
    Ok(json!({
        "id": stellar.config().name,
        "stellarVersion": env!("CARGO_PKG_VERSION"),
        "uptime": now_ms().saturating_sub(started.0),
        "connections": stellar.transport().connections(),
        "problems": [],
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sleep {
    sleep_duration: u64,
}

async fn sleep(Params(Sleep { sleep_duration }): Params<Sleep>) -> ActionResult {
    if sleep_duration > LONGEST {
        return Err(format!("That is longer than {LONGEST} milliseconds").into());
    }
    let started = now_ms();
    tokio::time::sleep(Duration::from_millis(sleep_duration)).await;
    let ended = now_ms();
    Ok(json!({
        "sleepStarted": started,
        "sleepEnded": ended,
        "sleepDelta": ended.saturating_sub(started),
        "sleepDuration": sleep_duration,
    }))
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    value: Value,
}

async fn cache_test(
    Params(Pair { key, value }): Params<Pair>,
    cache: Shared<Cache>,
) -> ActionResult {
    let key = format!("cache_test_{key}");
    let saved = cache.save(&key, value);
    let size = cache.size();
    let loaded = cache.load(&key);
    let deleted = cache.delete(&key);
    Ok(json!({ "cacheTestResults": {
        "saveResp": saved,
        "sizeResp": size,
        "loadResp": loaded,
        "deleteResp": deleted,
    } }))
}

#[derive(Deserialize)]
struct Terms {
    a: i64,
    b: i64,
}

async fn sum_a_number(Params(Terms { a, b }): Params<Terms>) -> ActionResult {
    let sum = a.checked_add(b).ok_or("the sum is too large")?;
    Ok(json!({ "result": sum }))
}

async fn formatted_sum(call: Call, Params(Terms { a, b }): Params<Terms>) -> ActionResult {
    let sum = call.call("sumANumber", json!({ "a": a, "b": b })).await?;
    let result = sum.get("result").unwrap_or(&Value::Null);
    Ok(json!({ "formatted": format!("{a} + {b} = {result}") }))
}

#[derive(Deserialize, Serialize)]
struct Echo {
    /// `null` is a valid payload.
    #[serde(
        default,
        deserialize_with = "any",
        skip_serializing_if = "Option::is_none"
    )]
    payload: Option<Value>,
}

fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

async fn echo(Params(echo): Params<Echo>) -> ActionResult<Echo> {
    Ok(echo)
}

#[derive(Deserialize)]
struct End {
    reconnect: bool,
}

#[derive(Deserialize)]
struct Move {
    room: String,
    join: bool,
    connection: Option<String>,
}

async fn change_membership(
    stellar: Stellar,
    connection: Connection,
    Params(asked): Params<Move>,
) -> ActionResult {
    let id = asked
        .connection
        .unwrap_or_else(|| connection.id().to_string());
    let rooms = stellar.rooms();
    let outcome = match asked.join {
        true => rooms.join(&id, &asked.room).await,
        false => rooms.leave(&id, &asked.room).await,
    };
    outcome.map_err(|error| ActionError::from(error.to_string()))?;
    Ok(json!({}))
}

#[derive(Deserialize)]
struct Room {
    room: String,
    places: Option<usize>,
}

async fn change_room(stellar: Stellar, Params(asked): Params<Room>) -> ActionResult {
    let rooms = stellar.rooms();
    let outcome = match asked.places {
        Some(places) => {
            let options = RoomOptions::max_members(places);
            rooms.create_with(&asked.room, options).await
        }
        None => rooms.destroy(&asked.room).await,
    };
    outcome.map_err(|error| ActionError::from(error.to_string()))?;
    Ok(json!({}))
}

#[derive(Deserialize)]
struct Push {
    payload: Value,
}

async fn push(connection: Connection, Params(Push { payload }): Params<Push>) -> ActionResult {
    connection
        .push(&payload)
        .map_err(|error| ActionError::from(error.to_string()))?;
    Ok(json!({}))
}

async fn end(connection: Connection, Params(End { reconnect }): Params<End>) -> ActionResult {
    if reconnect {
        connection.spark().end_with_reconnect();
    } else {
        connection.spark().end();
    }
    Ok(json!({}))
}
