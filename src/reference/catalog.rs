//! What the documents tell of, put together from the server.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::schema;
use crate::{
    Stellar,
    actions::{Action, Input},
    config::Config,
    http::Route,
};

/// What a server declares.
pub(super) struct Catalog<'a> {
    pub(super) config: &'a Config,
    /// The actions that clients may call: by group, those of no group first, then by name, the
    /// newest version first.
    pub(super) entries: Vec<Entry>,
    pub(super) routes: &'a [Route],
    pub(super) channels: Vec<Channel>,
}

/// A way to connect.
pub(super) struct Channel {
    /// The engine.
    pub(super) transport: &'static str,
    pub(super) path: String,
    /// Whether it is the one that owns the server's pathname.
    pub(super) is_primary: bool,
}

/// One version of an action.
pub(super) struct Entry {
    pub(super) action: Arc<Action>,
    /// Its name with signs that every format takes in a key, and no other entry's.
    pub(super) id: String,
    /// Whether it is called when no version is asked for.
    pub(super) is_default: bool,
    /// Whether there are others of its name that clients may call.
    pub(super) has_versions: bool,
    pub(super) fields: Vec<Field>,
}

/// A parameter.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: String,
    /// Whether a call without it is refused.
    pub(super) required: bool,
    /// The value of calls without it; none also where each call gets another.
    pub(super) default: Option<Value>,
    pub(super) format: Option<&'static str>,
    /// Its validators, as they were declared.
    pub(super) rules: Vec<String>,
    /// What may be sent, as JSON Schema.
    pub(super) schema: Value,
}

impl<'a> Catalog<'a> {
    pub(super) fn of(stellar: &'a Stellar) -> Self {
        let actions = stellar.actions();
        // They come sorted, so that the last of a name is its newest, private ones included.
        let newest: HashMap<&str, u32> = actions.iter().map(|a| (a.name(), a.version())).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let public = || actions.iter().filter(|action| !action.is_private());
        for action in public() {
            *counts.entry(action.name()).or_default() += 1;
        }
        let mut ids = HashSet::new();
        let mut entries: Vec<Entry> = public()
            .map(|action| {
                let is_default = newest.get(action.name()) == Some(&action.version());
                Entry {
                    id: id(action, is_default, &mut ids),
                    is_default,
                    has_versions: counts.get(action.name()).is_some_and(|count| *count > 1),
                    fields: fields(action),
                    action: action.clone(),
                }
            })
            .collect();
        entries.sort_by(|a, b| {
            let key = |entry: &Entry| entry.action.group_name().map(str::to_owned);
            let version = |entry: &Entry| std::cmp::Reverse(entry.action.version());
            (key(a), a.action.name(), version(a)).cmp(&(key(b), b.action.name(), version(b)))
        });
        Self {
            config: stellar.config(),
            entries,
            routes: &stellar.app.routes,
            channels: channels(stellar),
        }
    }

    /// The entry that a call without a version reaches.
    pub(super) fn default_of(&self, name: &str) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.is_default && entry.action.name() == name)
    }

    /// All versions of the same action, the newest first; begins with itself for the newest only.
    pub(super) fn versions_of(&self, name: &str) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.action.name() == name)
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.action.version()));
        found
    }
}

impl Entry {
    /// Whether a call has to ask for this version.
    pub(super) fn needs_version(&self) -> bool {
        !self.is_default
    }
}

/// A name for keys and anchors. Two actions whose names differ only in other signs than these are
/// told apart by a number.
fn id(action: &Action, is_default: bool, known: &mut HashSet<String>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut base: String = action
        .name()
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    if !is_default {
        base.push_str(&format!(".v{}", action.version()));
    }
    let mut id = format!("action.{base}");
    let mut number = 2;
    while !known.insert(id.clone()) {
        id = format!("action.{base}.{number}");
        number += 1;
    }
    id
}

fn fields(action: &Action) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for input in action.inputs() {
        let field = field(input);
        let confirmed = schema::rules(input)
            .iter()
            .any(|(name, _)| *name == "confirmed");
        let twin = confirmed.then(|| Field {
            name: format!("{}_confirmation", field.name),
            description: format!("The same as {}", field.name),
            schema: schema::described(field.schema.clone(), "", None),
            required: field.required,
            default: None,
            format: field.format,
            rules: Vec::new(),
        });
        // Of two inputs of one name both judge; the first tells what it is for.
        let is_new = |field: &Field| action.inputs().iter().all(|i| i.name() != field.name);
        let twin = twin.filter(is_new);
        if fields.iter().all(|known| known.name != field.name) {
            fields.push(field);
        }
        fields.extend(twin);
    }
    fields
}

fn field(input: &Input) -> Field {
    // One that is made anew for each call, such as a time, is no value to tell.
    let default = input
        .default_value()
        .filter(|value| input.default_value().as_ref() == Some(value));
    let has_default = input.default_value().is_some();
    let asked = schema::rules(input)
        .iter()
        .any(|(name, _)| matches!(*name, "required" | "filled"));
    Field {
        name: input.name().to_owned(),
        description: input.description().to_owned(),
        required: (input.is_required() || asked) && !has_default,
        format: input.formatted().map(crate::actions::Format::name),
        rules: input.validators().to_vec(),
        schema: schema::described(schema::of(input), input.description(), default.as_ref()),
        default,
    }
}

fn channels(stellar: &Stellar) -> Vec<Channel> {
    let pathname = &stellar.config().server.pathname;
    let mut channels = Vec::new();
    for (index, transport) in stellar.server.transports().iter().enumerate() {
        let own = transport.path().filter(|own| own != pathname);
        let primary = (index == 0).then_some(pathname.as_str());
        for path in primary.into_iter().chain(own) {
            channels.push(Channel {
                transport: transport.name(),
                path: path.to_owned(),
                is_primary: path == pathname,
            });
        }
    }
    channels
}
