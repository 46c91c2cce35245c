//! The actions of an observatory.

use serde_json::{Value, json};
use stellarfw::{
    Builder,
    actions::{Action, ActionError, ActionResult, Call, Format, Input},
};

pub(crate) fn add(builder: Builder) -> Builder {
    let builder = [status(), time()]
        .into_iter()
        .fold(builder, Builder::add_action);
    let builder = observations()
        .into_iter()
        .fold(builder, Builder::add_action);
    let builder = satellites().into_iter().fold(builder, Builder::add_action);
    let builder = guests().into_iter().fold(builder, Builder::add_action);
    builder
        .route("get", "/satellites/:id", "satellite")
        .route("delete", "/satellites/:satellite", "forget")
        .route("put", "/satellites/:id/orbit", "orbit")
        .route("all", "/now", "time")
        .route("get", "/maintenance", "selfTest")
}

/// Returns the parameters as the action received them.
async fn given(call: Call) -> ActionResult {
    let mut value = call.value();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("action");
        fields.remove("apiVersion");
    }
    Ok(json!({ "given": value }))
}

fn status() -> Action {
    // A typed action without parameters is known to take none.
    Action::typed("status", async || {
        ActionResult::Ok(json!({ "open": true, "seeing": 0.8, "guests": ["Anna", "Ben"] }))
    })
    .describe("Tells whether the dome is open, and how good the seeing is")
    .protected()
    .example(json!({ "open": true, "seeing": 0.8, "guests": ["Anna", "Ben"] }))
}

fn time() -> Action {
    Action::new("time", async || ActionResult::Ok("2030-01-31T22:00:00Z"))
        .describe("Tells the observatory's time")
        .example("2030-01-31T22:00:00Z")
}

fn observations() -> Vec<Action> {
    let action = |name: &str| Action::new(name, given).group("observations");
    vec![
        action("observe")
            .describe("Points the telescope at something and keeps it there")
            .input(
                Input::required("target")
                    .describe("What to look at, by its name in the catalogue")
                    .format(Format::String)
                    .validate("min:2|max:40"),
            )
            .input(
                Input::required("minutes")
                    .describe("For how long")
                    .format(Format::Integer)
                    .validate("integer|between:1,120"),
            )
            .input(
                Input::optional("filter")
                    .describe("The colour that is let through")
                    .default("none")
                    .validate("in:none,red,green,blue"),
            )
            .input(
                Input::optional("gain")
                    .format(Format::Float)
                    .default(1.5)
                    .validate("numeric|between:0.5,8"),
            )
            .input(
                Input::optional("guiding")
                    .format(Format::Bool)
                    .default(true),
            )
            .example(json!({ "id": "o-17", "startsAt": 1_767_225_600_000_u64, "queue": 2 })),
        action("observe")
            .versioned(2)
            .describe("Points the telescope at a position in the sky and keeps it there")
            .input(
                Input::required("position")
                    .describe("Right ascension and declination, in degrees")
                    .validate("array|size:2"),
            )
            .input(
                Input::required("minutes")
                    .format(Format::Integer)
                    .validate("min:1"),
            )
            .example(json!({ "id": "o-18", "positions": [[83.8, -5.4]] })),
        action("plan")
            .describe("Plans a night: from when to when, and who is told of it")
            .input(Input::required("from").validate("date|after:2020-01-01"))
            .input(Input::required("to").validate("date|before:2100-01-01|different:from"))
            .input(
                Input::required("mail")
                    .describe("Who is told")
                    .validate("email|max:80"),
            )
            .input(Input::optional("page").validate("url"))
            .input(
                Input::optional("camera")
                    .describe("Its address")
                    .validate("ip"),
            )
            .input(Input::optional("layout").validate("json"))
            .input(Input::optional("cloudLimit").validate("integer|min:0|max:100"))
            .input(Input::optional("backup").validate("boolean"))
            .input(Input::optional("reason").validate("required_if:backup,true"))
            .block("http"),
        action("selfTest").describe("Checks the motors").private(),
    ]
}

fn satellites() -> Vec<Action> {
    let action = |name: &str| Action::new(name, given).group("satellites");
    let id = || {
        Input::required("id")
            .describe("Its international designator")
            .matches("^[0-9]{4}-[0-9]{3}[A-Z]{1,3}$")
    };
    vec![
        action("satellite")
            .describe("Tells of one satellite")
            .input(id())
            .input(Input::optional("fields").validate("array|max:8"))
            .example(json!({
                "name": "Sputnik 1",
                "launched": "1957-10-04",
                "orbit": { "apogee": 939, "perigee": 215, "decayed": true },
            })),
        action("orbit")
            .describe("Sets the elements of an orbit")
            .input(id())
            .input(
                Input::required("apogee")
                    .format(Format::Float)
                    .validate("min:0"),
            )
            .input(
                Input::required("perigee")
                    .format(Format::Float)
                    .validate("min:0"),
            )
            .input(Input::optional("epoch").default_with(now))
            .input(Input::optional("note").validate("max:200"))
            .input(Input::optional("frame").format(even())),
        action("forget")
            .describe("Takes a satellite out of the catalogue")
            .requires("satellite"),
        action("blink")
            .describe("Lets the lamp of the dome blink; there is no answer")
            .input(
                Input::optional("times")
                    .format(Format::Integer)
                    .validate("in:1,2,3"),
            )
            .render(false),
    ]
}

fn guests() -> Vec<Action> {
    let action = |name: &str| Action::new(name, given).group("guests");
    vec![
        action("register")
            .describe("Makes an account for a guest")
            .input(Input::required("name").validate("alpha_dash|between:3,20|not_in:root,admin"))
            .input(Input::required("password").validate("filled|min:8|confirmed"))
            .input(Input::required("code").matches("(?i)^[a-z]{3}$"))
            .input(Input::optional("initials").validate("alpha|size:2"))
            .input(Input::optional("locker").validate("alpha_num"))
            .input(Input::optional("nickname").validate("same:name"))
            .example(json!({ "guest": 12, "token": null })),
        action("ping").example(json!([1, "two", null])),
        Action::new("refuse", async || -> ActionResult {
            Err(ActionError::from("Not tonight"))
        })
        .group("guests")
        .describe("Always refuses"),
    ]
}

fn now() -> Value {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(Value::Null, |since| json!(since.as_nanos() as u64))
}

/// A custom format.
fn even() -> Format {
    Format::function("even number", |value| {
        value
            .as_u64()
            .filter(|number| number % 2 == 0)
            .map(Value::from)
    })
}
