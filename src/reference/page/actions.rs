//! The actions on the page: what each takes and gives, and a form to try it.

use serde_json::Value;

use super::{
    groups,
    html::{escape, json, pretty},
    shown_name,
};
use crate::{
    actions::is_secret,
    reference::{
        catalog::{Catalog, Entry, Field},
        openapi::encode,
        sample, schema,
    },
};

pub(super) fn render(catalog: &Catalog<'_>) -> String {
    if catalog.entries.is_empty() {
        return EMPTY.into();
    }
    let mut out = String::new();
    for (number, (group, entries)) in groups(catalog).into_iter().enumerate() {
        let title = escape(group.unwrap_or("Actions"));
        out.push_str(&format!(
            "<section class=\"group\" aria-labelledby=\"group.{number}\">\n\
             <h2 id=\"group.{number}\">{title}</h2>\n"
        ));
        for entry in entries {
            out.push_str(&article(catalog, entry));
        }
        out.push_str("</section>\n");
    }
    out.push_str("<p class=\"empty\" id=\"filter-empty\" hidden>No action has that in its name, its description or its inputs.</p>\n");
    out
}

const EMPTY: &str = r#"<section class="group">
<div class="empty empty-page">
<p class="empty-title">No actions yet</p>
<p>An action is a function of the server. Those that are declared appear here, with their inputs and a form to try them.</p>
<pre class="code">Stellar::builder().add_action(
    Action::new("greet", greet)
        .describe("Greets whoever calls")
        .input(Input::required("name").validate("max:40")),
)</pre>
</div>
</section>
"#;

fn article(catalog: &Catalog<'_>, entry: &Entry) -> String {
    let action = &entry.action;
    let mut about = String::new();
    if !action.description().is_empty() {
        about = format!("<p class=\"about\">{}</p>\n", escape(action.description()));
    }
    let version = match entry.needs_version() {
        true => format!(" data-version=\"{}\"", action.version()),
        false => String::new(),
    };
    format!(
        r##"<article class="action" id="{id}" data-name="{name}" data-renders="{renders}"{version}>
<header class="action-head"><h3><a href="#{id}">{shown}</a></h3>{tags}</header>
{about}<div class="columns">
{form}<div class="samples">
{calls}{answer}</div>
</div>
</article>
"##,
        id = entry.id,
        name = escape(&json(action.name())),
        renders = action.renders(),
        shown = shown_name(entry),
        tags = tags(entry),
        form = form(entry),
        calls = calls(catalog, entry),
        answer = answer(entry),
    )
}

fn tags(entry: &Entry) -> String {
    let action = &entry.action;
    let mut tags = String::new();
    let mut tag = |kind: &str, text: &str, title: &str| {
        let (text, title) = (escape(text), escape(title));
        tags.push_str(&format!(
            " <span class=\"tag {kind}\" title=\"{title}\">{text}</span>"
        ));
    };
    if entry.has_versions || action.version() != 1 || entry.needs_version() {
        let version = format!("version {}", action.version());
        let title = match entry.is_default {
            true => "Reached by calls that ask for no version",
            false => "Reached by calls whose apiVersion says so",
        };
        tag("", &version, title);
    }
    if action.is_protected() {
        tag(
            "tag-good",
            "protected",
            "No other action can take its place",
        );
    }
    for transport in action.blocked() {
        let text = format!("not over {transport}");
        tag("tag-warn", &text, "Calls over it get 005");
    }
    if !action.renders() {
        tag(
            "tag-warn",
            "no answer",
            "Calls get no answer, but for errors",
        );
    }
    if let Some(timeout) = action.timeout() {
        let text = format!("within {} ms", timeout.as_millis());
        tag("", &text, "What takes longer gets 022");
    }
    tags
}

fn form(entry: &Entry) -> String {
    let mut out = String::from("<form class=\"try\" autocomplete=\"off\">\n");
    for (number, field) in entry.fields.iter().enumerate() {
        out.push_str(&input(field, &format!("input.{number}.{}", entry.id)));
    }
    let more = format!("more.{}", entry.id);
    // What it takes beside its declared inputs only its authors know.
    let (open, title) = match entry.fields.is_empty() {
        true => (" open", "Parameters"),
        false => ("", "More parameters"),
    };
    out.push_str(&format!(
        r#"<details class="more"{open}><summary>{title}</summary>
<label class="visually-hidden" for="{more}">{title} as JSON</label>
<textarea id="{more}" class="mono" rows="2" spellcheck="false" data-more placeholder='{{ "key": "value" }}'></textarea>
</details>
<p class="field-error form-error" role="alert" hidden></p>
<div class="row"><button type="submit" class="button button-primary" disabled>Call</button> <span class="hint">Needs JavaScript</span></div>
<div class="result" aria-live="polite"></div>
</form>
"#
    ));
    out
}

/// An input: what it is, and where its value is given.
fn input(field: &Field, id: &str) -> String {
    let need = match field.required {
        true => "<span class=\"need\">required</span>",
        false => "<span class=\"hint\">optional</span>",
    };
    let mut notes = String::new();
    if !field.description.is_empty() {
        notes.push_str(&format!("<p>{}</p>", escape(&field.description)));
    }
    let rules: Vec<String> = field
        .rules
        .iter()
        .flat_map(|rules| schema::split(rules))
        // The choices are there to see.
        .filter(|(name, _)| *name != "in" || field.shown.get("enum").is_none())
        .map(|(name, args)| {
            let text = if args.is_empty() {
                name.to_owned()
            } else {
                format!("{name}:{args}")
            };
            format!("<code>{}</code>", escape(&text))
        })
        .collect();
    if !rules.is_empty() {
        notes.push_str(&format!("<p class=\"rules\">{}</p>", rules.join(" ")));
    }
    let mut control = control(field, id);
    if !notes.is_empty() {
        notes = format!("<div class=\"notes\" id=\"notes.{id}\">{notes}</div>\n");
        control = control.replacen(
            " data-key",
            &format!(" aria-describedby=\"notes.{id}\" data-key"),
            1,
        );
    }
    format!(
        "<div class=\"field\" data-field=\"{key}\">\n<div class=\"field-head\"><label for=\"{id}\"><code>{name}</code></label> \
         <span class=\"type\">{kind}</span> {need}</div>\n{notes}{control}\
         <p class=\"field-error\" id=\"fault.{id}\" hidden></p></div>\n",
        key = escape(&json(&field.name)),
        name = if field.name.is_empty() {
            "\"\"".into()
        } else {
            escape(&field.name)
        },
        kind = escape(&kind(field)),
    )
}

/// What a value of the field is, in words.
fn kind(field: &Field) -> String {
    let one = |name: &Value| match name.as_str() {
        Some("integer") => "whole number",
        Some("number") => "number",
        Some("boolean") => "true or false",
        Some("array") => "list",
        Some("object") => "object",
        Some("null") => "null",
        _ => "text",
    };
    if field.shown.get("enum").is_some() {
        return "one of these".into();
    }
    match field.shown.get("type") {
        Some(Value::Array(names)) => {
            let words: Vec<&str> = names.iter().map(one).collect();
            match words.split_last() {
                Some((last, [])) => (*last).to_owned(),
                Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
                None => "any value".into(),
            }
        }
        Some(name) => one(name).into(),
        None if field.sample.is_some() && field.format.is_none() => "any value".into(),
        None => field.format.unwrap_or("any value").into(),
    }
}

fn control(field: &Field, id: &str) -> String {
    let key = escape(&json(&field.name));
    let default = field.default.as_ref();
    let options = field.shown.get("enum").and_then(Value::as_array).cloned();
    let options = options.or_else(|| {
        let is_bool = field.shown.get("type").and_then(Value::as_str) == Some("boolean");
        is_bool.then(|| vec![true.into(), false.into()])
    });
    if let Some(options) = options {
        let unset = match default {
            Some(default) => format!("{} (default)", plain(default)),
            None if field.required => "Choose one".into(),
            None => "not sent".into(),
        };
        let mut out = format!(
            "<select id=\"{id}\" data-key=\"{key}\" data-kind=\"choice\">\n<option value=\"\">{}</option>\n",
            escape(&unset)
        );
        for option in &options {
            let (value, shown) = (escape(&json(option)), escape(&plain(option)));
            out.push_str(&format!("<option value=\"{value}\">{shown}</option>\n"));
        }
        out.push_str("</select>\n");
        return out;
    }
    let types = field.shown.get("type");
    let first = types.and_then(|types| types.get(0).unwrap_or(types).as_str());
    let kind = match first {
        Some("integer" | "number") => "number",
        Some("string") if types.is_some_and(Value::is_array) => "words",
        Some("string") => "text",
        _ => "value",
    };
    let hint = match default {
        Some(default) => format!("{} (default)", plain(default)),
        None if field.required && sample::is_certain(field) => plain(&sample::value(field)),
        None => String::new(),
    };
    let hint = escape(&hint);
    let mode = match kind {
        "number" => " inputmode=\"decimal\"",
        _ if is_secret(&field.shown) => " type=\"password\"",
        _ => "",
    };
    format!(
        "<input id=\"{id}\" data-key=\"{key}\" data-kind=\"{kind}\"{mode} placeholder=\"{hint}\" \
         autocapitalize=\"off\" spellcheck=\"false\">\n"
    )
}

/// A value as one would type it: a text as itself.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The call in the browser client's words.
pub(super) fn client_call(entry: &Entry) -> String {
    let mut params = sample::params(entry);
    params.shift_remove("action");
    let name = json(entry.action.name());
    if params.is_empty() {
        format!("await client.action({name})")
    } else {
        format!("await client.action({name}, {})", pretty(&params.into()))
    }
}

fn calls(catalog: &Catalog<'_>, entry: &Entry) -> String {
    let message = serde_json::json!({ "event": "action", "params": sample::params(entry) });
    let mut out = String::from("<div class=\"card calls\">\n");
    let mut add = |kind: &str, title: &str, text: &str| {
        out.push_str(&format!(
            "<div class=\"call\" data-call=\"{kind}\"><h4>{title}</h4>\n<pre class=\"code\" tabindex=\"0\">{}</pre></div>\n",
            escape(text)
        ));
    };
    add("client", "Client", &client_call(entry));
    add("message", "Message", &pretty(&message));
    let name = entry.action.name();
    if !entry.action.is_blocked("http") && !name.is_empty() {
        let mut body = sample::inputs(entry);
        if entry.needs_version() {
            body.insert("apiVersion".into(), entry.action.version().into());
        }
        let api = catalog.settings.api_path.trim_end_matches('/');
        let text = format!(
            "POST {api}/{}\nContent-Type: application/json\n\n{}",
            encode(name),
            pretty(&body.into())
        );
        add("http", "HTTP", &text);
    }
    out.push_str("</div>\n");
    out
}

fn answer(entry: &Entry) -> String {
    let Some(example) = entry.example.as_ref().filter(|_| entry.action.renders()) else {
        return String::new();
    };
    format!(
        "<div class=\"card\"><div class=\"card-head\"><strong>An answer</strong></div>\n\
         <pre class=\"code json\" tabindex=\"0\">{}</pre></div>\n",
        escape(&pretty(example))
    )
}
