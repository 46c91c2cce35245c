//! What a server says of itself at `/`, where it has no page of its own there.

use serde_json::{Value, json};

use super::html::escape;
use crate::reference::{catalog::Catalog, source::Source};

/// The same for people, for terminals and for programs. It holds nothing that clients do not get
/// anyway.
pub(crate) struct Home {
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) json: String,
}

/// A path that is answered, and what is there.
struct Way {
    path: String,
    what: String,
    is_page: bool,
}

impl Home {
    pub(crate) fn of(source: &Source) -> Self {
        let catalog = Catalog::of(source);
        let engines = engines(&catalog);
        let others = others(&catalog);
        Self {
            html: html(&catalog, &engines, &others),
            text: text(&catalog, &engines, &others),
            json: format!("{:#}\n", value(&catalog)),
        }
    }
}

fn engines(catalog: &Catalog<'_>) -> Vec<Way> {
    let way = |path: &String, what: &str| Way {
        path: path.clone(),
        what: what.into(),
        is_page: false,
    };
    let channels = catalog.channels.iter();
    channels
        .map(|channel| way(&channel.path, channel.transport))
        .collect()
}

fn others(catalog: &Catalog<'_>) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut way = |path: &str, what: &str, is_page| {
        ways.push(Way {
            path: path.into(),
            what: what.into(),
            is_page,
        });
    };
    way("/docs", "reference, with a form for each action", true);
    way("/docs/openapi.json", "OpenAPI", true);
    way("/docs/asyncapi.json", "AsyncAPI", true);
    way("/stellar-client", "the browser client", true);
    way("/stellar-client.d.ts", "its types", true);
    way(&catalog.settings.api_path, "actions over HTTP", false);
    if catalog.settings.has_health {
        way("/healthz", "200 while the process runs", true);
        way("/readyz", "200 while it takes connections", true);
    }
    ways
}

fn value(catalog: &Catalog<'_>) -> Value {
    let engines: Vec<Value> = catalog
        .channels
        .iter()
        .map(|channel| json!({ "name": channel.transport, "path": channel.path }))
        .collect();
    let health = catalog.settings.has_health;
    json!({
        "name": catalog.settings.name,
        "apiVersion": catalog.settings.api_version,
        "parser": catalog.settings.parser,
        "engines": engines,
        "api": catalog.settings.api_path,
        "client": "/stellar-client",
        "types": "/stellar-client.d.ts",
        "docs": "/docs",
        "openapi": "/docs/openapi.json",
        "asyncapi": "/docs/asyncapi.json",
        "health": health.then_some("/healthz"),
        "ready": health.then_some("/readyz"),
    })
}

fn text(catalog: &Catalog<'_>, engines: &[Way], others: &[Way]) -> String {
    // A name is the operator's, and may hold anything.
    let plain = |text: &str| text.replace(char::is_control, " ");
    let mut out = format!(
        "{}, version {} of its API, is running.\n",
        plain(&catalog.settings.name),
        plain(&catalog.settings.api_version),
    );
    for (title, ways) in [("Engines", engines), ("Besides", others)] {
        out.push_str(&format!("\n{title}\n"));
        for Way { path, what, .. } in ways {
            out.push_str(&format!("  {path:<22} {what}\n"));
        }
    }
    out
}

fn html(catalog: &Catalog<'_>, engines: &[Way], others: &[Way]) -> String {
    let list = |ways: &[Way]| -> String {
        let items = ways.iter().map(|way| {
            let path = escape(&way.path);
            let shown = match way.is_page {
                // Relative, for servers that are mounted below a path.
                true => format!("<a href=\"{}\"><code>{path}</code></a>", &path[1..]),
                false => format!("<code>{path}</code>"),
            };
            format!(
                "<li>{shown} <span class=\"hint\">{}</span></li>\n",
                escape(&way.what)
            )
        });
        items.collect()
    };
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="description" content="What runs on this server">
<link rel="icon" type="image/svg+xml" href="docs/logo.svg">
<link rel="stylesheet" href="docs/docs.css">
</head>
<body class="home">
<main>
<section class="intro">
<img src="docs/logo.svg" width="56" height="56" alt="">
<h1>{name} <span class="tag">version {version}</span></h1>
<p class="lead">This server is running. It has no page of its own here: a file <code>index.html</code> in its public folder takes the place of this one.</p>
<p><a class="button button-primary" href="docs">Open the reference</a></p>
</section>
<div class="pair">
<section class="card" aria-labelledby="engines"><div class="card-head"><h2 id="engines">Engines</h2></div>
<ul class="ways">
{engines}</ul></section>
<section class="card" aria-labelledby="others"><div class="card-head"><h2 id="others">Besides</h2></div>
<ul class="ways">
{others}</ul></section>
</div>
</main>
</body>
</html>
"##,
        name = escape(&catalog.settings.name),
        version = escape(&catalog.settings.api_version),
        engines = list(engines),
        others = list(others),
    )
}
