//! The declared actions as types for TypeScript.

use std::fmt::Write as _;

use serde_json::Value;

use super::catalog::{Catalog, Entry};

/// The declarations.
pub(super) fn render(catalog: &Catalog<'_>) -> String {
    let mut out = String::from(HEAD);
    out.push_str(
        "/** The actions of this server, in the version that a call without one reaches. */\n",
    );
    out.push_str("export interface StellarActions {\n");
    for entry in catalog.entries.iter().filter(|entry| entry.is_default) {
        member(&mut out, "  ", &quoted(entry.action.name()), entry, false);
    }
    out.push_str("}\n\n/** The actions by name and version, for calls that ask for one. */\n");
    out.push_str("export interface StellarActionVersions {\n");
    let mut names: Vec<&str> = catalog
        .entries
        .iter()
        .map(|entry| entry.action.name())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let _ = writeln!(out, "  {}: {{", quoted(name));
        for entry in catalog.versions_of(name) {
            let version = entry.action.version().to_string();
            member(&mut out, "    ", &version, entry, true);
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
fn member(out: &mut String, indent: &str, key: &str, entry: &Entry, versioned: bool) {
    let action = &entry.action;
    comment(out, indent, action.description(), &[]);
    let _ = writeln!(out, "{indent}{key}: {{");
    let inner = format!("{indent}  ");
    if entry.fields.is_empty() {
        // An empty object type would take anything.
        let none = if versioned {
            "{}"
        } else {
            "Record<string, never>"
        };
        let _ = writeln!(out, "{inner}params: {none};");
    } else {
        let _ = writeln!(out, "{inner}params: {{");
        for field in &entry.fields {
            let mut notes: Vec<String> = field.rules.clone();
            if let Some(default) = &field.default {
                notes.push(format!("Default: {default}"));
            }
            let deep = format!("{inner}  ");
            comment(out, &deep, &field.description, &notes);
            let optional = if field.required { "" } else { "?" };
            let name = quoted(&field.name);
            let _ = writeln!(out, "{deep}{name}{optional}: {};", of_schema(&field.schema));
        }
        let _ = writeln!(out, "{inner}}};");
    }
    let result = match action.output_example() {
        _ if !action.renders() => "Record<string, unknown>".into(),
        Some(example @ Value::Object(_)) => of_example(example, &inner),
        Some(example) => format!("{{ data: {} }}", of_example(example, &inner)),
        None => "Record<string, unknown>".into(),
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

fn of_schema(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let literals: Vec<String> = values.iter().map(Value::to_string).collect();
        // No value at all fits.
        return if literals.is_empty() {
            "never".into()
        } else {
            literals.join(" | ")
        };
    }
    let one = |name: &Value| match name.as_str() {
        Some("integer" | "number") => "number",
        Some("string") => "string",
        Some("boolean") => "boolean",
        Some("array") => "unknown[]",
        _ => "unknown",
    };
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().map(one).collect::<Vec<_>>().join(" | "),
        Some(name) => one(name).into(),
        None => "unknown".into(),
    }
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
