//! A catalogue of stars: actions described by their Rust types.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionError, ActionResult, Input, Params},
};

pub(crate) fn add(builder: Builder) -> Builder {
    let action = |action: Action| action.group("catalogue");
    [
        Action::typed("star", star).describe("Adds a star to the catalogue"),
        Action::typed("filter", filter)
            .describe("Sets what the camera lets through")
            // A declared input is added to those of the type.
            .input(
                Input::optional("exposure")
                    .default(30)
                    .validate("numeric|max:600"),
            ),
        Action::typed("find", find).describe("Looks for stars"),
        Action::typed("sky", sky).describe("Gives the constellations and what is in them"),
        Action::typed("rename", rename)
            .describe("Names stars by their numbers")
            .versioned(2),
        Action::typed("count", count),
    ]
    .into_iter()
    .map(action)
    .fold(builder, Builder::add_action)
}

/// A place in the sky
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Position {
    /// In degrees
    #[schemars(range(min = 0.0, max = 360.0))]
    right_ascension: f64,
    /// In degrees, south of the equator less than none
    #[schemars(range(min = -90.0, max = 90.0))]
    declination: f64,
}

/// What kind of star it is
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Class {
    Giant,
    Dwarf,
    /// Of two that go round each other
    Binary,
}

/// How bright it is
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Brightness {
    /// As it looks
    Apparent {
        magnitude: f64,
    },
    /// It changes
    Variable {
        between: (f64, f64),
        days: u16,
    },
    Unknown,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Notes {
    note: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Star {
    /// As it is in the catalogue
    #[schemars(length(min = 2, max = 40), regex(pattern = r"^[A-Z]"))]
    name: String,
    position: Position,
    class: Class,
    brightness: Brightness,
    /// What belongs to it, and has things that belong to it
    #[serde(default)]
    companions: Vec<Body>,
    /// Colours by filter
    #[serde(default)]
    colours: HashMap<String, f32>,
    #[serde(rename = "discoveredIn")]
    year: Option<u16>,
    #[schemars(email)]
    observer: Option<String>,
    #[serde(flatten)]
    notes: Notes,
    #[serde(skip)]
    _checked: bool,
}

/// Something that goes round something
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Body {
    name: String,
    #[serde(default)]
    moons: Vec<Body>,
}

async fn star(stellar: Stellar, Params(star): Params<Star>) -> ActionResult<Star> {
    stellar.rooms().emit("dome", "star", &star.name).await?;
    Ok(star)
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
enum Filter {
    Clear,
    Band { low: u16, high: u16 },
    Colours(Vec<Colour>),
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
enum Colour {
    Red,
    Green,
    Blue,
}

/// The tag of the enum is one of the parameters.
async fn filter(Params(filter): Params<Filter>) -> ActionResult<Filter> {
    Ok(filter)
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Wanted {
    Number(u32),
    Name(String),
    Near { position: Position, degrees: f64 },
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Find {
    wanted: Wanted,
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    most: u8,
    classes: Option<Vec<Class>>,
}

fn ten() -> u8 {
    10
}

#[derive(Debug, Serialize, JsonSchema)]
enum Found {
    Nothing,
    One(String),
    Many { names: Vec<String>, further: u32 },
}

async fn find(Params(find): Params<Find>) -> ActionResult<Found> {
    Ok(match (find.wanted, find.classes) {
        (Wanted::Number(0), _) => Found::Nothing,
        (Wanted::Name(name), _) => Found::One(name),
        (_, classes) => Found::Many {
            names: vec!["Vega".into(); find.most.into()],
            further: classes.map_or(0, |classes| classes.len() as u32),
        },
    })
}

async fn sky() -> ActionResult<BTreeMap<String, Vec<(u32, Option<String>)>>> {
    let lyra = vec![(1, Some("Vega".into())), (2, None)];
    Ok([("Lyra".to_owned(), lyra)].into())
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Rename {
    names: BTreeMap<u32, String>,
    /// Numbers of the catalogue, from the first to the last
    within: [u32; 2],
}

async fn rename(Params(rename): Params<Rename>) -> ActionResult<()> {
    let [first, last] = rename.within;
    let fits = |number: &u32| (first..=last).contains(number);
    match rename.names.keys().all(fits) && rename.names.values().all(|name| !name.is_empty()) {
        true => Ok(()),
        false => Err(ActionError::from("There is no such star")),
    }
}

async fn count() -> ActionResult<Option<u64>> {
    Ok(Some(118_218))
}
