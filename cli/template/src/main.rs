//! The server: an action for clients, and a hook for messages in rooms.

use std::{
    error::Error,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stellarfw::{
    Connection, Stellar, StellarError,
    actions::{Action, ActionResult, Params},
    config::Sources,
    rooms::Say,
};
use tracing_subscriber::EnvFilter;

/// Parameters of the action. `/docs` has a form for them, `/stellar-client.d.ts` their type.
#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// Name of the person to greet
    #[schemars(length(min = 1, max = 40))]
    name: String,
}

/// Result of the action.
#[derive(Serialize, JsonSchema)]
struct Greeting {
    greeting: String,
}

/// Pages call `client.action("greet", { name: "Ann" })`; over HTTP it is `/api/greet?name=Ann`.
async fn greet(Params(Greet { name }): Params<Greet>) -> ActionResult<Greeting> {
    Ok(Greeting {
        greeting: format!("Hello {name}!"),
    })
}

/// Runs before a message is delivered to a room. It can change or refuse the message.
async fn trim(_connection: Connection, mut say: Say) -> Result<Say, StellarError> {
    if let Some(text) = say.message.as_str() {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Err(StellarError::custom("100", "The message is empty"));
        }
        say.message = text.into();
    }
    Ok(say)
}

async fn run() -> Result<(), Box<dyn Error>> {
    // Settings come from stellar.toml and the environment variables STELLAR_….
    let stellar = Stellar::builder()
        .config(Sources::usual().load()?)
        .add_action(Action::typed("greet", greet).describe("Greets somebody by name"))
        .on_say_receive(trim)
        .build()
        .await?;
    // Serves until Ctrl-C or SIGTERM, then asks clients to reconnect and waits for them to
    // disconnect. SIGHUP reloads the certificate.
    stellar
        .serve_configured(|listeners| {
            for listener in listeners {
                println!("Listening on {listener}");
            }
        })
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(has_colours())
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns `true` if standard error is a terminal and NO_COLOR is unset.
fn has_colours() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !is_unwanted
}
