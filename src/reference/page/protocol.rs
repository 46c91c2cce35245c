//! The parts of the protocol on the page: verbs, pushes, errors.

use super::html::{escape, pretty};
use crate::reference::{catalog::Catalog, words};

pub(super) fn render(catalog: &Catalog<'_>) -> String {
    let mut out = String::from(
        "<section class=\"group protocol\" id=\"verbs\">\n<h2>What can be sent</h2>\n\
         <p class=\"about\">Besides actions. Each has one response with <code>context: \
         \"response\"</code> and the number of the message it answers; the client's methods are \
         promises of it.</p>\n<div class=\"list\">\n",
    );
    for verb in words::verbs(catalog.example_room()) {
        out.push_str(&item(
            verb.name,
            verb.about,
            &verb.call,
            &pretty(&verb.example),
        ));
    }
    out.push_str(
        "</div>\n</section>\n<section class=\"group protocol\" id=\"pushes\">\n\
         <h2>What comes by itself</h2>\n<div class=\"list\">\n",
    );
    for push in words::pushes(catalog.example_room()) {
        if push.name == "welcome" && !catalog.settings.has_welcome {
            continue;
        }
        out.push_str(&item(
            push.name,
            push.about,
            &push.call,
            &pretty(&push.example),
        ));
    }
    out.push_str(
        "</div>\n</section>\n<section class=\"group protocol\" id=\"errors\">\n<h2>Errors</h2>\n\
         <p class=\"about\">An action may have errors of its own: a text, or an object.</p>\n\
         <table class=\"errors\">\n<thead><tr><th scope=\"col\">Code</th><th scope=\"col\">Message\
         </th><th scope=\"col\">What it means</th></tr></thead>\n<tbody>\n",
    );
    for (error, meaning) in words::errors() {
        out.push_str(&format!(
            "<tr id=\"error.{code}\"><th scope=\"row\"><a href=\"#error.{code}\"><code>{code}</code>\
             </a></th><td>{message}</td><td>{meaning}</td></tr>\n",
            code = escape(error.code()),
            message = escape(error.message()),
            meaning = escape(meaning),
        ));
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
    out
}

fn item(name: &str, about: &str, call: &str, example: &str) -> String {
    format!(
        "<div class=\"item\"><div><h3><code>{}</code></h3>\n<p>{}</p>\n<p class=\"item-call\">\
         <code>{}</code></p></div>\n<pre class=\"code json\" tabindex=\"0\">{}</pre></div>\n",
        escape(name),
        escape(about),
        escape(call),
        escape(example),
    )
}
