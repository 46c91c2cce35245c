//! The declared actions as types for TypeScript.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use serde_json::Value;

use super::{
    catalog::{Catalog, Entry, Params},
    schema,
    types::component,
};
use crate::actions::{list, requires};

/// The declarations.
pub(super) fn render(catalog: &Catalog<'_>) -> String {
    let mut out = String::from(HEAD);
    let names = Names::of(catalog);
    names.declare(&mut out, catalog);
    out.push_str(
        "/** The actions of this server, in the version that a call without one reaches. */\n",
    );
    out.push_str("export interface StellarActions {\n");
    for entry in catalog.entries.iter().filter(|entry| entry.is_default) {
        member(
            &mut out,
            "  ",
            &quoted(entry.action.name()),
            entry,
            &names,
            false,
        );
    }
    out.push_str("}\n\n/** The actions by name and version, for calls that ask for one. */\n");
    out.push_str("export interface StellarActionVersions {\n");
    let mut actions: Vec<&str> = catalog
        .entries
        .iter()
        .map(|entry| entry.action.name())
        .collect();
    actions.sort_unstable();
    actions.dedup();
    for name in actions {
        let _ = writeln!(out, "  {}: {{", quoted(name));
        for entry in catalog.versions_of(name) {
            let version = entry.action.version().to_string();
            member(&mut out, "    ", &version, entry, &names, true);
        }
        out.push_str("  };\n");
    }
    out.push_str("}\n");
    out.push_str(TAIL);
    out
}

const HEAD: &str = "// The declared actions of this server, as it tells them when it starts.

";

const TAIL: &str = r#"
type Rest<Result> = [
  callback?: ((answer: Result, error: Error | null) => void) | { timeout?: number; signal?: AbortSignal },
  options?: { timeout?: number; signal?: AbortSignal },
];
type Arguments<Params, Result> = {} extends Params
  ? [params?: Params | null, ...rest: Rest<Result>]
  : [params: Params, ...rest: Rest<Result>];
/** What every answer has beside the action's fields; neither when it came over HTTP. */
type Answered<Result> = Result & { context?: string; messageCount?: number };

/** `action` of a client that knows the actions of this server. */
export interface StellarCalls {
  action<Name extends keyof StellarActions>(
    name: Name,
    ...rest: Arguments<
      StellarActions[Name]["params"],
      Answered<StellarActions[Name]["result"]>
    >
  ): Promise<Answered<StellarActions[Name]["result"]>>;
  action<
    Name extends keyof StellarActionVersions,
    Version extends keyof StellarActionVersions[Name],
  >(
    name: Name,
    params: { apiVersion: Version } & Call<StellarActionVersions[Name][Version]>["params"],
    ...rest: Rest<Answered<Call<StellarActionVersions[Name][Version]>["result"]>>
  ): Promise<Answered<Call<StellarActionVersions[Name][Version]>["result"]>>;
}
type Call<Declared> = Declared extends { params: infer Params; result: infer Result }
  ? { params: Params; result: Result }
  : never;

/**
 * A client that knows the actions of this server, and no others:
 * `const client = new StellarClient() as Typed<StellarClient>;`
 */
export type Typed<Client> = Omit<Client, "action" | "~actions"> &
  StellarCalls & { readonly "~actions"?: StellarActions };
"#;

/// One action: what it takes and what it gives.
fn member(
    out: &mut String,
    indent: &str,
    key: &str,
    entry: &Entry,
    names: &Names<'_>,
    versioned: bool,
) {
    let action = &entry.action;
    comment(out, indent, action.description(), &[]);
    let _ = writeln!(out, "{indent}{key}: {{");
    let inner = format!("{indent}  ");
    let params = match &entry.params {
        Params::Open => ANY_OBJECT.into(),
        // It is known to take none, but for its version.
        Params::Fields if entry.fields.is_empty() && versioned => "{}".into(),
        Params::Fields if entry.fields.is_empty() => NO_FIELDS.into(),
        Params::Fields => {
            let mut fields = String::from("{\n");
            for field in &entry.fields {
                let mut notes: Vec<String> = field.rules.clone();
                if let Some(default) = &field.default {
                    notes.push(format!("Default: {default}"));
                }
                let deep = format!("{inner}  ");
                comment(&mut fields, &deep, &field.description, &notes);
                let optional = if field.required { "" } else { "?" };
                let name = quoted(&field.name);
                let kind = names.type_of(&field.schema, &deep);
                let _ = writeln!(fields, "{deep}{name}{optional}: {kind};");
            }
            fields + &inner + "}"
        }
        Params::Whole(schema) => names.type_of(schema, &inner),
    };
    let _ = writeln!(out, "{inner}params: {params};");
    let result = match (&entry.answer, action.output_example()) {
        _ if !action.renders() => ANY_OBJECT.into(),
        (Some(schema), _) if entry.is_typed => match names.type_of(schema, &inner) {
            // There are those that every answer has.
            none if none == NO_FIELDS => "{}".into(),
            fields => fields,
        },
        (_, Some(example @ Value::Object(_))) => of_example(example, &inner),
        (_, Some(example)) => format!("{{ data: {} }}", of_example(example, &inner)),
        (_, None) => ANY_OBJECT.into(),
    };
    let _ = writeln!(out, "{inner}result: {result};");
    let _ = writeln!(out, "{indent}}};");
}

/// A comment that ends where it should, whatever stands in it.
fn comment(out: &mut String, indent: &str, text: &str, notes: &[String]) {
    let lines = text
        .lines()
        .chain(notes.iter().flat_map(|note| note.lines()));
    let lines: Vec<String> = lines
        .map(|line| line.trim().replace("*/", "*\\/"))
        .filter(|line| !line.is_empty())
        .collect();
    match lines.as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(out, "{indent}/** {one} */");
        }
        several => {
            let _ = writeln!(out, "{indent}/**");
            for line in several {
                let _ = writeln!(out, "{indent} * {line}");
            }
            let _ = writeln!(out, "{indent} */");
        }
    }
}

/// A text as a literal; JSON's are TypeScript's too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// What the types of the actions are called.
struct Names<'a>(BTreeMap<&'a str, String>);

/// Words that no type can be called.
const RESERVED: [&str; 13] = [
    NAMESPACE,
    "any",
    "bigint",
    "boolean",
    "never",
    "null",
    "number",
    "object",
    "string",
    "symbol",
    "undefined",
    "unknown",
    "void",
];

/// Where the types are, so that none hides what the language or this file has.
const NAMESPACE: &str = "StellarTypes";

/// So deep schemas are written; those of Rust types are not, as each type has a name.
const DEEPEST: usize = 64;

impl<'a> Names<'a> {
    fn of(catalog: &'a Catalog<'_>) -> Self {
        let mut taken = HashSet::new();
        let mut names = BTreeMap::new();
        for key in catalog.types.components.keys() {
            let own = key.strip_prefix("type.").unwrap_or(key);
            let mut name: String = own
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            let is_upper = name.starts_with(|first: char| first.is_ascii_uppercase());
            if !is_upper || RESERVED.contains(&name.as_str()) {
                name.insert_str(0, "T_");
            }
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            names.insert(key.as_str(), name);
        }
        Self(names)
    }

    /// Declares all types.
    fn declare(&self, out: &mut String, catalog: &Catalog<'_>) {
        if self.0.is_empty() {
            return;
        }
        out.push_str("/** The types that parameters and answers consist of. */\n");
        let _ = writeln!(out, "export namespace {NAMESPACE} {{");
        for (key, name) in &self.0 {
            let Some(schema) = catalog.types.components.get(*key) else {
                continue;
            };
            comment(out, "  ", &told(schema), &[]);
            let _ = writeln!(
                out,
                "  export type {name} = {};",
                self.type_of(schema, "  ")
            );
        }
        out.push_str("}\n\n");
    }

    fn type_of(&self, schema: &Value, indent: &str) -> String {
        self.within(schema, indent, 0)
    }

    fn within(&self, schema: &Value, indent: &str, depth: usize) -> String {
        let Some(map) = schema.as_object().filter(|_| depth < DEEPEST) else {
            return if *schema == Value::Bool(false) {
                "never"
            } else {
                "unknown"
            }
            .into();
        };
        let one = |schema: &Value| self.within(schema, indent, depth + 1);
        let mut parts: Vec<String> = Vec::new();
        if let Some(name) = component(schema).and_then(|key| self.0.get(key)) {
            parts.push(format!("{NAMESPACE}.{name}"));
        }
        parts.extend(list(schema, "allOf").iter().map(one));
        for key in ["oneOf", "anyOf"] {
            let cases = list(schema, key);
            if !cases.is_empty() {
                parts.push(union(cases.iter().map(one)));
            }
        }
        if let Some(value) = map.get("const") {
            parts.push(literal(value));
        } else if let Some(Value::Array(values)) = map.get("enum") {
            parts.push(union(values.iter().map(literal)));
        } else if has_fields(schema) {
            // Of a union of types, objects are one.
            let others = kinds(schema).filter(|kind| *kind != "object");
            let others = others.map(|kind| self.of_kind(kind, schema, indent, depth));
            let object = std::iter::once(self.fields(schema, indent, depth));
            parts.push(union(object.chain(others)));
        } else if map.contains_key("type") {
            let kinds = kinds(schema).map(|kind| self.of_kind(kind, schema, indent, depth));
            let union = union(kinds);
            // Beside fields of another part it says nothing.
            if union != ANY_OBJECT || parts.is_empty() {
                parts.push(union);
            }
        }
        parts.retain(|part| part != "unknown");
        parts.dedup();
        match parts.len() {
            0 => "unknown".into(),
            1 => parts.remove(0),
            _ => {
                let parts: Vec<String> = parts.iter().map(|part| grouped(part)).collect();
                parts.join(" & ")
            }
        }
    }

    fn of_kind(&self, kind: &str, schema: &Value, indent: &str, depth: usize) -> String {
        match kind {
            "integer" | "number" => "number".into(),
            "string" => "string".into(),
            "boolean" => "boolean".into(),
            "null" => "null".into(),
            "object" => ANY_OBJECT.into(),
            "array" => self.items(schema, indent, depth),
            _ => "unknown".into(),
        }
    }

    fn items(&self, schema: &Value, indent: &str, depth: usize) -> String {
        let first = list(schema, "prefixItems");
        let rest = schema.get("items");
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let (least, most) = (count("minItems"), count("maxItems"));
        let one = |schema: &Value| self.within(schema, indent, depth + 1);
        if !first.is_empty() {
            let mut places: Vec<String> = first.iter().map(one).collect();
            let is_closed = most.is_some_and(|most| most <= first.len() as u64);
            match rest {
                Some(Value::Bool(false)) => {}
                _ if is_closed => {}
                Some(rest) => places.push(format!("...{}[]", grouped(&one(rest)))),
                None => places.push("...unknown[]".into()),
            }
            return format!("[{}]", places.join(", "));
        }
        let item = rest.map_or_else(|| "unknown".into(), one);
        match (least, most) {
            // An array of so many places, as Rust has them; more would be hard to read.
            (Some(least), Some(most))
                if least == most && (1..=8).contains(&most) && rest.is_some() =>
            {
                let places = vec![item; usize::try_from(most).unwrap_or(1)];
                format!("[{}]", places.join(", "))
            }
            _ => format!("{}[]", grouped(&item)),
        }
    }

    /// The fields of an object.
    fn fields(&self, schema: &Value, indent: &str, depth: usize) -> String {
        let object = |key: &str| schema.get(key).and_then(Value::as_object);
        let deep = format!("{indent}  ");
        let known = object("properties").filter(|fields| !fields.is_empty());
        let mut out = String::from("{\n");
        for (name, schema_of) in known.into_iter().flatten() {
            let mut notes = schema::asked(schema_of);
            let default = schema_of
                .get("default")
                .filter(|default| !default.is_null());
            notes.extend(default.map(|default| format!("Default: {default}")));
            comment(&mut out, &deep, &told(schema_of), &notes);
            let optional = if requires(schema, name) { "" } else { "?" };
            let kind = self.within(schema_of, &deep, depth + 1);
            let _ = writeln!(out, "{deep}{}{optional}: {kind};", quoted(name));
        }
        let further = ["additionalProperties", "unevaluatedProperties"]
            .into_iter()
            .filter_map(|key| schema.get(key));
        let patterns = object("patternProperties").into_iter().flatten();
        let further: Vec<String> = further
            .chain(patterns.map(|(_, schema)| schema))
            .filter(|schema| **schema != Value::Bool(false))
            .map(|schema| self.within(schema, &deep, depth + 1))
            .collect();
        if !further.is_empty() {
            // A field of that kind must be one of the others, too.
            let kind = match known {
                Some(_) => "unknown".into(),
                None => union(further),
            };
            let _ = writeln!(out, "{deep}[key: string]: {kind};");
        } else if known.is_none() {
            return NO_FIELDS.into();
        }
        out + indent + "}"
    }
}

const ANY_OBJECT: &str = "Record<string, unknown>";
/// What has no fields. A type without any would take every value.
const NO_FIELDS: &str = "Record<string, never>";

/// Whether a schema says which fields an object has.
fn has_fields(schema: &Value) -> bool {
    const SAYING: [&str; 4] = [
        "properties",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
    ];
    let own = SAYING.iter().filter_map(|key| schema.get(key));
    // That further fields are refused is no field.
    own.into_iter().any(|value| *value != Value::Bool(false))
}

fn kinds(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema.get("type").into_iter().filter_map(Value::as_str);
    one.chain(list(schema, "type").iter().filter_map(Value::as_str))
}

/// Several types, each once; no value fits none of them.
fn union(cases: impl IntoIterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for case in cases {
        if case == "unknown" {
            return case;
        }
        if !all.contains(&case) && case != "never" {
            all.push(case);
        }
    }
    match all.as_slice() {
        [] => "never".into(),
        [one] => one.clone(),
        several => {
            let several: Vec<String> = several
                .iter()
                .map(|case| {
                    if case.contains(" & ") {
                        format!("({case})")
                    } else {
                        case.clone()
                    }
                })
                .collect();
            several.join(" | ")
        }
    }
}

/// The type within parentheses, if it is of several.
fn grouped(kind: &str) -> String {
    if kind.contains(" | ") || kind.contains(" & ") {
        format!("({kind})")
    } else {
        kind.to_owned()
    }
}

/// A value as a type. Texts and numbers are literals; there are none of objects.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(_) => ANY_OBJECT.into(),
        Value::Array(_) => "unknown[]".into(),
        simple => simple.to_string(),
    }
}

/// A schema's description, as it was written.
fn told(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    schema::plain(text.unwrap_or_default())
}

fn of_example(example: &Value, indent: &str) -> String {
    match example {
        Value::Null => "unknown".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(items) => {
            let mut kinds: Vec<String> = Vec::new();
            for item in items {
                let kind = of_example(item, indent);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            match kinds.as_slice() {
                [] => "unknown[]".into(),
                kinds => format!("({})[]", kinds.join(" | ")),
            }
        }
        Value::Object(map) if map.is_empty() => "Record<string, unknown>".into(),
        Value::Object(map) => {
            let inner = format!("{indent}  ");
            let mut out = String::from("{\n");
            for (key, value) in map {
                let _ = writeln!(
                    out,
                    "{inner}{}: {};",
                    quoted(key),
                    of_example(value, &inner)
                );
            }
            out + indent + "}"
        }
    }
}
