//! What the documents tell of, put together from the server.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    sample, schema,
    source::{Channel, ReferenceSettings, Source},
    types::{self, Types},
};
use crate::actions::{Action, Answer, Input, Route, TypeSchema};

/// What a server declares.
pub(super) struct Catalog<'a> {
    pub(super) settings: &'a ReferenceSettings,
    /// The actions that clients may call: by group, those of no group first, then by name, the
    /// newest version first.
    pub(super) entries: Vec<Entry>,
    pub(super) routes: &'a [Route],
    pub(super) channels: &'a [Channel],
    /// The types that parameters and answers refer to.
    pub(super) types: Types,
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
    /// The schema of the parameters.
    pub(super) params: Params,
    /// The schema of the response's fields; none where nothing is known of them.
    pub(super) answer: Option<Value>,
    /// An example of those fields.
    pub(super) example: Option<Value>,
    /// Whether that schema is one of a type, and not made of the example.
    pub(super) is_typed: bool,
    /// Whether the answer is a file.
    pub(super) gives_file: bool,
}

/// What is known of the parameters of an action.
pub(super) enum Params {
    /// Nothing is declared: they may be anything.
    Open,
    /// Its fields say all there is.
    Fields,
    /// A schema of which the fields are only what a form can hold.
    Whole(Value),
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
    /// Whether calls without it have some value.
    has_default: bool,
    pub(super) format: Option<&'static str>,
    /// Its validators, as they were declared.
    pub(super) rules: Vec<String>,
    /// What may be sent, as JSON Schema.
    pub(super) schema: Value,
    /// The same without references and `null`: what is filled in.
    pub(super) shown: Value,
    /// A value to show, where a type tells of one.
    pub(super) sample: Option<sample::Sample>,
}

impl<'a> Catalog<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        let actions = &source.actions;
        // They come sorted, so that the last of a name is its newest, private ones included.
        let newest: HashMap<&str, u32> = actions.iter().map(|a| (a.name(), a.version())).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let public = || actions.iter().filter(|action| !action.is_private());
        for action in public() {
            *counts.entry(action.name()).or_default() += 1;
        }
        let (mut ids, mut types) = (HashSet::new(), Types::default());
        let mut entries: Vec<Entry> = public()
            .map(|action| {
                let is_default = newest.get(action.name()) == Some(&action.version());
                let (fields, params) = params(action, &mut types);
                let (answer, example) = answer(action, &mut types);
                Entry {
                    id: id(action, is_default, &mut ids),
                    is_default,
                    has_versions: counts.get(action.name()).is_some_and(|count| *count > 1),
                    fields,
                    params,
                    answer,
                    example,
                    is_typed: matches!(action.answer(), Answer::Of(_) | Answer::Nothing),
                    gives_file: matches!(action.answer(), Answer::File),
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
            settings: &source.settings,
            entries,
            routes: &source.routes,
            channels: &source.channels,
            types,
        }
    }

    /// The first of the rooms that there are from the start.
    pub(super) fn room(&self) -> Option<&str> {
        self.settings.first_room.as_deref()
    }

    /// A room for examples: one that there is, if there is one.
    pub(super) fn example_room(&self) -> &str {
        self.room().unwrap_or("lobby")
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

    /// The schema of the parameters of a call, without how the action is named.
    pub(super) fn schema(&self) -> Value {
        match &self.params {
            Params::Open => serde_json::json!({ "type": "object" }),
            Params::Fields => schema::object(&self.fields),
            Params::Whole(schema) => types::beside(schema, &["action", "apiVersion"]),
        }
    }
}

/// What is known of the parameters of an action: those of its type, then those that are declared
/// by hand. One that is both is described by both.
fn params(action: &Action, known: &mut Types) -> (Vec<Field>, Params) {
    let declared = fields(action);
    let Some(of_type) = action.params().filter(|schema| schema.root.is_object()) else {
        let params = match declared.is_empty() {
            true => Params::Open,
            false => Params::Fields,
        };
        return (declared, params);
    };
    let root = types::opened(of_type, &of_type.root);
    // Once for all of them, so that types that only fields refer to are taken in as well.
    let root = known.take_in(&TypeSchema {
        root,
        ..of_type.clone()
    });
    let mut fields: Vec<Field> = Vec::new();
    for property in of_type.properties() {
        let own = declared.iter().find(|field| field.name == property.name);
        let schema = TypeSchema {
            root: property.schema.clone(),
            definitions: of_type.definitions.clone(),
        };
        let mut shown = of_type.shown(&property.schema);
        if let Some(items) = shown.get_mut("items") {
            *items = of_type.shown(items);
        }
        let has_default = property.schema.get("default").is_some();
        let mut field = Field {
            description: text(&shown, "description"),
            required: property.required && !has_default,
            has_default,
            default: shown
                .get("default")
                .filter(|default| !default.is_null())
                .cloned(),
            format: None,
            rules: schema::asked(&shown),
            schema: known.take_in(&schema),
            sample: Some(sample::of_schema(of_type, &property.schema)),
            shown,
            name: property.name,
        };
        if let Some(own) = own {
            field.take_over(own);
        }
        fields.push(field);
    }
    let is_new = |field: &&Field| fields.iter().all(|other| other.name != field.name);
    let others: Vec<Field> = declared.iter().filter(is_new).cloned().collect();
    fields.extend(others);
    let params = if of_type.is_plain() {
        Params::Fields
    } else if declared.is_empty() {
        Params::Whole(root)
    } else {
        Params::Whole(serde_json::json!({ "allOf": [root, schema::object(&declared)] }))
    };
    (fields, params)
}

fn text(schema: &Value, key: &str) -> String {
    let text = schema.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl Field {
    /// What is declared by hand of a field that a type has, too: it comes first where only one of
    /// both can be told.
    fn take_over(&mut self, own: &Self) {
        if !own.description.is_empty() {
            self.description.clone_from(&own.description);
        }
        let has_default = own.default.is_some() || own.has_default;
        self.has_default = has_default;
        self.required = (self.required || own.required) && !has_default;
        self.default = own.default.clone().or(self.default.take());
        self.format = own.format;
        self.rules.extend(own.rules.iter().cloned());
        let mut asked = own.schema.as_object().cloned().unwrap_or_default();
        for key in ["description", "default"] {
            let told = asked.shift_remove(key);
            if let (Some(told), Some(schema)) = (told, self.schema.as_object_mut()) {
                schema.insert(key.to_owned(), told);
            }
        }
        if asked.is_empty() {
            return;
        }
        if let Some(shown) = self.shown.as_object_mut() {
            let more = asked.iter().filter(|(key, _)| *key != "type");
            shown.extend(more.map(|(key, value)| (key.clone(), value.clone())));
        }
        self.schema = serde_json::json!({ "allOf": [self.schema.take(), asked] });
        self.sample = None;
    }
}

/// What is known of an answer, as the fields of the response, and an example of it.
fn answer(action: &Action, known: &mut Types) -> (Option<Value>, Option<Value>) {
    let example = action.output_example().map(schema::fields_of);
    match action.answer() {
        _ if !action.renders() => (None, None),
        Answer::Nothing => {
            let none = serde_json::json!({ "type": "object", "properties": {} });
            (Some(none), example)
        }
        Answer::Of(of_type) => {
            let root = types::fields_of_answer(of_type, &of_type.root);
            let fields = TypeSchema {
                root,
                ..of_type.clone()
            };
            let example = example.or_else(|| {
                let sample = sample::of_schema(&fields, &fields.root);
                (sample.certain && sample.value.is_object()).then_some(sample.value)
            });
            (Some(known.take_in(&fields)), example)
        }
        Answer::Unknown | Answer::File => (example.as_ref().map(schema::like), example),
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
            has_default: false,
            shown: field.shown.clone(),
            sample: None,
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
    let schema = schema::described(schema::of(input), input.description(), default.as_ref());
    Field {
        name: input.name().to_owned(),
        description: input.description().to_owned(),
        required: (input.is_required() || asked) && !has_default,
        format: input.formatted().map(crate::actions::Format::name),
        rules: input.validators().to_vec(),
        shown: schema.clone(),
        schema,
        sample: None,
        has_default,
        default,
    }
}
