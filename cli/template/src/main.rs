//! The server: what clients can call, and what happens in its rooms.

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

/// What the action takes: `/docs` has a form for it, `/stellar-client.d.ts` its type.
#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// Who is greeted
    #[schemars(length(min = 1, max = 40))]
    name: String,
}

/// What it answers.
#[derive(Serialize, JsonSchema)]
struct Greeting {
    greeting: String,
}

/// A page calls it as `client.action("greet", { name: "Ann" })`, and it is `/api/greet?name=Ann`.
async fn greet(Params(Greet { name }): Params<Greet>) -> ActionResult<Greeting> {
    Ok(Greeting {
        greeting: format!("Hello {name}!"),
    })
}

/// Sees each message that is said in a room before the room does, and may change or refuse it.
async fn tidy(_connection: Connection, mut said: Say) -> Result<Say, StellarError> {
    if let Some(text) = said.message.as_str() {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Err(StellarError::custom("100", "There is nothing to say"));
        }
        said.message = text.into();
    }
    Ok(said)
}

async fn run() -> Result<(), Box<dyn Error>> {
    // The settings: stellar.toml, then variables STELLAR_….
    let stellar = Stellar::builder()
        .config(Sources::usual().load()?)
        .add_action(Action::typed("greet", greet).describe("Greets somebody by name"))
        .on_say_receive(tidy)
        .build()
        .await?;
    // Until Ctrl-C or SIGTERM; on SIGHUP it reads its certificate again. When it
    // stops, clients are asked to come again, and it waits for them to go.
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

/// The log has colours on a terminal, unless NO_COLOR is set.
fn has_colours() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !is_unwanted
}
