//! Names and texts that break generated documents without escaping.

use serde_json::json;
use stellarfw::{
    Builder,
    actions::{Action, ActionResult, Input},
};

const NAMES: [&str; 18] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "constructor",
    "__proto__",
    "toString",
    "a/b c?d#e%f",
    "{id}",
    "quotes \" ' `",
    "*/ export {}; /*",
    "ünïcödé ☄ 🛰",
    "a_b",
    "a b",
    "a_b.get",
    "a_b.more",
    "a_b.response",
    "a_b.v1",
    "line\nbreak\u{2028}",
    "",
];

pub(crate) fn add(builder: Builder) -> Builder {
    NAMES.into_iter().fold(builder, |builder, name| {
        // Most JSON Schema tools cannot handle a property with this name.
        let action = Action::new(name, async || ActionResult::Ok(json!({ "odd": true })))
            .describe(format!("{name} --> </textarea> */ ${{1}} <b>&amp;"))
            .group(format!("<i>odd</i> {}", name.len() % 2))
            .input(
                Input::required(if name == "__proto__" { "proto" } else { name })
                    .describe(name)
                    .validate("in:</option>,\",*/"),
            )
            .input(Input::optional("plain").default(name))
            .example(json!({ "name": name, "list": [name] }));
        builder.add_action(action)
    })
}
